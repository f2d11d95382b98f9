#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "net/http_msg.h"

struct buf;
struct cred;
struct err;
struct rsa_key;

/*
 * AWS Signature Version 4, pure: time, randomness and keys are arguments.
 */

/* Who signs. */
enum sigv4_kind {
	SIGV4_NONE, /* the request goes out unsigned */
	SIGV4_HMAC, /* credentials */
	SIGV4_RSA,  /* a managed node's own key: RSASSA-PSS over the same text
	             * (amazon-ssm-agent, agent/ssm/rsaauth) */
};

struct sigv4_signer {
	enum sigv4_kind kind;
	const struct cred *cred;   /* HMAC */
	const struct rsa_key *key; /* RSA */
	const char *node;          /* RSA: mi-… */
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

/* Append the canonical request. */
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

#endif
