#ifndef AWS_WIRE_H
#define AWS_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "net/http_msg.h"

struct attempt;
struct err;

/*
 * The headers of one attempt of a call, signed; pure but for the salt of an
 * RSA signature, which is drawn here.  Signed are Content-Type, Host,
 * X-Amz-Date, X-Amz-Security-Token and X-Amz-Target, as far as they are
 * sent, and nothing else: botocore's set.
 */
enum { WIRE_HEADERS_MAX = 12 };

struct wire {
	struct http_header headers[WIRE_HEADERS_MAX]; /* Host comes first */
	size_t count;
	/* What headers point to, besides the call. */
	char date[CLOCK_BASIC_SIZE];
	char attempt[48];
	struct buf host;
	struct buf authorization;
};

/* For the next attempt.  out is zero before; when: AWS's clock, seconds since
 * 1970; call must live as long as out is used. */
int wire_format(struct wire *out, const struct attempt *call, int64_t when,
    struct err *err);
void wire_free(struct wire *wire);

#endif
