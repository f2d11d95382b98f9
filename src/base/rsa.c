/* SPDX-License-Identifier: MIT */
#include "base/rsa.h"

#include <bearssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rng.h"

enum {
	BITS_MIN = 2048,
	BITS_MAX = RSA_BYTES_MAX * 8,
	/* The factors may differ a little in length (BearSSL's limit). */
	FACTOR_MAX = (BITS_MAX + 64) / 16,
	PUBLIC_EXPONENT = 65537,
	DER_MAX = 4096,
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_SEQUENCE = 0x30,
	HEADER_LEN = 4, /* tag and length of what has 256 bytes and more */
};

struct rsa_key {
	struct buf der; /* RSAPrivateKey, as it was made or read */
	br_skey_decoder_context decoder;
	const br_rsa_private_key *sk; /* in the decoder */
	br_rsa_public_key pk;         /* in n and e */
	unsigned char n[RSA_BYTES_MAX];
	unsigned char e[3];
};

static bool
is_odd(const unsigned char *bytes, size_t len)
{
	return len > 0 && (bytes[len - 1] & 1) == 1;
}

/* Of a number without leading zeros. */
static uint32_t
bit_length(const unsigned char *bytes, size_t len)
{
	uint32_t bits = (uint32_t)len * 8;

	for (int mask = 0x80; len > 0 && mask > bytes[0]; mask >>= 1)
		bits--;
	return bits;
}

/* The sizes that the computing code relies on.  Whether the numbers belong
 * together shows when a signature is checked. */
static bool
is_sound(const br_rsa_private_key *sk)
{
	uint32_t factors =
	    bit_length(sk->p, sk->plen) + bit_length(sk->q, sk->qlen);

	return sk->n_bitlen >= BITS_MIN && sk->n_bitlen <= BITS_MAX &&
	       is_odd(sk->p, sk->plen) && is_odd(sk->q, sk->qlen) &&
	       sk->plen <= FACTOR_MAX && sk->qlen <= FACTOR_MAX &&
	       (factors == sk->n_bitlen || factors == sk->n_bitlen + 1) &&
	       sk->dplen <= sk->plen && sk->dqlen <= sk->qlen &&
	       sk->iqlen <= sk->plen;
}

/* BearSSL reads PKCS#8 as well, in which the version 0 is followed by a
 * sequence.  It gives neither the modulus nor the exponent of the text: the
 * one is computed from the factors, the other is the same in every key of
 * ours and of the agent's, and if not no signature passes its check. */
static bool
decode(struct rsa_key *key)
{
	static const unsigned char start[] = { TAG_INTEGER, 1, 0, TAG_INTEGER };
	const struct buf *der = &key->der;

	if (der->len < HEADER_LEN + sizeof start ||
	    memcmp(&der->data[HEADER_LEN], start, sizeof start) != 0)
		return false;
	br_skey_decoder_init(&key->decoder);
	br_skey_decoder_push(&key->decoder, der->data, der->len);
	key->sk = br_skey_decoder_get_rsa(&key->decoder);
	if (key->sk == NULL || !is_sound(key->sk))
		return false;
	memcpy(key->e, "\x01\x00\x01", sizeof key->e);
	key->pk = (br_rsa_public_key){
		.n = key->n,
		.nlen = br_rsa_i31_compute_modulus(key->n, key->sk),
		.e = key->e,
		.elen = sizeof key->e,
	};
	return key->pk.nlen > 0;
}

int
rsa_parse(struct rsa_key **out, const void *der, size_t len, struct err *err)
{
	struct rsa_key *key = NULL;

	if (len == 0 || len > DER_MAX)
		return err_set(err, ERR_KIND_PARSE,
		    "not an RSA key: %zu bytes long", len);
	key = calloc(1, sizeof *key);
	if (key != NULL)
		buf_add(&key->der, der, len);
	if (key == NULL || !buf_ok(&key->der)) {
		rsa_free(key);
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	}
	if (!decode(key)) {
		rsa_free(key);
		return err_set(err, ERR_KIND_PARSE,
		    "not an RSA private key of 2048 to 4096 bits in PKCS#1 "
		    "DER");
	}
	*out = key;
	return 0;
}

void
rsa_free(struct rsa_key *key)
{
	if (key == NULL)
		return;
	buf_free(&key->der);
	explicit_bzero(key, sizeof *key);
	free(key);
}

/* What rsa_make() works on; all of it is secret. */
struct making {
	unsigned char seed[48];
	br_hmac_drbg_context rng;
	br_rsa_private_key sk;
	br_rsa_public_key pk;
	unsigned char sk_bytes[BR_RSA_KBUF_PRIV_SIZE(RSA_BITS)];
	unsigned char pk_bytes[BR_RSA_KBUF_PUB_SIZE(RSA_BITS)];
	unsigned char d[RSA_BITS / 8];
	unsigned char der[DER_MAX];
};

/* Length of the encoded key in m->der, 0 when it cannot be made. */
static size_t
make_der(struct making *m)
{
	size_t d_len;
	size_t len;

	br_hmac_drbg_init(&m->rng, &br_sha256_vtable, m->seed, sizeof m->seed);
	if (br_rsa_i62_keygen(&m->rng.vtable, &m->sk, m->sk_bytes, &m->pk,
	        m->pk_bytes, RSA_BITS, PUBLIC_EXPONENT) != 1)
		return 0;
	d_len = br_rsa_i31_compute_privexp(m->d, &m->sk, PUBLIC_EXPONENT);
	if (d_len == 0 || d_len > sizeof m->d)
		return 0;
	len = br_encode_rsa_raw_der(NULL, &m->sk, &m->pk, m->d, d_len);
	if (len > sizeof m->der)
		return 0;
	return br_encode_rsa_raw_der(m->der, &m->sk, &m->pk, m->d, d_len);
}

int
rsa_make(struct rsa_key **out, struct err *err)
{
	struct making m = { 0 };
	size_t len;
	int rc = -1;

	if (rng_fill(m.seed, sizeof m.seed, err) != 0)
		goto out;
	len = make_der(&m);
	if (len == 0) {
		err_set(err, ERR_KIND_SYSTEM, "cannot make an RSA key");
		goto out;
	}
	rc = rsa_parse(out, m.der, len, err);
out:
	explicit_bzero(&m, sizeof m);
	return rc;
}

/* The end of a function that appends to out. */
static int
appended(struct buf *out, size_t start, struct err *err)
{
	if (buf_ok(out))
		return 0;
	buf_cut(out, start);
	return err_set(err, ERR_KIND_SYSTEM, "no room for a key or signature");
}

int
rsa_private_der(const struct rsa_key *key, struct buf *out, struct err *err)
{
	size_t start = out->len;

	buf_add(out, key->der.data, key->der.len);
	return appended(out, start, err);
}

static void
put_header(struct buf *out, unsigned char tag, size_t len)
{
	buf_putc(out, (char)tag);
	buf_putc(out, (char)0x82);
	buf_putc(out, (char)(len >> 8));
	buf_putc(out, (char)(len & 0xff));
}

int
rsa_public_der(const struct rsa_key *key, struct buf *out, struct err *err)
{
	/* AlgorithmIdentifier: rsaEncryption, NULL (RFC 3279, 2.3.1). */
	static const unsigned char algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a,
		0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	bool zero = (key->n[0] & 0x80) != 0; /* or it would be negative */
	size_t modulus = key->pk.nlen + zero;
	size_t numbers = HEADER_LEN + modulus + 2 + sizeof key->e;
	size_t bits = 1 + HEADER_LEN + numbers;
	size_t start = out->len;

	put_header(out, TAG_SEQUENCE, sizeof algorithm + HEADER_LEN + bits);
	buf_add(out, algorithm, sizeof algorithm);
	put_header(out, TAG_BIT_STRING, bits);
	buf_putc(out, '\0'); /* no unused bits */
	put_header(out, TAG_SEQUENCE, numbers);
	put_header(out, TAG_INTEGER, modulus);
	if (zero)
		buf_putc(out, '\0');
	buf_add(out, key->n, key->pk.nlen);
	buf_putc(out, TAG_INTEGER);
	buf_putc(out, sizeof key->e);
	buf_add(out, key->e, sizeof key->e);
	return appended(out, start, err);
}

/* The private operation in place, and its proof: a signature made with
 * factors that do not fit would give the key away, so it never gets out. */
static bool
apply(const struct rsa_key *key, unsigned char *data)
{
	const br_rsa_public_key *pk = &key->pk;
	unsigned char back[RSA_BYTES_MAX];
	unsigned char wanted[RSA_BYTES_MAX];

	memcpy(wanted, data, pk->nlen);
	if (br_rsa_i62_private(data, key->sk) != 1)
		return false;
	memcpy(back, data, pk->nlen);
	return br_rsa_i62_public(back, pk->nlen, pk) == 1 &&
	       memcmp(back, wanted, pk->nlen) == 0;
}

int
rsa_sign_pss(const struct rsa_key *key, const void *text, size_t len,
    const uint8_t salt[static RSA_SALT_LEN], struct buf *out, struct err *err)
{
	unsigned char em[RSA_BYTES_MAX] = { 0 };
	size_t start = out->len;
	int rc = -1;

	rsa_pss_encode(em, key->sk->n_bitlen, text, len, salt);
	if (apply(key, em)) {
		buf_add(out, em, key->pk.nlen);
		rc = appended(out, start, err);
	} else {
		err_set(err, ERR_KIND_PARSE,
		    "the RSA key does not fit together");
	}
	explicit_bzero(em, sizeof em);
	return rc;
}

/* data ^= MGF1-SHA-256(seed) (RFC 8017, B.2.1). */
static void
apply_mask(unsigned char *data, size_t len,
    const unsigned char seed[static DIGEST_SHA256_LEN])
{
	unsigned char input[DIGEST_SHA256_LEN + 4] = { 0 };
	unsigned char block[DIGEST_SHA256_LEN];

	memcpy(input, seed, DIGEST_SHA256_LEN);
	for (size_t i = 0; i < len; i++) {
		if (i % sizeof block == 0) {
			/* The counter stays below 17 for the largest key. */
			input[sizeof input - 1] =
			    (unsigned char)(i / sizeof block);
			digest_sha256(input, sizeof input, block);
		}
		data[i] ^= block[i % sizeof block];
	}
}

void
rsa_pss_encode(unsigned char *out, uint32_t bits, const void *text, size_t len,
    const uint8_t salt[static RSA_SALT_LEN])
{
	size_t size = (bits + 7) / 8;
	size_t spare = size * 8 - (bits - 1); /* bits that must be 0: 1 to 8 */
	size_t first = spare / 8; /* EM may be a byte shorter than n */
	size_t db_len = size - first - DIGEST_SHA256_LEN - 1;
	unsigned char *db = &out[first];
	unsigned char *hash = &db[db_len];
	unsigned char input[8 + DIGEST_SHA256_LEN + RSA_SALT_LEN] = { 0 };

	memset(out, 0, size);
	digest_sha256(text, len, &input[8]);
	memcpy(&input[8 + DIGEST_SHA256_LEN], salt, RSA_SALT_LEN);
	digest_sha256(input, sizeof input, hash);
	db[db_len - RSA_SALT_LEN - 1] = 0x01;
	memcpy(&db[db_len - RSA_SALT_LEN], salt, RSA_SALT_LEN);
	apply_mask(db, db_len, hash);
	db[0] &= (unsigned char)(0xff >> spare % 8);
	out[size - 1] = 0xbc;
}
