/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"

static void
assert_hex(const unsigned char *sum, const char *wanted)
{
	struct buf b = { 0 };

	buf_hex(&b, sum, DIGEST_SHA256_LEN);
	assert_string_equal(buf_str(&b), wanted);
	buf_free(&b);
}

/* FIPS 180-4, the examples of its appendix, and lengths around a block. */
static void
test_sha256_gives_the_published_values(void **state)
{
	static const struct {
		const char *text;
		const char *sum;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		         "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		    "248d6a61d20638b8e5c026930c3e6039"
		    "a33ce45964ff2167f6ecedd419db06c1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned char sum[DIGEST_SHA256_LEN];
		char hex[DIGEST_HEX_LEN + 1];

		digest_sha256(rows[i].text, strlen(rows[i].text), sum);
		assert_hex(sum, rows[i].sum);
		digest_sha256_hex(rows[i].text, strlen(rows[i].text), hex);
		assert_string_equal(hex, rows[i].sum);
	}
}

static void
test_sha256_takes_a_million_bytes(void **state)
{
	static char text[1000000];
	char hex[DIGEST_HEX_LEN + 1];

	(void)state;
	memset(text, 'a', sizeof text);
	digest_sha256_hex(text, sizeof text, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67"
	                         "f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231: test cases 1, 2 and 6 (a key longer than a block). */
static void
test_hmac_gives_the_published_values(void **state)
{
	unsigned char key[131];
	unsigned char sum[DIGEST_SHA256_LEN];
	const char *long_text =
	    "Test Using Larger Than Block-Size Key - Hash Key First";

	(void)state;
	memset(key, 0x0b, 20);
	digest_hmac(key, 20, "Hi There", 8, sum);
	assert_hex(sum, "b0344c61d8db38535ca8afceaf0bf12b"
	                "881dc200c9833da726e9376c2e32cff7");
	digest_hmac("Jefe", 4, "what do ya want for nothing?", 28, sum);
	assert_hex(sum, "5bdcc146bf60754e6a042426089575c7"
	                "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof key);
	digest_hmac(key, sizeof key, long_text, strlen(long_text), sum);
	assert_hex(sum, "60e431591ee0b67f0d8a26aacbf5b77f"
	                "8e0bc6213728c5140546040f0ee37f54");
}

static void
assert_decoded(const char *text, const char *wanted, size_t len)
{
	struct buf out = { 0 };

	buf_putc(&out, '>');
	assert_int_equal(digest_base64_decode(&out, slice_of(text)), 0);
	assert_int_equal(out.len, len + 1);
	assert_memory_equal(&buf_str(&out)[1], wanted, len);
	buf_free(&out);
}

static void
test_base64_decodes_every_length(void **state)
{
	(void)state;
	assert_decoded("", "", 0);
	assert_decoded("Zg==", "f", 1);
	assert_decoded("Zm8=", "fo", 2);
	assert_decoded("Zm9v", "foo", 3);
	assert_decoded("Zm9vYmFy", "foobar", 6);
	assert_decoded("+/+/", "\xfb\xff\xbf", 3);
	assert_decoded("AAAA", "\0\0\0", 3);
}

static void
test_base64_passes_over_blanks_and_line_ends(void **state)
{
	(void)state;
	assert_decoded(" Zm\r\n9v\tYg =\n=\n", "foob", 4);
	assert_decoded("\n", "", 0);
}

static void
test_base64_refuses_what_is_not(void **state)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm9",
		"Zg===", "Z===", "====", "=", "==", "Zg==Zg==", "Zm8=v", "Zg=v",
		"Z=g=", "Zm9v=", "Zm9v====", "Zm9-", "Zm9_", "Zm9v!", "Zm\x80v",
		"Zm9v\v" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct buf out = { 0 };

		buf_puts(&out, "kept");
		if (digest_base64_decode(&out, slice_of(bad[i])) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(buf_ok(&out));
		assert_string_equal(buf_str(&out), "kept");
		buf_free(&out);
	}
	/* A NUL is a byte like any other. */
	{
		struct buf out = { 0 };

		assert_int_equal(digest_base64_decode(&out,
		                     slice_make("Zm9v\0Zm9v", 9)),
		    -1);
		assert_int_equal(out.len, 0);
	}
}

static void
test_base64_undoes_the_encoder(void **state)
{
	unsigned char data[300];
	struct buf text = { 0 };
	struct buf back = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t len = 0; len <= sizeof data; len++) {
		buf_base64(&text, data, len);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		assert_int_equal(digest_base64_decode(&back,
		                     slice_make(buf_str(&text), text.len)),
		    0);
		assert_int_equal(back.len, len);
		assert_memory_equal(buf_str(&back), data, len);
		buf_cut(&text, 0);
		buf_cut(&back, 0);
	}
	buf_free(&text);
	buf_free(&back);
}

static void
test_base64_respects_the_ceiling(void **state)
{
	struct buf out = { .max = 2 };

	(void)state;
	assert_int_equal(digest_base64_decode(&out, slice_of("Zm8=")), 0);
	assert_int_equal(digest_base64_decode(&out, slice_of("Zg==")), -1);
	assert_string_equal(buf_str(&out), "fo");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_gives_the_published_values),
		cmocka_unit_test(test_sha256_takes_a_million_bytes),
		cmocka_unit_test(test_hmac_gives_the_published_values),
		cmocka_unit_test(test_base64_decodes_every_length),
		cmocka_unit_test(test_base64_passes_over_blanks_and_line_ends),
		cmocka_unit_test(test_base64_refuses_what_is_not),
		cmocka_unit_test(test_base64_undoes_the_encoder),
		cmocka_unit_test(test_base64_respects_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
