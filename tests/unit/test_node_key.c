/* SPDX-License-Identifier: MIT */
/* Where a node's key is kept: in memory, in a file, in both or in neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/vault.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/slice.h"
#include "unit/folder.h"
#include "work/node_key.h"
#include "work/work.h"

#define TWO "MIIEone=\nMIIEtwo=\n"

static struct state node = {
	.node = "mi-0123456789abcdef0",
	.region = "eu-west-1",
	.fingerprint = "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
	.builtin = true,
};
static struct work work;

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(folder_make("key"), 0);
	assert_int_equal(mkdir(folder.state, 0700), 0);
	work = (struct work){ .cfg = &folder.cfg, .state = &node };
	work.key_fd = node_key_open();
	assert_true(work.key_fd > 0);
	return 0;
}

static int
teardown(void **state)
{
	close(work.key_fd);
	return folder_remove(state);
}

static void
save(const char *lines)
{
	assert_int_equal(node_key_save(&work, slice_of(lines), NULL), 0);
}

static void
expect(int rc, const char *lines)
{
	struct buf got = { .max = NODE_KEY_MAX };

	assert_int_equal(node_key_load(&got, &work, NULL), rc);
	assert_string_equal(buf_str(&got), lines);
	buf_free(&got);
}

static void
test_both(void **state)
{
	struct stat about;
	int memory = work.key_fd;

	(void)state;
	expect(1, "");
	save(TWO);
	expect(0, TWO);
	assert_int_equal(stat(folder.path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	/* A start after this one has the file only. */
	work.key_fd = -1;
	expect(0, TWO);
	/* A shorter one leaves nothing of the longer. */
	work.key_fd = memory;
	save("x\n");
	expect(0, "x\n");
	work.key_fd = -1;
	expect(0, "x\n");
	work.key_fd = memory;
	assert_int_equal(node_key_remove(&work, NULL), 0);
	assert_int_equal(access(folder.path, F_OK), -1);
	expect(1, "");
	assert_int_equal(node_key_remove(&work, NULL), 0);
}

static void
test_memory_only(void **state)
{
	(void)state;
	work.memory = true;
	save(TWO);
	expect(0, TWO);
	assert_int_equal(access(folder.path, F_OK), -1);
	assert_int_equal(node_key_remove(&work, NULL), 0);
	expect(1, "");
}

static void
test_nowhere(void **state)
{
	int memory = work.key_fd;
	struct err err = { 0 };

	(void)state;
	work.memory = true;
	work.key_fd = -1;
	assert_int_equal(node_key_save(&work, slice_of(TWO), &err), -1);
	assert_non_null(strstr(err.msg, "neither a file nor memory"));
	expect(1, "");
	work.key_fd = memory;
}

/* What is too long is not a key of ours, and no other one is. */
static void
test_too_long(void **state)
{
	static char text[NODE_KEY_MAX + 2];
	struct buf got = { .max = NODE_KEY_MAX };
	struct err err = { 0 };

	(void)state;
	memset(text, 'x', NODE_KEY_MAX + 1);
	work.memory = false;
	close(work.key_fd);
	work.key_fd = 0;
	assert_int_equal(file_write_own(folder.path, 0600, slice_of(text),
	                     NULL),
	    0);
	assert_int_equal(node_key_load(&got, &work, &err), -1);
	assert_int_not_equal(err.kind, ERR_KIND_NONE);
	buf_free(&got);
	work.key_fd = node_key_open();
}

static void
test_identity(void **state)
{
	struct vault vault = { 0 };

	(void)state;
	assert_int_equal(node_key_identity(&vault, &work, NULL), 1);
	save(TWO);
	assert_int_equal(node_key_identity(&vault, &work, NULL), 0);
	assert_string_equal(vault.node, node.node);
	assert_string_equal(vault.region, node.region);
	assert_string_equal(vault.fingerprint, node.fingerprint);
	assert_string_equal(vault.private_key, "MIIEone=");
	vault_free(&vault);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_both),
		TEST(test_memory_only), TEST(test_nowhere), TEST(test_too_long),
		TEST(test_identity) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
