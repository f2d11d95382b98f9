/* SPDX-License-Identifier: MIT */
#ifndef NET_X509_H
#define NET_X509_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct ca;
struct cert;
struct err;

/*
 * The check of a server's certificates: an RSA (2048 to 4096 bits) or ECDSA
 * chain in order, leaf first, with SHA-256, 384 or 512, valid now, all for
 * servers, that leads to an anchor.
 *
 * Each certificate is collected whole and read by net/cert, then given to
 * BearSSL's minimal engine, which checks signatures, dates, basicConstraints,
 * keyUsage of authorities and the name.  It sees only anchors that may vouch
 * for the chain so far.  What it does not look at is checked here: extended key
 * usage, name constraints, and dates, usage, key and path length of anchors.
 * Beside the verdict this remembers what an explanation needs.
 */

struct x509 {
	br_x509_minimal_context minimal; /* first: this is the engine's */
	br_x509_class class;
	br_name_element name;
	char name_text[256]; /* the first name in the leaf */
	const struct ca *ca;
	int64_t now, from, to; /* seconds since 1970; of the one outdated */
	size_t seen;           /* certificates so far */
	size_t outdated;       /* number of the first such one, 0 = none */
	bool counts;           /* the one at hand is not behind the anchor */
	struct buf der;        /* the one at hand */
	struct buf names;      /* subjectAltName of all so far */
	size_t comparisons;    /* left for name constraints */
	struct buf anchors; /* br_x509_trust_anchor that may have issued it */
	size_t faulty;      /* number of the first with a fault, 0 = none */
	const char *fault;  /* see net/cert */
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
