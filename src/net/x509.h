/* SPDX-License-Identifier: MIT */
#ifndef NET_X509_H
#define NET_X509_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/cert.h"

struct ca;
struct err;

/*
 * The check of a server's certificates: an RSA (2048 to 4096 bits) or ECDSA
 * chain in order, leaf first, with SHA-256, 384 or 512, valid now, all for
 * servers, that leads to an anchor (RFC 5280, 6).
 *
 * Each certificate is collected whole and read once, by net/cert; signatures
 * are checked by BearSSL, whose engine this serves.  What is behind the first
 * certificate that an anchor vouches for is not looked at.  Beside the verdict
 * this remembers what an explanation needs.
 */
struct x509 {
	const br_x509_class *vtable; /* first: this is the engine's */
	const struct ca *ca;
	const char *host;      /* the engine's */
	int64_t now, from, to; /* seconds since 1970; of the one outdated */
	int code;              /* BR_ERR_X509_*, 0 = undecided */
	size_t seen;           /* certificates so far */
	size_t outdated;       /* number of the first such one, 0 = none */
	struct buf der;        /* the one at hand */
	struct cert last;      /* the one before, which it has to vouch for, */
	struct buf leaf;  /* in this if it is the first, whose key is key, */
	struct buf below; /* else in this */
	br_x509_pkey key;
	struct buf names;     /* subjectAltName of all so far */
	size_t comparisons;   /* left for name constraints */
	size_t faulty;        /* number of the first with a fault, 0 = none */
	const char *fault;    /* see net/cert */
	char first_host[256]; /* in the leaf */
	const struct cert
	    *root; /* the first anchor of that name with a fault */
	const char *root_fault;
};

/* x509 is all zero before; now: see clock_now().  ca must outlive it, and it
 * must stay where it is. */
void x509_init(struct x509 *x509, const struct ca *ca, int64_t now);
void x509_free(struct x509 *x509);

/* The code is a BR_ERR_X509_* one. */
bool x509_has(int code);

/*
 * Explain a BR_ERR_X509_* code: ERR_KIND_TLS, ERR_FINAL, a text and an advice
 * for each kind.  False, with err as it was, for any other code.
 */
bool x509_explain(const struct x509 *x509, int code, struct err *err);

#endif
