#include "base/pss.h"

#include <string.h>

#include "base/digest.h"

/* data ^= MGF1-SHA-256(seed) (RFC 8017, B.2.1). */
static void
mask(unsigned char *data, size_t len,
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
pss_encode(unsigned char *out, uint32_t bits, const void *text, size_t len,
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
	mask(db, db_len, hash);
	db[0] &= (unsigned char)(0xff >> spare % 8);
	out[size - 1] = 0xbc;
}
