/* SPDX-License-Identifier: MIT */
#ifndef SERVE_SIGNER_H
#define SERVE_SIGNER_H

#include "base/buf.h"

struct err;
struct records_core;
struct rsa_key;
struct work;

/*
 * The node's private key in the core: signs what a channel worker asks for
 * (ssm/node.h) and puts a new key in the place of the old one when AWS wants
 * that.  Both are kept (work/node_key.h) until AWS has taken the new one.
 */
struct signer {
	const struct work *work;
	struct rsa_key *key, *next; /* next: NULL = there is none */
	struct buf next_public;     /* base64 of its SubjectPublicKeyInfo */
};

/* Zero is none. */
int signer_open(struct signer *signer, const struct work *work,
    struct err *err);
void signer_close(struct signer *signer);

/* The answers to RECORDS_SIGN and RECORDS_ROTATE; without bytes after a
 * failure, which is logged.  Making a key takes up to 600 ms. */
void signer_sign(const struct signer *signer, const struct records_core *asked,
    struct records_core *answer);
void signer_rotate(struct signer *signer, struct records_core *answer);

/* AWS has the new key. */
void signer_adopt(struct signer *signer);

#endif
