#include "aws/wire.h"

#include "aws/api.h"
#include "aws/attempt.h"
#include "aws/cred.h"
#include "base/err.h"
#include "base/format.h"
#include "base/rsa.h"

static void
add(struct wire *wire, const char *name, const char *value)
{
	if (value == NULL || wire->count == WIRE_HEADERS_MAX)
		return;
	wire->headers[wire->count++] = (struct http_header){ name, value };
}

/* Date and token belong to a signature and are not sent without one. */
static int
sign(struct wire *wire, const struct attempt *call, int64_t when,
    struct err *err)
{
	const struct sigv4_signer *signer = &call->req->signer;
	unsigned char salt[RSA_SALT_LEN] = { 0 };
	struct sigv4_request req = {
		.method = "POST",
		.path = call->endpoint.url.path,
		.headers = wire->headers,
		.body = call->body.data,
		.body_len = call->body.len,
		.region = call->endpoint.region,
		.service = call->endpoint.service,
		.when = when,
	};

	if (signer->kind == SIGV4_NONE)
		return 0;
	clock_basic(when, wire->date);
	add(wire, "X-Amz-Date", wire->date);
	if (signer->kind == SIGV4_HMAC)
		add(wire, "X-Amz-Security-Token", signer->cred->token);
	else if (rng_fill(salt, sizeof salt, err) != 0)
		return -1;
	req.header_count = wire->count;
	if (sigv4_sign(&req, signer, salt, &wire->authorization, err) != 0)
		return -1;
	add(wire, "Authorization", buf_str(&wire->authorization));
	return 0;
}

int
wire_format(struct wire *out, const struct attempt *call, int64_t when,
    struct err *err)
{
	bool json = call->service->target != NULL;

	url_authority(&call->endpoint.url, &out->host);
	if (!buf_ok(&out->host))
		return err_memory(err);
	add(out, "Host", buf_str(&out->host));
	add(out, "Content-Type",
	    json ? "application/x-amz-json-1.1"
	         : "application/x-www-form-urlencoded; charset=utf-8");
	if (json)
		add(out, "X-Amz-Target", buf_str(&call->target));
	if (sign(out, call, when, err) != 0)
		return -1;
	(void)format_text(out->attempt, sizeof out->attempt,
	    "attempt=%d; max=%d", call->reply->attempts + 1, call->max);
	add(out, "Accept-Encoding", "identity");
	add(out, "User-Agent", call->api->user_agent);
	add(out, "amz-sdk-invocation-id", call->id);
	add(out, "amz-sdk-request", out->attempt);
	return 0;
}

void
wire_free(struct wire *wire)
{
	buf_free(&wire->host);
	buf_free(&wire->authorization);
	*wire = (struct wire){ .count = 0 };
}
