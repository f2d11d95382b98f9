#ifndef NET_X509_H
#define NET_X509_H

#include <bearssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ca;
struct err;

/*
 * The check of a server's certificates, by BearSSL's minimal engine: an RSA
 * (2048 to 4096 bits) or ECDSA chain in order, leaf first, with SHA-256, 384
 * or 512, valid now, all for servers, that leads to an anchor.  Beside the
 * verdict it remembers what an explanation needs.
 */

/*
 * Finds out whether a certificate is one for servers: without the extension
 * extendedKeyUsage it is for everything, with it only when that names servers
 * or any purpose (RFC 5280, 4.2.1.12).  BearSSL does not look at it.
 *
 * The certificate comes in pieces of any size and nothing of it is kept.  The
 * answer counts for one that BearSSL has found well formed.
 */
enum { X509_DEPTH = 8, X509_OID_MAX = 8 };

struct x509_purpose {
	size_t at;              /* bytes read so far */
	size_t end[X509_DEPTH]; /* of the elements we are in */
	unsigned depth;
	size_t value; /* bytes left of a value that is read or skipped */
	size_t length;
	unsigned length_bytes; /* of a long length, still to come */
	unsigned step;
	unsigned char tag;
	unsigned char oid[X509_OID_MAX];
	size_t oid_len; /* with what did not fit into oid */
	bool body;      /* the part that is signed has begun */
	bool usages;    /* in the extension that we look for */
	bool limited, servers;
};

/* All zero is the state before a certificate. */
void x509_purpose_read(struct x509_purpose *purpose, const unsigned char *data,
    size_t len);

/* After the last byte. */
bool x509_purpose_serves(const struct x509_purpose *purpose);

struct x509 {
	br_x509_minimal_context minimal; /* first: this is the engine's */
	br_x509_class class;
	br_x509_decoder_context decoder; /* of the certificate at hand */
	br_name_element name;
	char name_text[256];   /* the first name in the leaf */
	int64_t now, from, to; /* seconds since 1970; of the one outdated */
	size_t seen;           /* certificates so far */
	size_t outdated;       /* number of the first such one, 0 = none */
	bool counts;           /* the one at hand is not behind the anchor */
	struct x509_purpose purpose; /* of the certificate at hand */
	size_t misused; /* number of the first not for servers, 0 = none */
};

/* x509 is all zero before; now: see clock_now().  ca must outlive it, and it
 * must stay where it is. */
void x509_init(struct x509 *x509, const struct ca *ca, int64_t now);

/* The code is a BR_ERR_X509_* one. */
bool x509_has(int code);

/*
 * Explain a BR_ERR_X509_* code: ERR_KIND_TLS, ERR_FINAL, a text and an advice
 * for each kind.  False, with err as it was, for any other code.
 */
bool x509_explain(const struct x509 *x509, int code, struct err *err);

/*
 * The elliptic curves of the TLS client: X25519 for the exchange of keys,
 * which almost every server takes, and P-256, P-384 and P-521 for the others
 * and for signatures of certificates.
 *
 * The const br_ec_impl * of BearSSL, for net/tls.c.
 * Constant time, no state.
 */
const void *x509_curves(void);

#endif
