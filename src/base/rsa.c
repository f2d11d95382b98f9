#include "base/rsa.h"

#include <bearssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/slice.h"

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
};

/* The members of RSAPrivateKey in their order (RFC 8017, A.1.2). */
enum { VERSION, N, E, D, P, Q, DP, DQ, IQ, MEMBERS };

/* An integer in the DER text, without leading zeros. */
struct member {
	size_t at;
	size_t len;
};

struct rsa_key {
	struct buf der; /* RSAPrivateKey, as it was made or read */
	struct member members[MEMBERS];
	uint32_t bits;
};

static unsigned char *
bytes_of(const struct rsa_key *key, int which)
{
	return (unsigned char *)&key->der.data[key->members[which].at];
}

static size_t
length_of(const struct rsa_key *key, int which)
{
	return key->members[which].len;
}

static bool
is_odd(const struct rsa_key *key, int which)
{
	size_t len = length_of(key, which);

	return len > 0 && (bytes_of(key, which)[len - 1] & 1) == 1;
}

static unsigned char
take_byte(struct slice *rest)
{
	unsigned char byte = 0;

	if (rest->len > 0)
		byte = (unsigned char)rest->ptr[0];
	*rest = slice_skip(*rest, 1);
	return byte;
}

/* Tag and length in the one form that DER allows; what they head must be
 * there. */
static bool
take_header(struct slice *rest, unsigned char tag, size_t *len)
{
	if (take_byte(rest) != tag)
		return false;
	*len = take_byte(rest);
	if (*len == 0x81) {
		*len = take_byte(rest);
		if (*len < 0x80)
			return false;
	} else if (*len == 0x82) {
		*len = (size_t)take_byte(rest) << 8;
		*len |= take_byte(rest);
		if (*len < 0x100)
			return false;
	} else if (*len >= 0x80) {
		return false;
	}
	return *len <= rest->len;
}

/* An integer that is not negative; total is the length of the whole text. */
static bool
take_integer(struct slice *rest, size_t total, struct member *out)
{
	struct slice value;
	size_t len = 0;

	if (!take_header(rest, TAG_INTEGER, &len) || len == 0)
		return false;
	out->at = total - rest->len;
	out->len = len;
	value = slice_head(*rest, len);
	*rest = slice_skip(*rest, len);
	if ((value.ptr[0] & 0x80) != 0)
		return false;
	if (value.ptr[0] == 0) {
		if (len > 1 && (value.ptr[1] & 0x80) == 0)
			return false;
		out->at++;
		out->len--;
	}
	return true;
}

static uint32_t
bit_length(const struct rsa_key *key, int which)
{
	size_t len = length_of(key, which);
	uint32_t bits = (uint32_t)len * 8;

	for (int mask = 0x80; len > 0 && mask > bytes_of(key, which)[0];
	     mask >>= 1)
		bits--;
	return bits;
}

/* The sizes that the computing code relies on.  Whether the members belong
 * together shows when a signature is checked. */
static bool
is_sound(const struct rsa_key *key)
{
	uint32_t factors = bit_length(key, P) + bit_length(key, Q);

	return length_of(key, VERSION) == 0 && key->bits >= BITS_MIN &&
	       key->bits <= BITS_MAX && is_odd(key, N) && is_odd(key, E) &&
	       length_of(key, E) <= 4 && bit_length(key, E) > 1 &&
	       is_odd(key, P) && is_odd(key, Q) &&
	       length_of(key, P) <= FACTOR_MAX &&
	       length_of(key, Q) <= FACTOR_MAX &&
	       (factors == key->bits || factors == key->bits + 1) &&
	       length_of(key, DP) <= length_of(key, P) &&
	       length_of(key, DQ) <= length_of(key, Q) &&
	       length_of(key, IQ) <= length_of(key, P);
}

static bool
decode(struct rsa_key *key)
{
	struct slice rest = slice_make(key->der.data, key->der.len);
	size_t total = rest.len;
	size_t len = 0;

	if (!take_header(&rest, TAG_SEQUENCE, &len) || len != rest.len)
		return false;
	for (int i = 0; i < MEMBERS; i++) {
		if (!take_integer(&rest, total, &key->members[i]))
			return false;
	}
	key->bits = bit_length(key, N);
	return rest.len == 0 && is_sound(key);
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
		(void)err_set(err, ERR_KIND_SYSTEM, "cannot make an RSA key");
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
	if (len >= 0x100)
		buf_putc(out, (char)0x82);
	else if (len >= 0x80)
		buf_putc(out, (char)0x81);
	if (len >= 0x100)
		buf_putc(out, (char)(len >> 8));
	buf_putc(out, (char)(len & 0xff));
}

static void
put_integer(struct buf *out, const struct rsa_key *key, int which)
{
	const unsigned char *bytes = bytes_of(key, which);
	size_t len = length_of(key, which);
	bool zero = (bytes[0] & 0x80) != 0; /* or it would be negative */

	put_header(out, TAG_INTEGER, len + zero);
	if (zero)
		buf_putc(out, '\0');
	buf_add(out, bytes, len);
}

int
rsa_public_der(const struct rsa_key *key, struct buf *out, struct err *err)
{
	/* AlgorithmIdentifier: rsaEncryption, NULL (RFC 3279, 2.3.1). */
	static const unsigned char algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a,
		0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };
	size_t start = out->len;
	struct buf integers = { 0 };
	struct buf sequence = { 0 };
	struct buf bits = { 0 };

	put_integer(&integers, key, N);
	put_integer(&integers, key, E);
	put_header(&sequence, TAG_SEQUENCE, integers.len);
	buf_add(&sequence, integers.data, integers.len);
	put_header(&bits, TAG_BIT_STRING, sequence.len + 1);
	buf_putc(&bits, '\0'); /* no unused bits */
	buf_add(&bits, sequence.data, sequence.len);
	put_header(out, TAG_SEQUENCE, sizeof algorithm + bits.len);
	buf_add(out, algorithm, sizeof algorithm);
	buf_add(out, bits.data, bits.len);
	if (!buf_ok(&integers) || !buf_ok(&sequence) || !buf_ok(&bits))
		out->failed = true;
	buf_free(&integers);
	buf_free(&sequence);
	buf_free(&bits);
	return appended(out, start, err);
}

/* The private operation in place, and its proof: a signature made with
 * factors that do not fit would give the key away, so it never gets out. */
static bool
apply(const struct rsa_key *key, unsigned char *data)
{
	br_rsa_private_key sk = {
		.n_bitlen = key->bits,
		.p = bytes_of(key, P),
		.plen = length_of(key, P),
		.q = bytes_of(key, Q),
		.qlen = length_of(key, Q),
		.dp = bytes_of(key, DP),
		.dplen = length_of(key, DP),
		.dq = bytes_of(key, DQ),
		.dqlen = length_of(key, DQ),
		.iq = bytes_of(key, IQ),
		.iqlen = length_of(key, IQ),
	};
	br_rsa_public_key pk = {
		.n = bytes_of(key, N),
		.nlen = length_of(key, N),
		.e = bytes_of(key, E),
		.elen = length_of(key, E),
	};
	unsigned char back[RSA_BYTES_MAX];
	unsigned char wanted[RSA_BYTES_MAX];
	bool good;

	memcpy(wanted, data, pk.nlen);
	good = br_rsa_i62_private(data, &sk) == 1;
	memcpy(back, data, pk.nlen);
	good = good && br_rsa_i62_public(back, pk.nlen, &pk) == 1 &&
	       memcmp(back, wanted, pk.nlen) == 0;
	explicit_bzero(&sk, sizeof sk);
	return good;
}

int
rsa_sign_pss(const struct rsa_key *key, const void *text, size_t len,
    const uint8_t salt[static RSA_SALT_LEN], struct buf *out, struct err *err)
{
	unsigned char em[RSA_BYTES_MAX] = { 0 };
	size_t start = out->len;
	int rc = -1;

	rsa_pss_encode(em, key->bits, text, len, salt);
	if (apply(key, em)) {
		buf_add(out, em, length_of(key, N));
		rc = appended(out, start, err);
	} else {
		(void)err_set(err, ERR_KIND_PARSE,
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
