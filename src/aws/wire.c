#include "aws/wire.h"

#include "aws/cred.h"
#include "aws/endpoint.h"
#include "base/err.h"
#include "base/format.h"
#include "base/rng.h"
#include "base/rsa.h"

static void
add(struct wire *wire, const char *name, const char *value)
{
	if (value == NULL || wire->count == WIRE_HEADERS_MAX)
		return;
	wire->headers[wire->count++] = (struct http_header){ name, value };
}

static int
sign(struct wire *wire, const struct wire_input *in, struct err *err)
{
	struct sigv4_request req = {
		.method = "POST",
		.path = in->endpoint->url.path,
		.headers = wire->headers,
		.header_count = wire->count,
		.body = in->body,
		.body_len = in->body_len,
		.region = in->endpoint->region,
		.service = in->endpoint->service,
		.when = in->when,
	};
	unsigned char salt[RSA_SALT_LEN] = { 0 };

	if (in->signer->kind == SIGV4_RSA &&
	    rng_fill(salt, sizeof salt, err) != 0)
		return -1;
	return sigv4_sign(&req, in->signer, salt, &wire->authorization, err);
}

/* Date and token belong to a signature and are not sent without one. */
static int
add_signature(struct wire *wire, const struct wire_input *in, struct err *err)
{
	if (in->signer->kind == SIGV4_NONE)
		return 0;
	clock_basic(in->when, wire->date);
	add(wire, "X-Amz-Date", wire->date);
	if (in->signer->kind == SIGV4_HMAC)
		add(wire, "X-Amz-Security-Token", in->signer->cred->token);
	if (sign(wire, in, err) != 0)
		return -1;
	add(wire, "Authorization", buf_str(&wire->authorization));
	return 0;
}

int
wire_format(struct wire *out, const struct wire_input *in, struct err *err)
{
	url_authority(&in->endpoint->url, &out->host);
	if (!buf_ok(&out->host))
		return err_set(err, ERR_KIND_SYSTEM, "no memory");
	add(out, "Host", buf_str(&out->host));
	add(out, "Content-Type", in->content_type);
	add(out, "X-Amz-Target", in->target);
	if (add_signature(out, in, err) != 0)
		return -1;
	(void)format_text(out->attempt, sizeof out->attempt,
	    "attempt=%d; max=%d", in->attempt, in->max);
	add(out, "Accept-Encoding", "identity");
	add(out, "User-Agent", in->user_agent);
	add(out, "amz-sdk-invocation-id", in->invocation_id);
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
