#include "aws/api.h"

#include <stddef.h>

#include "aws/advice.h"
#include "aws/attempt.h"
#include "aws/conf.h"
#include "aws/cred/cred.h"
#include "aws/retry.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"

enum {
	CALL_MS = 180000,
	METADATA_MAX = 64 * 1024,
	REQUEST_MAX = 1024 * 1024,
};

static const struct attempt_service services[API_SERVICES] = {
	[API_SSM] = { "ssm", "AmazonSSM", NULL },
	[API_STS] = { "sts", NULL, "2011-06-15" },
	[API_ECS] = { "ecs", "AmazonEC2ContainerServiceV20141113", NULL },
};

const char *
api_service_name(enum api_service service)
{
	return services[service].name;
}

int
api_service_find(const char *name, enum api_service *out)
{
	for (int i = 0; i < API_SERVICES; i++) {
		if (slice_eq(slice_of(name), services[i].name)) {
			*out = (enum api_service)i;
			return 0;
		}
	}
	return -1;
}

void
api_reply_free(struct api_reply *reply)
{
	buf_free(&reply->body);
	*reply = (struct api_reply){ .status = 0 };
}

int
api_reply_json(const struct api_reply *reply, struct json **out,
    struct err *err)
{
	struct slice body = slice_make(reply->body.data, reply->body.len);
	struct json *doc = NULL;

	if (body.len == 0)
		body = slice_of("{}");
	if (json_parse(&doc, body.ptr, body.len, NULL) != 0 ||
	    !json_is_object(doc)) {
		json_free(doc);
		err_set(err, ERR_KIND_PARSE,
		    "the answer of AWS is not a JSON object (request id %s)",
		    reply->request_id[0] != '\0' ? reply->request_id : "none");
		if (err != NULL)
			err->ambiguous = true;
		return -1;
	}
	*out = doc;
	return 0;
}

int
api_metadata(struct api *api, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	struct http_request direct = *request;

	direct.no_proxy = true;
	if (direct.body_max == 0)
		direct.body_max = METADATA_MAX;
	return api->transport.roundtrip(api->transport.context, &direct, answer,
	    err);
}

static void
warn_plain(struct attempt *call)
{
	const struct url *url = &call->endpoint.url;

	if (url->tls || url_is_loopback(url->host) || call->api->warned_plain ||
	    call->req->signer.kind == SIGV4_NONE)
		return;
	call->api->warned_plain = true;
	log_event(LOG_WARN, "plain_http",
	    "requests to %s go over plain http: everybody on the way can read "
	    "them",
	    url->host);
}

static void
format_body(struct attempt *call)
{
	const struct api_request *req = call->req;
	const struct attempt_service *service = call->service;
	bool empty = req->body == NULL || *req->body == '\0';

	call->body.max = REQUEST_MAX;
	if (service->target != NULL) {
		buf_printf(&call->target, "%s.%s", service->target,
		    req->operation);
		buf_puts(&call->body, empty ? "{}" : req->body);
		return;
	}
	buf_printf(&call->body, "Action=%s&Version=%s", req->operation,
	    service->version);
	if (!empty) {
		buf_putc(&call->body, '&');
		buf_puts(&call->body, req->body);
	}
}

static int
find_endpoint(struct attempt *call, struct err *err)
{
	const struct conf *conf = call->api->conf;
	const char *flag = conf_options(conf)->endpoint_url;

	if (call->req->endpoint != NULL) {
		call->endpoint = *call->req->endpoint;
		return 0;
	}
	return endpoint_find(&call->endpoint, conf, call->service->name,
	    call->api->region, call->req->for_credentials ? NULL : flag, err);
}

static int
prepare_call(struct attempt *call, struct err *err)
{
	struct api *api = call->api;

	if (retry_attempts(api->conf, &call->max, err) != 0 ||
	    find_endpoint(call, err) != 0 || rng_uuid(call->id, err) != 0)
		return -1;
	if (call->req->max_attempts > 0)
		call->max = call->req->max_attempts;
	call->deadline =
	    call->req->deadline != 0 ? call->req->deadline : clock_in(CALL_MS);
	format_body(call);
	if (!buf_ok(&call->body) || !buf_ok(&call->target))
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "the request is too large");
	warn_plain(call);
	return 0;
}

/* The clock is the reason: correct it, say so, and tell whether to go on. */
static bool
correct_clock(struct attempt *call, const struct err *err)
{
	struct api *api = call->api;
	int64_t server, offset, apart;

	if (call->req->signer.kind == SIGV4_NONE ||
	    !retry_server_time(err, call->date[0] != '\0' ? call->date : NULL,
	        &server))
		return false;
	offset = server - clock_now();
	apart = offset > api->clock_offset ? offset - api->clock_offset
	                                   : api->clock_offset - offset;
	if (apart <= RETRY_SKEW_LIMIT)
		return false;
	if (!api->warned_clock) {
		log_event(LOG_WARN, "clock_skew",
		    "the clock of this machine is %lld minutes %s; SSM Agent "
		    "will fail for the same reason",
		    (long long)(offset < 0 ? -offset : offset) / 60,
		    offset < 0 ? "ahead" : "behind");
	}
	api->warned_clock = true;
	api->clock_offset = offset;
	if (call->skewed || call->reply->attempts >= call->max)
		return false;
	call->skewed = true;
	return true;
}

/* Whether a failed attempt may have been carried out nevertheless. */
static bool
is_ambiguous(const struct err *err)
{
	if (err->kind != ERR_KIND_API)
		return err->ambiguous;
	return err->http_status < 400 || err->http_status > 499;
}

static void
classify_failure(const struct attempt *call, struct err *err)
{
	retry_classify(err, call->service == &services[API_STS]);
	/* Another container's removal is under way. */
	if (slice_names("DeleteActivation DeregisterManagedInstance",
	        call->req->operation) &&
	    slice_eq(slice_of(err->peer_code), "TooManyUpdates"))
		err->retry = ERR_THROTTLED;
}

/* After a failed attempt: wait for the next one, or false (base/clock.h tells
 * who else tries again). */
static bool
wait_for_next(struct attempt *call, struct err *err)
{
	int made = call->reply->attempts;
	int pause;

	call->reply->ambiguous |= made > 0 && is_ambiguous(err);
	classify_failure(call, err);
	if (correct_clock(call, err))
		return true;
	if (err->retry == ERR_FINAL || made >= call->max)
		return false;
	pause = retry_pause(made, err->retry, rng_unit(), call->after_ms);
	if (clock_left(call->deadline) <= pause)
		return false;
	if (!retry_take(&call->api->quota[call->req->service], err->retry,
	        &call->cost)) {
		log_debug("%s: the quota of retries is used up",
		    call->req->operation);
		return false;
	}
	clock_sleep(clock_in(pause));
	return true;
}

static void
add_advice(const struct attempt *call, struct err *err)
{
	const struct sigv4_signer *signer = &call->req->signer;
	struct advice_context context = {
		.service = call->service->name,
		.operation = call->req->operation,
		.region = call->api->region,
		.role = call->req->role,
		.body = call->req->body,
		.host = call->endpoint.url.host,
		.configured = call->endpoint.configured,
		.variant = call->endpoint.variant,
		.conf = call->api->conf,
	};

	if (signer->kind == SIGV4_HMAC) {
		context.method = signer->cred->method;
		context.access_key = signer->cred->access_key;
		context.has_token = signer->cred->token != NULL;
		context.expires = signer->cred->expires;
	}
	advice_fill(err, &context);
}

int
api_call(struct api *api, const struct api_request *req,
    struct api_reply *reply, struct err *err)
{
	struct attempt call = { .api = api,
		.req = req,
		.service = &services[req->service],
		.reply = reply };
	struct err last = { .code = ERR_OK };
	int rc;

	*reply = (struct api_reply){ .status = 0 };
	rc = prepare_call(&call, &last);
	if (rc == 0) {
		do {
			err_clear(&last);
			rc = attempt_make(&call, &last);
		} while (rc != 0 && wait_for_next(&call, &last));
	}
	if (rc == 0) {
		retry_give(&api->quota[req->service], call.cost);
	} else {
		last.attempts = reply->attempts;
		last.ambiguous = reply->ambiguous;
		add_advice(&call, &last);
		if (err != NULL && err->kind == ERR_KIND_NONE)
			*err = last;
	}
	buf_free(&call.body);
	buf_free(&call.target);
	return rc;
}
