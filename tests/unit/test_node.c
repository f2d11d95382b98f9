/* SPDX-License-Identifier: MIT */
/* What a node's own key signs, against what a published agent signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bearssl.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "ssm/node.h"
#include "unit/vectors.h"

enum { BYTES = 256, HASH = 32, MODULUS_AT = 33, DB = BYTES - HASH - 1 };

static struct node_request
recorded(const struct json *role)
{
	struct node_request req = {
		.kind = NODE_TOKEN,
		.node = json_text(role, "node"),
		.fingerprint = json_text(role, "fingerprint"),
		.region = json_text(role, "region"),
		.host = json_text(role, "host"),
	};

	assert_true(clock_parse_iso(slice_of(json_text(role, "date")),
	    &req.when));
	return req;
}

/* The salt inside of an encoded message (RFC 8017, 9.1.2). */
static void
find_salt(const unsigned char *em, unsigned char *salt)
{
	unsigned char seed[HASH + 4] = { 0 }, mask[HASH];

	memcpy(seed, &em[DB], HASH);
	for (unsigned at = 0; at < DB; at += HASH) {
		seed[HASH + 3] = (unsigned char)(at / HASH);
		digest_sha256(seed, sizeof seed, mask);
		for (unsigned i = 0; i < HASH && at + i < DB; i++) {
			unsigned place = at + i;

			if (place >= DB - RSA_SALT_LEN)
				salt[place - (DB - RSA_SALT_LEN)] =
				    em[place] ^ mask[i];
		}
	}
}

/* The signature, bytes, is one of the text by the key, as
 * SubjectPublicKeyInfo of 2048 bits. */
static bool
verify(const struct buf *public, const struct buf *text,
    const struct buf *signature)
{
	static unsigned char exponent[] = { 1, 0, 1 };
	unsigned char modulus[BYTES], em[BYTES], again[BYTES];
	unsigned char salt[RSA_SALT_LEN];
	const br_rsa_public_key key = { modulus, sizeof modulus, exponent,
		sizeof exponent };

	assert_true(public->len > MODULUS_AT + BYTES);
	assert_int_equal(signature->len, BYTES);
	memcpy(modulus, &public->data[MODULUS_AT], BYTES);
	memcpy(em, signature->data, BYTES);
	if (br_rsa_i62_public(em, sizeof em, &key) != 1)
		return false;
	find_salt(em, salt);
	rsa_pss_encode(again, 8 * BYTES, text->data, text->len, salt);
	return memcmp(em, again, BYTES) == 0;
}

static void
decode(struct buf *out, const char *base64)
{
	assert_int_equal(digest_base64_decode(out, slice_of(base64)), 0);
}

static void
test_recorded_token(void **state)
{
	struct json *doc = vectors_load();
	const struct json *role = json_get(doc, "role");
	const struct node_request req = recorded(role);
	struct buf text = { 0 }, public = { 0 }, signature = { 0 };

	(void)state;
	assert_int_equal(node_string_to_sign(&req, &text, NULL), 0);
	assert_string_equal(buf_str(&text), json_text(role, "text"));
	decode(&public, json_text(role, "public"));
	decode(&signature, json_text(role, "signature"));
	assert_true(verify(&public, &text, &signature));
	text.data[0] ^= 1;
	assert_false(verify(&public, &text, &signature));
	buf_free(&text);
	buf_free(&public);
	buf_free(&signature);
	json_free(doc);
}

static void
test_signing(void **state)
{
	struct json *doc = vectors_load();
	const struct json *role = json_get(doc, "role");
	struct node_request req = recorded(role);
	struct buf der = { 0 }, text = { 0 }, public = { 0 };
	struct buf signatures[2] = { { 0 }, { 0 } };
	struct rsa_key *key = NULL;

	(void)state;
	req.kind = NODE_NEW_KEY;
	req.public_key = json_text(role, "public");
	decode(&der, json_text(role, "private"));
	assert_int_equal(rsa_parse(&key, der.data, der.len, NULL), 0);
	assert_int_equal(rsa_public_der(key, &public, NULL), 0);
	assert_int_equal(node_string_to_sign(&req, &text, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(node_sign(&req, key, &signatures[i], NULL), 0);
		assert_true(verify(&public, &text, &signatures[i]));
	}
	/* Each has a salt of its own. */
	assert_memory_not_equal(signatures[0].data, signatures[1].data, BYTES);
	buf_free(&signatures[0]);
	buf_free(&signatures[1]);
	buf_free(&der);
	buf_free(&text);
	buf_free(&public);
	rsa_free(key);
	json_free(doc);
}

static void
test_bodies(void **state)
{
	const struct node_request token = { .kind = NODE_TOKEN,
		.fingerprint = "f7699dfe-18fd-4355-91f4-b8a994a7525c" };
	const struct node_request renew = { .kind = NODE_NEW_KEY,
		.public_key = "MIIB+/=" };
	struct buf text = { 0 };

	(void)state;
	node_body(&token, &text);
	assert_string_equal(buf_str(&text),
	    "{\"Fingerprint\":\"f7699dfe-18fd-4355-91f4-b8a994a7525c\"}");
	buf_cut(&text, 0);
	node_body(&renew, &text);
	assert_string_equal(buf_str(&text),
	    "{\"NewPublicKey\":\"MIIB+/=\",\"NewPublicKeyType\":\"Rsa\"}");
	buf_free(&text);
}

/* Nobody brings a line of his own into what is signed. */
static void
test_wrong_fields(void **state)
{
	const struct node_request good = { .kind = NODE_TOKEN,
		.node = "mi-0123456789abcdef0",
		.fingerprint = "f7699dfe-18fd-4355-91f4-b8a994a7525c",
		.public_key = "AAAA",
		.region = "eu-west-1",
		.host = "ssm.eu-west-1.amazonaws.com",
		.when = 1768465807 };
	struct node_request bad[5];
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(node_string_to_sign(&good, &text, NULL), 0);
	buf_cut(&text, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		bad[i] = good;
	bad[0].region = "eu-west-1\nx";
	bad[1].host = "ssm\nx";
	bad[2].host = "";
	bad[3].fingerprint = "f7699dfe";
	bad[4].kind = NODE_NEW_KEY;
	bad[4].public_key = "AAAA\"}";
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = { 0 };

		assert_int_equal(node_string_to_sign(&bad[i], &text, &err), -1);
		assert_int_not_equal(err.kind, ERR_KIND_NONE);
		assert_int_equal(text.len, 0);
	}
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_token),
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_wrong_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
