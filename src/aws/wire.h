#ifndef AWS_WIRE_H
#define AWS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/http_msg.h"

struct endpoint;
struct err;

/*
 * The headers of one attempt of a call, signed; pure but for the salt of an
 * RSA signature, which is drawn here.  Signed are Content-Type, Host,
 * X-Amz-Date, X-Amz-Security-Token and X-Amz-Target, as far as they are
 * sent, and nothing else: botocore's set.
 */
struct wire_input {
	const struct endpoint *endpoint;
	const struct sigv4_signer *signer;
	const char *content_type;
	const char *target; /* X-Amz-Target; NULL = none */
	const void *body;
	size_t body_len;
	int64_t when;              /* seconds since 1970, AWS's clock */
	const char *invocation_id; /* one for all attempts of a call */
	const char *user_agent;
	int attempt; /* 1, 2, … */
	int max;
};

enum { WIRE_HEADERS_MAX = 12 };

struct wire {
	struct http_header headers[WIRE_HEADERS_MAX]; /* Host comes first */
	size_t count;
	/* What headers point to, besides the input. */
	char date[CLOCK_BASIC_SIZE];
	char attempt[48];
	struct buf host;
	struct buf authorization;
};

/* out is zero before; the input must live as long as it is used. */
int wire_format(struct wire *out, const struct wire_input *in, struct err *err);
void wire_free(struct wire *wire);

#endif
