/* SPDX-License-Identifier: MIT */
#include "aws/api.h"

#include <stdio.h>

#include "aws/advice.h"
#include "aws/conf.h"
#include "aws/cred/value.h"
#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/user_agent.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "net/http_msg.h"

enum {
	CALL_MS = 180000,
	REQUEST_MAX = 1024 * 1024,
	JSON_MAX = 4 * 1024 * 1024,
	QUERY_MAX = 256 * 1024,
};

/* Protocol and names of a service; one with neither target nor version is a
 * REST service. */
struct service {
	const char *name;
	const char *target;  /* JSON 1.1: X-Amz-Target before the '.' */
	const char *version; /* Query protocol: Version */
};

/* A call, over all its attempts. */
struct call {
	struct api *api;
	const struct api_request *req;
	const struct service *service;
	struct api_reply *reply;
	struct endpoint endpoint;
	struct buf target;
	struct buf body;
	char id[RNG_UUID_SIZE];
	int64_t deadline;
	int max;  /* attempts */
	int cost; /* what the last retry took from the quota */
	struct sigv4_signer signer;
	bool renewed;     /* our credentials were got anew already */
	bool skewed;      /* the clock was corrected already */
	char date[64];    /* of the last answer, "" = none */
	int64_t after_ms; /* x-amz-retry-after of it, -1 = none */
};

static const struct service services[API_SERVICES] = {
	[API_SSM] = { "ssm", "AmazonSSM", NULL },
	[API_STS] = { "sts", NULL, "2011-06-15" },
	[API_ECS] = { "ecs", "AmazonEC2ContainerServiceV20141113", NULL },
	[API_SSMMESSAGES] = { "ssmmessages", NULL, NULL },
};

static bool
is_rest(const struct service *service)
{
	return service->target == NULL && service->version == NULL;
}

static bool
is_query(const struct service *service)
{
	return service->version != NULL;
}

const char *
api_service_name(enum api_service service)
{
	return services[service].name;
}

int
api_service_find(const char *name, enum api_service *out)
{
	for (int i = 0; i < API_SERVICES; i++) {
		if (!is_rest(&services[i]) &&
		    slice_eq(slice_of(name), services[i].name)) {
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

/*
 * The headers of one attempt of a call, signed; pure but for the salt of an
 * RSA signature, which is drawn here.  Signed are Content-Type, Host,
 * X-Amz-Date, X-Amz-Security-Token and X-Amz-Target, as far as they are
 * sent, and nothing else: botocore's set.
 */
enum { HEADERS_MAX = 12 };

struct signed_headers {
	struct http_header list[HEADERS_MAX]; /* Host comes first */
	size_t count;
	/* What headers point to, besides the call. */
	char date[CLOCK_BASIC_SIZE];
	char attempt[48];
	struct buf host;
	struct buf authorization;
};

static void
add_header(struct signed_headers *headers, const char *name, const char *value)
{
	if (value == NULL || headers->count == HEADERS_MAX)
		return;
	headers->list[headers->count++] = (struct http_header){ name, value };
}

/* Date and token belong to a signature and are not sent without one. */
static int
sign_headers(struct signed_headers *headers, const struct call *call,
    int64_t when, struct err *err)
{
	const struct sigv4_signer *signer = &call->signer;
	unsigned char salt[RSA_SALT_LEN] = { 0 };
	struct sigv4_request req = {
		.method = "POST",
		.path = call->endpoint.url.path,
		.headers = headers->list,
		.body = call->body.data,
		.body_len = call->body.len,
		.region = call->endpoint.region,
		.service = call->endpoint.service,
		.when = when,
	};

	if (signer->kind == SIGV4_NONE)
		return 0;
	clock_basic(when, headers->date);
	add_header(headers, "X-Amz-Date", headers->date);
	if (signer->kind == SIGV4_HMAC) {
		add_header(headers, "X-Amz-Security-Token",
		    signer->cred->token);
	} else if (rng_fill(salt, sizeof salt, err) != 0) {
		return -1;
	}
	req.header_count = headers->count;
	if (sigv4_sign(&req, signer, salt, &headers->authorization, err) != 0)
		return -1;
	add_header(headers, "Authorization", buf_str(&headers->authorization));
	return 0;
}

/* For the next attempt.  out is zero before; when: AWS's clock, seconds since
 * 1970; call must live as long as out is used. */
static int
format_headers(struct signed_headers *out, const struct call *call,
    int64_t when, struct err *err)
{
	const struct service *service = call->service;
	bool json = service->target != NULL;

	url_authority(&call->endpoint.url, &out->host);
	if (!buf_ok(&out->host))
		return err_memory(err);
	add_header(out, "Host", buf_str(&out->host));
	add_header(out, "Content-Type",
	    json                ? "application/x-amz-json-1.1"
	    : is_query(service) ? "application/x-www-form-urlencoded; "
	                          "charset=utf-8"
	                        : "application/json");
	if (json)
		add_header(out, "X-Amz-Target", buf_str(&call->target));
	if (sign_headers(out, call, when, err) != 0)
		return -1;
	snprintf(out->attempt, sizeof out->attempt, "attempt=%d; max=%d",
	    call->reply->attempts + 1, call->max);
	add_header(out, "Accept-Encoding", "identity");
	if (call->api->user_agent[0] == '\0')
		user_agent_format(call->api->user_agent,
		    sizeof call->api->user_agent, call->api->conf);
	add_header(out, "User-Agent", call->api->user_agent);
	add_header(out, "amz-sdk-invocation-id", call->id);
	add_header(out, "amz-sdk-request", out->attempt);
	return 0;
}

static void
free_headers(struct signed_headers *headers)
{
	buf_free(&headers->host);
	buf_free(&headers->authorization);
	*headers = (struct signed_headers){ .count = 0 };
}

static struct fault_answer
describe(const struct call *call, const struct http_msg *answer)
{
	const struct sigv4_signer *signer = &call->signer;
	bool hmac = signer->kind == SIGV4_HMAC;

	return (struct fault_answer){
		.status = answer->status,
		.query = is_query(call->service),
		.rest = is_rest(call->service),
		.type = http_msg_header(answer, "x-amzn-errortype"),
		.id = http_msg_header(answer, "x-amzn-requestid"),
		.body = answer->body.data,
		.body_len = answer->body.len,
		.secrets = { hmac ? signer->cred->token : NULL,
		    call->req->secret },
	};
}

static void
note_answer(struct call *call, const struct http_msg *answer)
{
	const struct fault_answer fault = describe(call, answer);
	struct slice date = slice_of(http_msg_header(answer, "date"));
	const char *after = http_msg_header(answer, "x-amz-retry-after");
	uint64_t ms;

	call->reply->status = answer->status;
	fault_show(call->reply->request_id, sizeof call->reply->request_id,
	    &fault, slice_of(fault.id));
	err_clean(call->date, sizeof call->date, date.ptr, date.len);
	if (slice_u64(slice_of(after), INT64_MAX, &ms))
		call->after_ms = (int64_t)ms;
}

static int
take_refusal(struct call *call, const struct http_msg *answer, struct err *err)
{
	const struct fault_answer fault = describe(call, answer);
	bool id = false;

	fault_decode(&fault, err);
	id = err->request_id[0] != '\0';
	err_set(err, ERR_KIND_API, "%s at %s: %s%s%s%s%s%s",
	    call->req->operation, call->endpoint.url.host, err->peer_code,
	    err->peer_text[0] != '\0' ? ": " : "", err->peer_text,
	    id ? " (request id " : "", err->request_id, id ? ")" : "");
	if (fault_is_access(err->peer_code))
		err->code = ERR_ACCESS;
	return -1;
}

static int
send_request(struct call *call, const struct signed_headers *headers,
    struct err *err)
{
	struct api *api = call->api;
	struct http_request request = {
		.method = "POST",
		.url = &call->endpoint.url,
		/* The transport writes Host, the first one, by itself. */
		.headers = &headers->list[1],
		.header_count = headers->count - 1,
		.body = call->body.data,
		.body_len = call->body.len,
		.has_length = true,
		.read_ms = conf_options(api->conf)->read_timeout_ms,
		.deadline = call->deadline,
		.body_max =
		    call->service->target != NULL ? JSON_MAX : QUERY_MAX,
	};
	struct http_msg answer = { 0 };
	int rc;

	call->reply->attempts++;
	rc = api->transport.roundtrip(api->transport.context, &request, &answer,
	    err);
	if (rc != 0) {
		err_wrap(err, call->req->operation);
		goto out;
	}
	note_answer(call, &answer);
	if (answer.status < 200 || answer.status > 299) {
		rc = take_refusal(call, &answer, err);
		goto out;
	}
	call->reply->body = answer.body;
	answer.body = (struct buf){ .max = 0 };
out:
	http_msg_free(&answer);
	return rc;
}

/*
 * Sign with a fresh time and send once.  0: the reply holds a 2xx answer.
 * The reply's count of attempts grows when the request was handed to the
 * transport.
 */
static int
make_attempt(struct call *call, struct err *err)
{
	struct signed_headers headers = { 0 };
	int rc;

	call->date[0] = '\0';
	call->after_ms = -1;
	rc = format_headers(&headers, call,
	    clock_now() + call->api->clock_offset, err);
	if (rc == 0)
		rc = send_request(call, &headers, err);
	free_headers(&headers);
	log_debug("%s: attempt %d of %d: %s", call->req->operation,
	    call->reply->attempts, call->max, rc == 0 ? "done" : err->msg);
	return rc;
}

static void
warn_plain(struct call *call)
{
	const struct url *url = &call->endpoint.url;

	if (url->tls || url_is_loopback(url->host) || call->api->warned_plain ||
	    call->signer.kind == SIGV4_NONE)
		return;
	call->api->warned_plain = true;
	log_event(LOG_WARN, "plain_http",
	    "requests to %s go over plain http: everybody on the way can read "
	    "them",
	    url->host);
}

static void
format_body(struct call *call)
{
	const struct api_request *req = call->req;
	const struct service *service = call->service;
	bool empty = req->body == NULL || *req->body == '\0';

	call->body.max = REQUEST_MAX;
	if (!is_query(service)) {
		if (service->target != NULL)
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
find_endpoint(struct call *call, struct err *err)
{
	const struct conf *conf = call->api->conf;
	const struct api_request *req = call->req;
	const char *flag =
	    req->for_credentials ? NULL : conf_options(conf)->endpoint_url;

	if (req->endpoint != NULL)
		call->endpoint = *req->endpoint;
	else if (endpoint_find(&call->endpoint, conf, call->service->name,
	             call->api->region, flag, err) != 0)
		return -1;
	return req->path == NULL
	           ? 0
	           : url_append(&call->endpoint.url, req->path, err);
}

static int
sign_as_ourselves(struct call *call, bool renew, struct err *err)
{
	const struct api_owner *owner = &call->api->owner;

	if (owner->credentials(owner->context, renew, call->deadline,
	        &call->signer.cred, err) != 0)
		return -1;
	call->signer.kind = SIGV4_HMAC;
	return 0;
}

static int
prepare_call(struct call *call, struct err *err)
{
	struct api *api = call->api;

	if (retry_attempts(api->conf, &call->max, err) != 0 ||
	    find_endpoint(call, err) != 0 || rng_uuid(call->id, err) != 0)
		return -1;
	if (call->req->max_attempts > 0)
		call->max = call->req->max_attempts;
	call->deadline =
	    call->req->deadline != 0 ? call->req->deadline : clock_in(CALL_MS);
	/* A wrong endpoint is reported before credentials are asked for. */
	call->signer = call->req->signer;
	if (call->req->own && sign_as_ourselves(call, false, err) != 0)
		return -1;
	format_body(call);
	if (!buf_ok(&call->body) || !buf_ok(&call->target))
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "the request is too large");
	warn_plain(call);
	return 0;
}

/* The clock is the reason: correct it, say so, and tell whether to go on. */
static bool
correct_clock(struct call *call, const struct err *err)
{
	struct api *api = call->api;
	int64_t server, offset, apart;

	if (call->signer.kind == SIGV4_NONE ||
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
	bool refused = err->http_status >= 400 && err->http_status <= 499;

	return err->kind == ERR_KIND_API ? !refused : err->ambiguous;
}

static void
classify_failure(const struct call *call, struct err *err)
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
wait_for_next(struct call *call, struct err *err)
{
	int made = call->reply->attempts;
	int pause;

	call->reply->ambiguous |= made > 0 && is_ambiguous(err);
	classify_failure(call, err);
	call->reply->throttled |= err->retry == ERR_THROTTLED;
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

/* After an answer that our token is out of date: repeat the call, once, with
 * others. */
static bool
renew_own(struct call *call, const struct err *err)
{
	struct err why = { 0 };

	if (!call->req->own || call->renewed ||
	    !fault_is_expired(err->peer_code))
		return false;
	call->renewed = true;
	if (sign_as_ourselves(call, true, &why) != 0) {
		log_debug("new credentials: %s", why.msg);
		return false;
	}
	call->max += call->reply->attempts;
	call->skewed = false;
	return true;
}

static void
add_advice(const struct call *call, struct err *err)
{
	const struct sigv4_signer *signer = &call->signer;
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
	struct call call = { .api = api,
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
			rc = make_attempt(&call, &last);
		} while (rc != 0 && (wait_for_next(&call, &last) ||
		                        renew_own(&call, &last)));
	}
	if (rc == 0) {
		retry_give(&api->quota[req->service], call.cost);
	} else {
		last.attempts = reply->attempts;
		last.ambiguous = reply->ambiguous;
		/* What our credentials lack their source has said. */
		if (reply->attempts > 0 || !req->own)
			add_advice(&call, &last);
		if (err != NULL && err->kind == ERR_KIND_NONE)
			*err = last;
	}
	buf_free(&call.body);
	buf_free(&call.target);
	return rc;
}
