/* SPDX-License-Identifier: MIT */
#ifndef AWS_FAULT_H
#define AWS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct slice;

/*
 * Error answers of AWS, in the JSON and the Query protocol (Smithy, "AWS JSON
 * 1.1 protocol" and "AWS query protocol", operation error serialization);
 * pure.
 */
struct fault_answer {
	int status;
	bool query;       /* XML of the Query protocol, else JSON */
	bool rest;        /* either of the two; XML's root is the code then */
	const char *type; /* header x-amzn-errortype, or NULL */
	const char *id;   /* header x-amzn-RequestId, or NULL */
	const char *body;
	size_t body_len;
	/* What was secret in the request and must not come back in a message:
	 * session token, activation code.  NULL = none. */
	const char *secrets[2];
};

/*
 * Fill in the peer's part of err: http_status, peer_code (without name space,
 * the status when there is none), peer_text and request_id.
 */
void fault_decode(const struct fault_answer *answer, struct err *err);

/* What a server says, as it may be shown: printable, without the secrets, and
 * up to where it repeats what was signed. */
void fault_show(char *out, size_t size, const struct fault_answer *answer,
    struct slice raw);

/* The code says that the caller is unknown or may not do it. */
bool fault_is_access(const char *code);

/* The code says that a session token is out of date. */
bool fault_is_expired(const char *code);

#endif
