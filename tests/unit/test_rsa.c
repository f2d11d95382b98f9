/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "unit/folder.h"

enum { TOOL_MS = 120000, DER_LIMIT = 4096, FLIP_STEP = 5 };

static const uint8_t salt[RSA_SALT_LEN] = { 1, 2, 3, 0xff };
static const char text[] = "the text that is signed";

/* Run openssl in the folder; its exit status. */
static int
openssl(char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int64_t deadline = clock_in(TOOL_MS);
	int status = -1;
	pid_t pid = -1;

	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, 2,
	                     "/dev/null", O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawn_file_actions_addopen(&actions, 1,
	                     "/dev/null", O_WRONLY, 0),
	    0);
	assert_int_equal(posix_spawnp(&pid, "openssl", &actions, NULL, argv,
	                     environ),
	    0);
	(void)posix_spawn_file_actions_destroy(&actions);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_left(deadline) == 0)
			(void)kill(pid, SIGKILL);
		clock_sleep(clock_in(5));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define OPENSSL(...) openssl((char *[]){ (char *)"openssl", __VA_ARGS__, NULL })
#define WORD(text)   ((char *)(text))

static void
read_file(const char *name, struct buf *out)
{
	assert_int_equal(file_read(name, out, NULL), FILE_FOUND);
}

static void
write_file(const char *name, const void *data, size_t len)
{
	assert_int_equal(file_write(name, 0600, data, len, NULL), 0);
}

/* A PKCS#1 key that somebody else made. */
static void
foreign_key(const char *bits, struct buf *der)
{
	assert_int_equal(OPENSSL(WORD("genrsa"), WORD("-out"), WORD("k.pem"),
	                     WORD(bits)),
	    0);
	assert_int_equal(OPENSSL(WORD("rsa"), WORD("-in"), WORD("k.pem"),
	                     WORD("-traditional"), WORD("-outform"),
	                     WORD("DER"), WORD("-out"), WORD("k.der")),
	    0);
	read_file("k.der", der);
}

static bool
verifies(const struct buf *sig)
{
	write_file("text", text, sizeof text - 1);
	write_file("sig", sig->data, sig->len);
	return OPENSSL(WORD("dgst"), WORD("-sha256"), WORD("-sigopt"),
	           WORD("rsa_padding_mode:pss"), WORD("-sigopt"),
	           WORD("rsa_pss_saltlen:32"), WORD("-keyform"), WORD("DER"),
	           WORD("-verify"), WORD("pub.der"), WORD("-signature"),
	           WORD("sig"), WORD("text")) == 0;
}

static void
sign(const struct rsa_key *key, struct buf *sig)
{
	struct err err = { 0 };

	if (rsa_sign_pss(key, text, sizeof text - 1, salt, sig, &err) != 0)
		fail_msg("%s", err.msg);
}

/* Everything that openssl can say about a key and what it gives. */
static void
check_against_openssl(const struct rsa_key *key, size_t bits)
{
	struct buf der = { 0 };
	struct buf pub = { 0 };
	struct buf pub_openssl = { 0 };
	struct buf sig = { 0 };

	assert_int_equal(rsa_private_der(key, &der, NULL), 0);
	write_file("k.der", der.data, der.len);
	assert_int_equal(OPENSSL(WORD("rsa"), WORD("-inform"), WORD("DER"),
	                     WORD("-in"), WORD("k.der"), WORD("-check"),
	                     WORD("-noout")),
	    0);
	assert_int_equal(OPENSSL(WORD("pkey"), WORD("-inform"), WORD("DER"),
	                     WORD("-in"), WORD("k.der"), WORD("-pubout"),
	                     WORD("-outform"), WORD("DER"), WORD("-out"),
	                     WORD("pub.der")),
	    0);
	read_file("pub.der", &pub_openssl);
	assert_int_equal(rsa_public_der(key, &pub, NULL), 0);
	assert_int_equal(pub.len, pub_openssl.len);
	assert_memory_equal(pub.data, pub_openssl.data, pub.len);
	sign(key, &sig);
	assert_int_equal(sig.len, (bits + 7) / 8);
	assert_true(verifies(&sig));
	/* Or the tool would say yes to anything. */
	sig.data[sig.len / 2] ^= 1;
	assert_false(verifies(&sig));
	buf_free(&der);
	buf_free(&pub);
	buf_free(&pub_openssl);
	buf_free(&sig);
}

static void
test_made_key_satisfies_openssl(void **state)
{
	struct rsa_key *key = NULL;
	struct buf pub = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(rsa_make(&key, &err), 0);
	check_against_openssl(key, RSA_BITS);
	assert_int_equal(rsa_public_der(key, &pub, NULL), 0);
	assert_int_equal(pub.len, 294);
	buf_free(&pub);
	rsa_free(key);
}

static void
test_two_made_keys_differ(void **state)
{
	struct rsa_key *one = NULL;
	struct rsa_key *two = NULL;
	struct buf a = { 0 };
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(rsa_make(&one, NULL), 0);
	assert_int_equal(rsa_make(&two, NULL), 0);
	assert_int_equal(rsa_public_der(one, &a, NULL), 0);
	assert_int_equal(rsa_public_der(two, &b, NULL), 0);
	assert_memory_not_equal(a.data, b.data, a.len);
	buf_free(&a);
	buf_free(&b);
	rsa_free(one);
	rsa_free(two);
}

/* Other than ours, a prime of theirs can be 1 modulo 4. */
static void
test_foreign_keys_sign_and_stay_the_same(void **state)
{
	static const char *const sizes[] = { "2048", "2050", "2054", "3072",
		"4096" };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct rsa_key *key = NULL;
		struct buf der = { 0 };
		struct buf back = { 0 };
		uint64_t bits = 0;

		foreign_key(sizes[i], &der);
		assert_int_equal(rsa_parse(&key, der.data, der.len, NULL), 0);
		assert_int_equal(rsa_private_der(key, &back, NULL), 0);
		assert_int_equal(back.len, der.len);
		assert_memory_equal(back.data, der.data, der.len);
		assert_true(slice_u64(slice_of(sizes[i]), 5000, &bits));
		check_against_openssl(key, bits);
		buf_free(&der);
		buf_free(&back);
		rsa_free(key);
	}
}

static void
test_salt_and_text_decide_the_signature(void **state)
{
	uint8_t other[RSA_SALT_LEN] = { 0 };
	struct rsa_key *key = NULL;
	struct buf sigs[4] = { { 0 } };

	(void)state;
	assert_int_equal(rsa_make(&key, NULL), 0);
	assert_int_equal(rsa_sign_pss(key, "a", 1, salt, &sigs[0], NULL), 0);
	assert_int_equal(rsa_sign_pss(key, "a", 1, salt, &sigs[1], NULL), 0);
	assert_int_equal(rsa_sign_pss(key, "b", 1, salt, &sigs[2], NULL), 0);
	assert_int_equal(rsa_sign_pss(key, "a", 1, other, &sigs[3], NULL), 0);
	assert_memory_equal(sigs[0].data, sigs[1].data, 256);
	assert_memory_not_equal(sigs[0].data, sigs[2].data, 256);
	assert_memory_not_equal(sigs[0].data, sigs[3].data, 256);
	for (size_t i = 0; i < 4; i++)
		buf_free(&sigs[i]);
	rsa_free(key);
}

static void
test_encoding_masks_the_top_bits(void **state)
{
	unsigned char em[RSA_BYTES_MAX + 1];

	(void)state;
	for (uint32_t bits = 2048; bits <= 2064; bits++) {
		size_t size = (bits + 7) / 8;
		size_t first = (bits - 1) % 8 == 0 ? 1 : 0;
		unsigned int limit = 1U << ((bits - 1) % 8);

		memset(em, 0xee, sizeof em);
		rsa_pss_encode(em, bits, "x", 1, salt);
		if (first == 1)
			assert_int_equal(em[0], 0);
		else
			assert_true(em[0] < limit);
		assert_int_equal(em[size - 1], 0xbc);
		assert_int_equal(em[size], 0xee);
	}
}

/* SHA-256 of the encoded text, computed by another implementation. */
static void
test_encoding_fits_every_length_of_modulus(void **state)
{
	static const struct {
		uint32_t bits;
		const char *sum;
	} rows[] = {
		{ 1024, "7ec41d84094d9255886e61ce598cfc0e"
		        "3d9818d1243bb06b6313df2dc02b374e" },
		{ 2048, "47ec711118aa088289b8e4087960e542"
		        "b0905bbe602461adf7d24bacb384d1dc" },
		{ 2049, "89bf308e8fc6f5aaacf8a24f67f5bdfd"
		        "845865c65279e3035be859a72bf5da61" },
		{ 2050, "b09c0ab1bc354b8c7b061ff7d87e6d69"
		        "5c47f37ecf4f0842a779f18939478447" },
		{ 2055, "86213a696f77bd711edf9aff27a0a492"
		        "c3729c5a8c6088c79602607ce4032f60" },
		{ 3072, "9d364ba20e18f2547d138b3e041934cf"
		        "9c2ec2eabd0671643bb7814c23371a3b" },
		{ 4096, "970de53e9a3fe0ea75498f9973a7be0a"
		        "5d08569e1575126efb3263e21b83daca" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		unsigned char em[RSA_BYTES_MAX];
		char sum[DIGEST_HEX_LEN + 1];

		rsa_pss_encode(em, rows[i].bits, text, sizeof text - 1, salt);
		digest_sha256_hex(em, (rows[i].bits + 7) / 8, sum);
		assert_string_equal(sum, rows[i].sum);
	}
}

static void
refuse_key(const void *der, size_t len)
{
	struct rsa_key *key = NULL;
	struct err err = { 0 };

	assert_int_equal(rsa_parse(&key, der, len, &err), -1);
	assert_null(key);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
	assert_int_not_equal(err.msg[0], '\0');
}

static void
test_refuses_every_cut_of_a_key(void **state)
{
	struct rsa_key *key = NULL;
	struct buf der = { 0 };

	(void)state;
	assert_int_equal(rsa_make(&key, NULL), 0);
	assert_int_equal(rsa_private_der(key, &der, NULL), 0);
	for (size_t len = 0; len < der.len; len++) {
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, der.data, len);
		refuse_key(copy, len);
		free(copy);
	}
	/* The length in the header is that of all the rest. */
	der.data[3]--;
	refuse_key(der.data, der.len);
	der.data[3]++;
	buf_putc(&der, '\0');
	refuse_key(der.data, der.len);
	buf_free(&der);
	rsa_free(key);
}

/* A changed key is refused, or it does not sign, or the change does not
 * matter (the private exponent is not used): no other signature gets out,
 * since one with a wrong factor would give the key away. */
static void
test_changed_key_gives_no_other_signature(void **state)
{
	struct rsa_key *key = NULL;
	struct buf der = { 0 };
	struct buf good = { 0 };
	size_t refused = 0;
	size_t unsigned_ones = 0;

	(void)state;
	assert_int_equal(rsa_make(&key, NULL), 0);
	assert_int_equal(rsa_private_der(key, &der, NULL), 0);
	sign(key, &good);
	rsa_free(key);
	for (size_t i = 0; i < der.len; i += FLIP_STEP) {
		struct buf sig = { 0 };

		key = NULL;
		der.data[i] ^= 0x10;
		if (rsa_parse(&key, der.data, der.len, NULL) != 0)
			refused++;
		else if (rsa_sign_pss(key, text, sizeof text - 1, salt, &sig,
		             NULL) != 0)
			unsigned_ones++;
		else
			assert_memory_equal(sig.data, good.data, good.len);
		assert_true(sig.len == 0 || sig.len == good.len);
		der.data[i] ^= 0x10;
		buf_free(&sig);
		rsa_free(key);
	}
	assert_true(refused > 0);
	assert_true(unsigned_ones > 100);
	buf_free(&der);
	buf_free(&good);
}

static void
test_refuses_pkcs8_and_other_text(void **state)
{
	struct buf der = { 0 };
	char large[DER_LIMIT + 1] = { 0x30 };

	(void)state;
	foreign_key("2048", &der);
	buf_free(&der);
	assert_int_equal(OPENSSL(WORD("pkcs8"), WORD("-topk8"),
	                     WORD("-nocrypt"), WORD("-in"), WORD("k.pem"),
	                     WORD("-outform"), WORD("DER"), WORD("-out"),
	                     WORD("k8.der")),
	    0);
	read_file("k8.der", &der);
	refuse_key(der.data, der.len);
	refuse_key("0", 1);
	refuse_key(NULL, 0);
	refuse_key("-----BEGIN RSA PRIVATE KEY-----", 31);
	refuse_key(large, sizeof large);
	buf_free(&der);
}

/* An odd number of so many bits. */
static void
put_number(struct buf *out, size_t bits, char last)
{
	size_t len = bits / 8 + 1; /* the sign bit is one more */

	buf_putc(out, 0x02);
	if (len >= 0x80)
		buf_putc(out, (char)(len >= 0x100 ? 0x82 : 0x81));
	if (len >= 0x100)
		buf_putc(out, (char)(len >> 8));
	buf_putc(out, (char)len);
	buf_putc(out, (char)(bits % 8 == 0 ? 0 : 1 << (bits % 8 - 1)));
	buf_putc(out, (char)(bits % 8 == 0 ? 0x80 : 0x55));
	for (size_t i = 3; i < len; i++)
		buf_putc(out, '\x55');
	buf_putc(out, last);
}

struct sizes {
	size_t n;
	size_t p;
	size_t q;
	size_t d;
	char last; /* byte of the modulus */
	bool taken;
};

/* Numbers of the right form that are no key. */
static void
made_up(struct buf *out, const struct sizes *sizes)
{
	struct buf body = { 0 };

	buf_add(&body, "\x02\x01\x00", 3);
	put_number(&body, sizes->n, sizes->last);
	buf_add(&body, "\x02\x03\x01\x00\x01", 5);
	put_number(&body, sizes->n, 1);
	put_number(&body, sizes->p, 1);
	put_number(&body, sizes->q, 1);
	put_number(&body, sizes->d, 1);
	put_number(&body, sizes->q, 1);
	put_number(&body, sizes->p, 1);
	buf_add(out, "\x30\x82", 2);
	buf_putc(out, (char)(body.len >> 8));
	buf_putc(out, (char)body.len);
	buf_add(out, body.data, body.len);
	buf_free(&body);
}

static void
test_sizes_are_bounded(void **state)
{
	static const struct sizes rows[] = {
		{ 2048, 1024, 1024, 1024, 1, true },
		{ 2048, 1025, 1024, 1024, 1, true },
		{ 2048, 1056, 992, 1024, 1, true },
		{ 4096, 2048, 2048, 2048, 1, true },
		{ 4096, 2080, 2016, 2048, 1, true },
		{ 2047, 1024, 1023, 1023, 1, false },
		{ 4097, 2049, 2048, 2048, 1, false },
		{ 2048, 1024, 1023, 1023, 1, false }, /* product too small */
		{ 2048, 1026, 1024, 1024, 1, false }, /* product too large */
		{ 4096, 2088, 2008, 2048, 1, false }, /* too far apart */
		{ 2048, 2032, 16, 16, 1, true },
		{ 4096, 4080, 16, 16, 1, false },
		{ 2048, 1024, 1024, 1032, 1, false }, /* exponent too large */
		{ 2048, 1024, 1024, 1024, 2, true },  /* n is not read */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct rsa_key *key = NULL;
		struct buf der = { 0 };
		struct buf sig = { 0 };
		struct err err = { 0 };

		made_up(&der, &rows[i]);
		if (!rows[i].taken) {
			refuse_key(der.data, der.len);
			buf_free(&der);
			continue;
		}
		assert_int_equal(rsa_parse(&key, der.data, der.len, NULL), 0);
		/* It does not fit together, and that is noticed. */
		assert_int_equal(rsa_sign_pss(key, "x", 1, salt, &sig, &err),
		    -1);
		assert_int_equal(err.kind, ERR_KIND_PARSE);
		assert_int_equal(sig.len, 0);
		buf_free(&der);
		rsa_free(key);
	}
}

static void
test_respects_the_ceiling_of_the_output(void **state)
{
	struct buf full = { .max = 10 };
	struct rsa_key *key = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(rsa_make(&key, NULL), 0);
	assert_int_equal(rsa_sign_pss(key, "x", 1, salt, &full, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_SYSTEM);
	buf_free(&full);
	assert_int_equal(rsa_private_der(key, &full, NULL), -1);
	buf_free(&full);
	buf_puts(&full, "kept");
	assert_int_equal(rsa_public_der(key, &full, NULL), -1);
	assert_string_equal(buf_str(&full), "kept");
	buf_free(&full);
	rsa_free(key);
	rsa_free(NULL);
}

static int
remove_folder(void **state)
{
	static const char *const names[] = { "k.pem", "k.der", "k8.der",
		"pub.der", "sig", "text" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		(void)unlink(names[i]);
	return folder_leave(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_key_satisfies_openssl),
		cmocka_unit_test(test_two_made_keys_differ),
		cmocka_unit_test(test_foreign_keys_sign_and_stay_the_same),
		cmocka_unit_test(test_salt_and_text_decide_the_signature),
		cmocka_unit_test(test_encoding_masks_the_top_bits),
		cmocka_unit_test(test_encoding_fits_every_length_of_modulus),
		cmocka_unit_test(test_refuses_every_cut_of_a_key),
		cmocka_unit_test(test_changed_key_gives_no_other_signature),
		cmocka_unit_test(test_refuses_pkcs8_and_other_text),
		cmocka_unit_test(test_sizes_are_bounded),
		cmocka_unit_test(test_respects_the_ceiling_of_the_output),
	};

	return cmocka_run_group_tests(tests, folder_enter, remove_folder);
}
