/* SPDX-License-Identifier: MIT */
/* The key in the core: what it signs, and how it is replaced without a moment
 * in which no key that is kept is the node's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "serve/records.h"
#include "serve/signer.h"
#include "settings/config.h"
#include "unit/vectors.h"
#include "work/node_key.h"
#include "work/work.h"

enum { SIGNATURE = 256, WHEN = 1768465807 };

static struct config cfg;
static struct state node = {
	.node = "mi-0123456789abcdef0",
	.region = "eu-west-1",
	.fingerprint = "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
	.builtin = true,
};
static struct work work = { .cfg = &cfg, .state = &node, .memory = true };
static struct signer signer;
static struct records_core asked, answer;

/* The recorded agent's key is the node's. */
static int
setup(void **state)
{
	struct json *doc = vectors_load();
	struct buf lines = { 0 };

	(void)state;
	buf_printf(&lines, "%s\n", json_text(json_get(doc, "role"), "private"));
	work.key_fd = node_key_open();
	assert_int_equal(node_key_save(&work, slice_of(buf_str(&lines)), NULL),
	    0);
	buf_free(&lines);
	json_free(doc);
	asked = (struct records_core){
		.kind = RECORDS_SIGN, .sign = NODE_TOKEN, .when = WHEN
	};
	slice_copy(slice_of("ssm.eu-west-1.amazonaws.com"), asked.host,
	    sizeof asked.host);
	return signer_open(&signer, &work, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	signer_close(&signer);
	close(work.key_fd);
	return 0;
}

/* How many lines are kept. */
static int
kept(void)
{
	struct buf lines = { .max = NODE_KEY_MAX };
	int n = 0;

	assert_int_equal(node_key_load(&lines, &work, NULL), 0);
	for (size_t i = 0; i < lines.len; i++)
		n += lines.data[i] == '\n';
	buf_free(&lines);
	return n;
}

static uint32_t
sign(enum node_kind kind, bool with_new)
{
	asked.sign = kind;
	asked.with_new = with_new;
	signer_sign(&signer, &asked, &answer);
	assert_int_equal(answer.kind, RECORDS_SIGNED);
	return answer.len;
}

/* It was read again, as after a crash. */
static void
reopen(void)
{
	signer_close(&signer);
	assert_int_equal(signer_open(&signer, &work, NULL), 0);
}

static void
test_signing(void **state)
{
	(void)state;
	assert_int_equal(sign(NODE_TOKEN, false), SIGNATURE);
	/* There is no new key to sign with, or to tell AWS of. */
	assert_int_equal(sign(NODE_TOKEN, true), 0);
	assert_int_equal(sign(NODE_NEW_KEY, false), 0);
	slice_copy(slice_of("a\nb"), asked.host, sizeof asked.host);
	assert_int_equal(sign(NODE_TOKEN, false), 0);
	signer_adopt(&signer);
	assert_int_equal(kept(), 1);
}

static void
test_new_key(void **state)
{
	char public[RECORDS_BYTES];

	(void)state;
	signer_rotate(&signer, &answer);
	assert_int_equal(answer.kind, RECORDS_NEW_KEY);
	assert_true(answer.len > 300 && answer.len < RECORDS_BYTES);
	memcpy(public, answer.bytes, answer.len);
	assert_int_equal(kept(), 2);
	assert_int_equal(sign(NODE_NEW_KEY, false), SIGNATURE);
	assert_int_equal(sign(NODE_TOKEN, true), SIGNATURE);
	/* Asked again, also by the next core, it is the same one. */
	for (int i = 0; i < 2; i++) {
		signer_rotate(&signer, &answer);
		assert_memory_equal(answer.bytes, public, answer.len);
		reopen();
	}
	signer_adopt(&signer);
	assert_int_equal(kept(), 1);
	assert_null(signer.next);
	assert_int_equal(sign(NODE_TOKEN, false), SIGNATURE);
	assert_int_equal(sign(NODE_TOKEN, true), 0);
}

/* A key that cannot be kept is not told of. */
static void
test_not_kept(void **state)
{
	int memory = work.key_fd;

	(void)state;
	work.key_fd = -1;
	signer_rotate(&signer, &answer);
	assert_int_equal(answer.kind, RECORDS_NEW_KEY);
	assert_int_equal(answer.len, 0);
	assert_null(signer.next);
	work.key_fd = memory;
	assert_int_equal(kept(), 1);
}

static void
test_damaged(void **state)
{
	static const char *const bad[] = { "", "\n", "x\n", "AAAA\n" };
	struct err err;

	(void)state;
	signer_close(&signer);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(node_key_save(&work, slice_of(bad[i]), NULL),
		    0);
		err = (struct err){ 0 };
		assert_int_equal(signer_open(&signer, &work, &err), -1);
		assert_int_not_equal(err.kind, ERR_KIND_NONE);
		assert_null(signer.key);
		signer_close(&signer);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_signing),
		TEST(test_new_key), TEST(test_not_kept), TEST(test_damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
