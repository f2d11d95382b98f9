/* SPDX-License-Identifier: MIT */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "net/http_msg.h"

struct buf;
struct cred;
struct err;
struct rsa_key;
struct slice;

/*
 * AWS Signature Version 4 ("Create a canonical request"; where its text leaves
 * room, as botocore does it), pure: time, randomness and keys are arguments.
 * What is signed is a text of this form:
 *
 *	POST                                    method
 *	/                                       path, encoded once more
 *	                                        parameters, in order
 *	content-type:application/x-amz-json-1.1 headers, in order
 *	host:ssm.eu-west-1.amazonaws.com
 *	x-amz-date:20150830T123600Z
 *
 *	content-type;host;x-amz-date            their names
 *	44136fa355b3678a...                     SHA-256 of the body
 */

/* Who signs. */
enum sigv4_kind {
	SIGV4_NONE, /* the request goes out unsigned */
	SIGV4_HMAC, /* credentials */
	SIGV4_RSA,  /* a managed node's own key: RSASSA-PSS over the same text
	             * (amazon-ssm-agent, agent/ssm/rsaauth) */
};

struct sigv4_request;

/* A key that lies elsewhere: sign() appends the RSASSA-PSS signature, bytes,
 * over the string to sign of the request. */
struct sigv4_remote {
	int (*sign)(void *context, const struct sigv4_request *req,
	    struct buf *signature, struct err *err);
	void *context;
};

struct sigv4_signer {
	enum sigv4_kind kind;
	const struct cred *cred;    /* HMAC */
	const struct rsa_key *key;  /* RSA; NULL: remote has it */
	struct sigv4_remote remote; /* RSA */
	const char *node;           /* RSA: mi-… */
};

struct sigv4_request {
	const char *method;
	const char *path;  /* as it will be sent, without query */
	const char *query; /* encoded already, without '?'; may be NULL */
	const struct http_header *headers; /* all to be signed, with Host */
	size_t header_count;
	const void *body;
	size_t body_len;
	const char *region;
	const char *service;
	int64_t when; /* seconds since 1970 */
};

/* Append that text, the canonical request. */
int sigv4_canonical(const struct sigv4_request *req, struct buf *out,
    struct err *err);

/* Append the string to sign. */
int sigv4_string_to_sign(const struct sigv4_request *req, struct buf *out,
    struct err *err);

/*
 * Append the value of the Authorization header.  The headers must hold
 * X-Amz-Date for req->when and, with a token, X-Amz-Security-Token.  salt:
 * RSA_SALT_LEN random bytes, used by SIGV4_RSA only.
 */
int sigv4_sign(const struct sigv4_request *req,
    const struct sigv4_signer *signer, const unsigned char *salt,
    struct buf *out, struct err *err);

/* Append text percent-encoded: only A-Z a-z 0-9 - . _ ~ stay. */
void sigv4_encode(struct buf *out, struct slice text);

#endif
