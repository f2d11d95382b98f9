/* SPDX-License-Identifier: MIT */
/* What is known of the node: forms, on disk and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "ssm/state.h"
#include "unit/sandbox.h"

#define UUID_A "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define UUID_B "ffffffff-0000-1111-2222-333333333333"
#define UUID_C "01234567-89ab-cdef-0123-456789abcdef"
#define NODE   "mi-0123456789abcdef0"

static struct err failure;

static const struct state full = {
	.container = "c0ffee",
	.nonce = UUID_A,
	.role = "service-role/Role",
	.region = "eu-central-1",
	.activation = UUID_B,
	.node = NODE,
	.fingerprint = UUID_C,
	.unsettled = true,
	.installed = true,
	.begun = true,
	.since = 1700000000,
};

static void
same(const struct state *a, const struct state *b)
{
	assert_string_equal(a->container, b->container);
	assert_string_equal(a->nonce, b->nonce);
	assert_string_equal(a->role, b->role);
	assert_string_equal(a->region, b->region);
	assert_string_equal(a->activation, b->activation);
	assert_string_equal(a->node, b->node);
	assert_string_equal(a->fingerprint, b->fingerprint);
	assert_int_equal(a->unsettled, b->unsettled);
	assert_int_equal(a->installed, b->installed);
	assert_int_equal(a->begun, b->begun);
	assert_int_equal(a->since, b->since);
}

static void
round_trip(const struct state *in)
{
	struct state out = full;
	struct buf text = { 0 };

	assert_int_equal(state_encode(&text, in, &failure), 0);
	assert_int_equal(state_decode(&out, buf_str(&text), &failure), 0);
	same(&out, in);
	buf_free(&text);
}

static void
test_round_trip(void **unused)
{
	struct state empty = { 0 }, some = full;

	(void)unused;
	round_trip(&empty);
	round_trip(&full);
	some.activation[0] = '\0';
	some.unsettled = false;
	round_trip(&some);
}

static void
decoded(const char *text, struct state *out)
{
	assert_int_equal(state_decode(out, text, &failure), 0);
}

static void
refused(const char *text)
{
	struct state out = full;

	assert_int_equal(state_decode(&out, text, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_PARSE);
	err_clear(&failure);
	same(&out, &full);
}

static void
test_unknown_members_are_passed_over(void **unused)
{
	struct state out = full;

	(void)unused;
	decoded("{\"version\":1}", &out);
	same(&out, &(struct state){ 0 });
	decoded(" {\"later\":[1,{}],\"node\":\"" NODE "\",\"version\":1,"
	        "\"x\":null}\n",
	    &out);
	assert_string_equal(out.node, NODE);
	assert_false(out.installed);
}

static void
test_wrong_documents(void **unused)
{
	(void)unused;
	refused("");
	refused("{");
	refused("[]");
	refused("null");
	refused("\"version\"");
	refused("{}");
	refused("{\"version\":0}");
	refused("{\"version\":-1}");
	refused("{\"version\":\"1\"}");
	refused("{\"version\":1} {}");
	refused("{\"Version\":1}");
}

static void
test_wrong_texts(void **unused)
{
	(void)unused;
	refused("{\"version\":1,\"node\":\"mi-\"}");
	refused("{\"version\":1,\"node\":\"i-0123456789abcdef0\"}");
	refused("{\"version\":1,\"node\":\"mi-0123456789ABCDEF0\"}");
	refused("{\"version\":1,\"node\":\"mi-0123456789abcdef0;reboot\"}");
	refused("{\"version\":1,\"activation\":\"x\"}");
	refused("{\"version\":1,\"activation\":\"" UUID_A "0\"}");
	refused("{\"version\":1,\"nonce\":\"0A1B2C3D-4E5F-6071-8293-"
	        "A4B5C6D7E8F9\"}");
	refused("{\"version\":1,\"fingerprint\":\"" UUID_A " \"}");
	refused("{\"version\":1,\"region\":\"eu\\nwest\"}");
	refused("{\"version\":1,\"region\":\"\\u00e9\"}");
	refused("{\"version\":1,\"container\":\"\\u001b[2J\"}");
}

/* A text as long as its place passes, a longer one does not. */
static void
length_of(const char *name, size_t size)
{
	char text[256], value[128];
	struct state out = { 0 };

	assert_true(size < sizeof value);
	memset(value, 'a', size);
	value[size - 1] = '\0';
	snprintf(text, sizeof text, "{\"version\":1,\"%s\":\"%s\"}", name,
	    value);
	decoded(text, &out);
	assert_true(state_valid(&out));
	value[size - 1] = 'a';
	value[size] = '\0';
	snprintf(text, sizeof text, "{\"version\":1,\"%s\":\"%s\"}", name,
	    value);
	refused(text);
}

static void
test_lengths(void **unused)
{
	(void)unused;
	length_of("container", STATE_CONTAINER_SIZE);
	length_of("role", SSM_ROLE_MAX + 1);
	length_of("region", sizeof full.region);
}

static void
test_odd_times(void **unused)
{
	struct state out = { 0 };

	(void)unused;
	decoded("{\"version\":1,\"since\":1e300}", &out);
	assert_int_equal(out.since, 0);
	decoded("{\"version\":1,\"since\":-5}", &out);
	assert_int_equal(out.since, 0);
	decoded("{\"version\":1,\"since\":12.9}", &out);
	assert_int_equal(out.since, 12);
}

/* Every text without an end is found, since a state crosses pipes. */
static void
test_valid_wants_ends(void **unused)
{
	static const struct {
		size_t offset, size;
	} texts[] = {
		{ offsetof(struct state, container), STATE_CONTAINER_SIZE },
		{ offsetof(struct state, nonce), SSM_UUID_SIZE },
		{ offsetof(struct state, role), SSM_ROLE_MAX + 1 },
		{ offsetof(struct state, region), sizeof full.region },
		{ offsetof(struct state, activation), SSM_UUID_SIZE },
		{ offsetof(struct state, node), SSM_NODE_SIZE },
		{ offsetof(struct state, fingerprint), SSM_UUID_SIZE },
	};

	(void)unused;
	assert_true(state_valid(&full));
	assert_true(state_valid(&(struct state){ 0 }));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct state odd = full;

		memset((char *)&odd + texts[i].offset, 'a', texts[i].size);
		assert_false(state_valid(&odd));
	}
}

static void
test_valid_wants_forms(void **unused)
{
	struct state odd = full;

	(void)unused;
	odd.node[3] = 'g';
	assert_false(state_valid(&odd));
	odd = full;
	odd.nonce[8] = '0';
	assert_false(state_valid(&odd));
	odd = full;
	odd.region[0] = '\t';
	assert_false(state_valid(&odd));
	/* It is printed in commands to be pasted. */
	odd = full;
	strcpy(odd.region, "eu-west-1;reboot");
	assert_false(state_valid(&odd));
	odd = full;
	odd.role[0] = '\x80';
	assert_false(state_valid(&odd));
}

/* A byte that is neither false nor true is nobody's bool; using it is
 * undefined. */
static void
test_valid_wants_booleans(void **unused)
{
	static const size_t flags[] = { offsetof(struct state, unsettled),
		offsetof(struct state, installed),
		offsetof(struct state, begun) };
	const unsigned char two = 2;

	(void)unused;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		struct state odd = full;

		memcpy((char *)&odd + flags[i], &two, 1);
		assert_false(state_valid(&odd));
	}
}

static void
test_settled(void **unused)
{
	struct state some = { 0 };

	(void)unused;
	assert_true(state_settled(&some));
	some.begun = some.installed = true;
	assert_true(state_settled(&some));
	some.unsettled = true;
	assert_false(state_settled(&some));
	some = (struct state){ .node = NODE };
	assert_false(state_settled(&some));
	some = (struct state){ .activation = UUID_A };
	assert_false(state_settled(&some));
}

static char folder[64], path[96];

static int
make_folder(void **unused)
{
	(void)unused;
	strcpy(folder, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/state.json", folder);
	return 0;
}

static int
remove_folder(void **unused)
{
	(void)unused;
	(void)unlink(path);
	assert_int_equal(rmdir(folder), 0); /* and no temporary file */
	return 0;
}

static void
test_save_and_load(void **unused)
{
	struct state out = full, second = full;

	(void)unused;
	assert_int_equal(state_load(&out, path, &failure), 1);
	assert_int_equal(failure.kind, ERR_KIND_NONE);
	same(&out, &full);
	assert_int_equal(state_save(&(struct state){ .node = NODE }, path,
	                     &failure),
	    0);
	assert_int_equal(sandbox_mode(path), 0600);
	assert_int_equal(state_load(&out, path, &failure), 0);
	assert_string_equal(out.node, NODE);
	assert_string_equal(out.nonce, "");
	second.since = 1;
	assert_int_equal(state_save(&second, path, &failure), 0);
	assert_int_equal(state_load(&out, path, &failure), 0);
	same(&out, &second);
}

/* Another file takes its place: a reader sees the old or the new one. */
static void
test_save_is_atomic(void **unused)
{
	struct stat before, after;

	(void)unused;
	assert_int_equal(state_save(&full, path, &failure), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(state_save(&full, path, &failure), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_ino != after.st_ino);
}

static void
test_save_that_fails(void **unused)
{
	char missing[128];

	(void)unused;
	snprintf(missing, sizeof missing, "%s/none/state.json", folder);
	assert_int_equal(state_save(&full, missing, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_SYSTEM);
	assert_non_null(strstr(failure.msg, missing));
	err_clear(&failure);
}

static void
test_load_of_something_else(void **unused)
{
	struct state out = full;
	FILE *file = fopen(path, "w");

	(void)unused;
	assert_non_null(file);
	for (int i = 0; i <= STATE_FILE_MAX; i++)
		(void)fputc(' ', file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(state_load(&out, path, &failure), -1);
	assert_non_null(strstr(failure.msg, path));
	err_clear(&failure);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(state_load(&out, path, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_PARSE);
	assert_non_null(strstr(failure.msg, path));
	err_clear(&failure);
	same(&out, &full);
}

#define FOLDER_TEST(f) \
	cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_unknown_members_are_passed_over),
		cmocka_unit_test(test_wrong_documents),
		cmocka_unit_test(test_wrong_texts),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_odd_times),
		cmocka_unit_test(test_valid_wants_ends),
		cmocka_unit_test(test_valid_wants_forms),
		cmocka_unit_test(test_valid_wants_booleans),
		cmocka_unit_test(test_settled),
		FOLDER_TEST(test_save_and_load),
		FOLDER_TEST(test_save_is_atomic),
		FOLDER_TEST(test_save_that_fails),
		FOLDER_TEST(test_load_of_something_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
