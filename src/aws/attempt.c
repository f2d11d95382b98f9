#include "aws/attempt.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred/cred.h"
#include "aws/fault.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "base/version.h"
#include "net/http_msg.h"

enum {
	JSON_MAX = 4 * 1024 * 1024,
	QUERY_MAX = 256 * 1024,
	APP_ID_ADVISED = 50, /* characters */
};

/* A part's value, with '-' for every character that may not stand there. */
static void
add_value(struct buf *out, const char *value)
{
	struct slice s = slice_of(value),
	             special = slice_of("\"()/:;<=>?@[\\]{}");

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c <= ' ' || c > '~' || slice_has(special, c))
			c = '-';
		buf_putc(out, c);
	}
}

/* NAME and value, or nothing without a value. */
static void
add_part(struct buf *out, const char *name, const char *value)
{
	if (value == NULL || *value == '\0')
		return;
	buf_puts(out, name);
	add_value(out, value);
}

/*
 * The value of the User-Agent header in the form that the AWS SDKs share:
 * product, libraries, system, and what the user put into AWS_EXECUTION_ENV and
 * AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id).
 */
static void
format_user_agent(struct buf *out, const struct conf *conf)
{
	const char *app = conf_get(conf, "AWS_SDK_UA_APP_ID", "sdk_ua_app_id");
	struct utsname kernel = { .release = "" };

	uname(&kernel);
	add_part(out, "ssm-activate/", version_program);
	add_part(out, " md/BearSSL#", version_bearssl);
	buf_puts(out, " ua/2.1");
	add_part(out, " os/linux#", kernel.release);
	add_part(out, " md/arch#", kernel.machine);
	buf_puts(out, " lang/c");
	add_part(out, " exec-env/",
	    env_get(conf_env(conf), "AWS_EXECUTION_ENV"));
	buf_puts(out, " cfg/retry-mode#standard");
	add_part(out, " app/", app);
	if (slice_of(app).len > APP_ID_ADVISED) {
		log_event(LOG_WARN, "app_id_long",
		    "AWS_SDK_UA_APP_ID (profile: sdk_ua_app_id) is longer "
		    "than %d characters",
		    APP_ID_ADVISED);
	}
}

static void
name_ourselves(struct api *api)
{
	struct buf text = { 0 };

	if (api->user_agent[0] != '\0')
		return;
	format_user_agent(&text, api->conf);
	slice_copy(slice_head(slice_make(text.data, text.len),
	               sizeof api->user_agent - 1),
	    api->user_agent, sizeof api->user_agent);
	buf_free(&text);
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
sign_headers(struct signed_headers *headers, const struct attempt *call,
    int64_t when, struct err *err)
{
	const struct sigv4_signer *signer = &call->req->signer;
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
format_headers(struct signed_headers *out, const struct attempt *call,
    int64_t when, struct err *err)
{
	bool json = call->service->target != NULL;

	url_authority(&call->endpoint.url, &out->host);
	if (!buf_ok(&out->host))
		return err_memory(err);
	add_header(out, "Host", buf_str(&out->host));
	add_header(out, "Content-Type",
	    json ? "application/x-amz-json-1.1"
	         : "application/x-www-form-urlencoded; charset=utf-8");
	if (json)
		add_header(out, "X-Amz-Target", buf_str(&call->target));
	if (sign_headers(out, call, when, err) != 0)
		return -1;
	snprintf(out->attempt, sizeof out->attempt, "attempt=%d; max=%d",
	    call->reply->attempts + 1, call->max);
	add_header(out, "Accept-Encoding", "identity");
	name_ourselves(call->api);
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

static void
copy_header(const struct http_msg *answer, const char *name, char *out,
    size_t size)
{
	struct slice value = slice_of(http_msg_header(answer, name));

	err_clean(out, size, value.ptr, value.len);
}

static void
note_answer(struct attempt *call, const struct http_msg *answer)
{
	struct slice after =
	    slice_of(http_msg_header(answer, "x-amz-retry-after"));
	uint64_t ms;

	call->reply->status = answer->status;
	copy_header(answer, "x-amzn-requestid", call->reply->request_id,
	    sizeof call->reply->request_id);
	copy_header(answer, "date", call->date, sizeof call->date);
	if (slice_u64(after, INT64_MAX, &ms))
		call->after_ms = (int64_t)ms;
}

static int
take_refusal(struct attempt *call, const struct http_msg *answer,
    struct err *err)
{
	const struct sigv4_signer *signer = &call->req->signer;
	struct fault_answer fault = {
		.status = answer->status,
		.query = call->service->target == NULL,
		.type = http_msg_header(answer, "x-amzn-errortype"),
		.id = http_msg_header(answer, "x-amzn-requestid"),
		.body = answer->body.data,
		.body_len = answer->body.len,
		.secrets = { signer->kind == SIGV4_HMAC ? signer->cred->token
		                                        : NULL,
		    call->req->secret },
	};
	bool id;

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
send_request(struct attempt *call, const struct signed_headers *headers,
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

int
attempt_make(struct attempt *call, struct err *err)
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
