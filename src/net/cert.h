/* SPDX-License-Identifier: MIT */
#ifndef NET_CERT_H
#define NET_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * What a certificate says (RFC 5280), for anchors (net/ca) and for the check
 * of a chain (net/x509).  Nothing is copied: the slices lead into the DER that
 * was read.  The faults are static texts that go on after "it", such as "is
 * for other purposes than servers".
 */
enum {
	CERT_MAX = 64 * 1024, /* bytes of one */
	CERT_COMPARISONS_MAX = 1 << 20,
	CERT_NAME_SIZE = 80,
	CERT_USAGE_SIGNS = 0x04, /* in keyUsage: may sign certificates */
};

/* Kinds of extensions that are read, by their numbers below 2.5.29. */
enum cert_extension {
	CERT_USAGE = 15,
	CERT_NAMES = 17,
	CERT_BASIC = 19,
	CERT_CONSTRAINTS = 30,
	CERT_POLICIES = 32,
	CERT_PURPOSES = 37,
};

struct cert {
	struct slice issuer, subject; /* whole names, with their tags */
	int64_t from, to;             /* seconds since 1970 */
	const char *key_fault;        /* why it is not supported, or NULL */
	const char *signature_fault;
	unsigned curve;                 /* its number in TLS, 0 = RSA */
	struct slice modulus, exponent; /* without zeros in front */
	struct slice point;
	unsigned version;    /* 1 to 3 */
	uint64_t extensions; /* a bit for each kind */
	bool authority;      /* basicConstraints */
	uint64_t path_max;   /* authorities below it, UINT64_MAX = any number */
	unsigned usage;      /* the first eight bits of keyUsage */
	bool servers;        /* named by extendedKeyUsage */
	bool unknown;        /* has a critical extension of another kind */
	struct slice names;  /* what is in subjectAltName */
	struct slice constraints; /* what is in nameConstraints */
	struct slice body;        /* what is signed, whole */
	struct slice signature;
	bool signed_by_rsa; /* else by an elliptic curve */
	unsigned hash;      /* that is signed, by its number in TLS: 4 to 6 are
	                     * SHA-256, 384 and 512 (RFC 5246, 7.4.1.4.1) */
};

/* -1 for what is malformed, has an extension of those above twice, names two
 * algorithms of its signature, or has anything behind it; cert is undefined
 * then. */
int cert_read(struct cert *cert, struct slice der);

bool cert_has(const struct cert *cert, enum cert_extension kind);

/* It may be an authority: by basicConstraints, or without these as a root of
 * version 1 or by its key usage, as OpenSSL has it. */
bool cert_signs(const struct cert *cert);

/* Why a server must not use it: its purposes, or a key that may not sign, which
 * each of our cipher suites needs. */
const char *cert_fault_server(const struct cert *cert);

/* Why nobody above a server must use it: its purposes. */
const char *cert_fault_purpose(const struct cert *cert);

/* Why it must not be used now. */
const char *cert_fault_date(const struct cert *cert, int64_t now);

/* Why it must not vouch for a server with that many authorities between. */
const char *cert_fault_issuer(const struct cert *cert, size_t below);

/* Why its nameConstraints cannot be evaluated: they are malformed, or of other
 * kinds than dNSName. */
const char *cert_fault_constraint(const struct cert *cert);

/*
 * Why its nameConstraints refuse a chain: host and the names (of
 * subjectAltName, of all certificates below) must be within a permitted
 * subtree, if there are any, and in no excluded one.  What cannot be
 * evaluated refuses every chain.  left, at first CERT_COMPARISONS_MAX, is
 * what a chain may cost.
 */
const char *cert_fault_names(const struct cert *cert, struct slice names,
    struct slice host, size_t *left);

/*
 * It is for the host: a dNSName of it, or without subjectAltName its common
 * name, is the host or has an asterisk for the host's first label (RFC 6125,
 * 6.4).  None is for the host "".
 */
bool cert_name_fits(const struct cert *cert, const char *host);

/* Its first dNSName, or "", for people. */
void cert_name_first(const struct cert *cert, char *out, size_t size);

/* Its common name, or organization, or "", for people. */
void cert_name(const struct cert *cert, char out[static CERT_NAME_SIZE]);

#endif
