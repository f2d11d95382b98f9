/* SPDX-License-Identifier: MIT */
/*
 * The input is a server's certificates, each behind its length in three bytes
 * as in the message of TLS, and reaches the check in pieces.
 *
 * It is checked twice: with signatures as they are, of which none can be by an
 * anchor, and then with every signature taken for good, so that mutations go
 * deep.  What is accepted then BearSSL's own engine, which reads certificates
 * by other code, must accept as well, unless it stops at the form of something
 * that the verdict does not depend on, such as parts of a name.
 */
#include <bearssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "net/ca.h"
#include "net/cert.h"

/* Whether signatures are looked at, and what the reference has hashed. */
static bool all_good;
static br_x509_minimal_context reference;

static uint32_t
verify_rsa(const unsigned char *signature, size_t len, const unsigned char *oid,
    size_t hash_len, const br_rsa_public_key *key, unsigned char *out)
{
	if (!all_good)
		return br_rsa_i62_pkcs1_vrfy(signature, len, oid, hash_len, key,
		    out);
	memcpy(out, reference.tbs_hash, hash_len);
	return 1;
}

static uint32_t
verify_ec(const br_ec_impl *curves, const void *hash, size_t len,
    const br_ec_public_key *key, const void *signature, size_t signature_len)
{
	return all_good || br_ecdsa_i31_vrfy_asn1(curves, hash, len, key,
	                       signature, signature_len) == 1;
}

static int
compare_hashes(const void *one, const void *other, size_t len)
{
	return all_good ? 0 : memcmp(one, other, len);
}

/* NOLINTBEGIN(readability-identifier-naming) */
#define br_rsa_i62_pkcs1_vrfy  verify_rsa
#define br_ecdsa_i31_vrfy_asn1 verify_ec
#define memcmp                 compare_hashes
/* NOLINTEND(readability-identifier-naming) */
#include "../../src/net/x509.c"
#undef memcmp

enum { PIECE = 256, LENGTH = 3, NOW = 1800000000, ANCHORS_MAX = 64 };
enum { DAYS_BEFORE_1970 = 719528, SECONDS_A_DAY = 86400, RSA_MIN = 256 };

#define HOST "tls.test"

static void
check_cert(const br_x509_class **c, const uint8_t *data, size_t size)
{
	(*c)->start_cert(c, (uint32_t)size);
	for (size_t at = 0; at < size; at += PIECE)
		(*c)->append(c, &data[at],
		    size - at < PIECE ? size - at : PIECE);
	(*c)->end_cert(c);
}

/* The number of certificates. */
static size_t
check_all(const br_x509_class **c, const uint8_t *data, size_t size)
{
	size_t count = 0;

	while (size > LENGTH) {
		size_t len =
		    (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];

		data += LENGTH;
		size -= LENGTH;
		if (len > size)
			len = size;
		check_cert(c, data, len);
		data += len;
		size -= len;
		count++;
	}
	return count;
}

/* The verdict of BearSSL's engine. */
static unsigned
ask_reference(const struct ca *ca, const uint8_t *data, size_t size)
{
	static br_x509_trust_anchor anchors[ANCHORS_MAX];
	const br_x509_class **c = &reference.vtable;
	size_t count = ca_count(ca);

	require(count <= ANCHORS_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct cert *anchor = ca_at(ca, i);

		anchors[i] = (br_x509_trust_anchor){
			.dn = { bytes_of(anchor->subject),
			    anchor->subject.len },
			.flags = cert_signs(anchor) ? BR_X509_TA_CA : 0,
			.pkey = key_of(anchor),
		};
	}
	br_x509_minimal_init(&reference, &br_sha256_vtable, anchors, count);
	br_x509_minimal_set_hash(&reference, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&reference, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&reference, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(&reference, verify_rsa);
	br_x509_minimal_set_ecdsa(&reference, &br_ec_all_m31, verify_ec);
	br_x509_minimal_set_minrsa(&reference, RSA_MIN);
	br_x509_minimal_set_time(&reference,
	    NOW / SECONDS_A_DAY + DAYS_BEFORE_1970, NOW % SECONDS_A_DAY);
	(*c)->start_chain(c, HOST);
	check_all(c, data, size);
	return (*c)->end_chain(c);
}

static int
check_once(struct x509 *x, const struct ca *ca, const uint8_t *data,
    size_t size)
{
	const br_x509_class **c = &x->vtable;
	struct err err = { 0 };
	size_t count;
	int code;

	x509_init(x, ca, NOW);
	(*c)->start_chain(c, HOST);
	count = check_all(c, data, size);
	code = (int)(*c)->end_chain(c);
	require(x->seen == count && x->outdated <= count);
	require(x->faulty <= count && (x->faulty > 0) == (x->fault != NULL));
	require(x->comparisons <= CERT_COMPARISONS_MAX);
	require(memchr(x->first_host, 0, sizeof x->first_host) != NULL);
	require(((*c)->get_pkey(c, NULL) != NULL) == (code == 0));
	if (code != 0) {
		require(x509_has(code) && x509_explain(x, code, &err));
		require(err.kind == ERR_KIND_TLS && err.retry == ERR_FINAL);
	}
	return code;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509 *x = calloc(1, sizeof *x);
	struct ca *ca = NULL;
	unsigned code;

	require(x != NULL);
	require(ca_builtin(&ca, HOST, NULL) == 0);
	all_good = false;
	/* Nobody here has the key of an anchor. */
	require(check_once(x, ca, data, size) != 0);
	x509_free(x);
	memset(x, 0, sizeof *x);
	all_good = true;
	if (check_once(x, ca, data, size) == 0) {
		code = ask_reference(ca, data, size);
		require(code == 0 || code < BR_ERR_X509_BAD_TIME);
	}
	x509_free(x);
	ca_free(ca);
	free(x);
	return 0;
}
