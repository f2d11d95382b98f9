/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "settings/config.h"
#include "work/given.h"
#include "work/work.h"

#define ID   "11111111-2222-4333-8444-555555555555"
#define CODE "abcdefghijklmnopqrst"

static struct given out;
static struct err err;

static int
parse(const char *text)
{
	out = (struct given){ 0 };
	err = (struct err){ 0 };
	return given_parse(&out, slice_of(text), &err);
}

static void
test_id_alone(void **unused)
{
	(void)unused;
	assert_int_equal(parse(ID), 0);
	assert_string_equal(out.activation.id, ID);
	assert_int_equal(parse("\r\n \t" ID " \r\n\n"), 0);
	assert_string_equal(out.activation.id, ID);
	assert_string_equal(out.activation.code, "");
	assert_string_equal(out.region, "");
}

static void
test_bottlerocket(void **unused)
{
	(void)unused;
	assert_int_equal(parse("\n{\"admin\":{\"enabled\":true},\"ssm\":{\n"
	                       "\"activation-id\":\"" ID
	                       "\",\"activation-code\":\"" CODE
	                       "\",\"region\":\"us-west-2\"}}\n"),
	    0);
	assert_string_equal(out.activation.id, ID);
	assert_string_equal(out.activation.code, CODE);
	assert_string_equal(out.region, "us-west-2");
	assert_int_equal(parse("{\"ssm\":{\"activation-id\":\"" ID "\"}}"), 0);
	assert_string_equal(out.activation.code, "");
}

static void
test_refused(void **unused)
{
	static const char *const wrong[] = { "", "{}", "{", "[]", ID " " ID,
		"11111111-2222-4333-8444-55555555555", "{\"ssm\":{}}",
		"{\"ssm\":\"" ID "\"}", "{\"ssm\":{\"activation-id\":7}}",
		"{\"ssm\":{\"activation-id\":\"" ID "\",\"region\":"
		"\"a-region-that-is-longer-than-any-name-of-a-region-can-be-"
		"in-this-program\"}}" };

	(void)unused;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(parse(wrong[i]), -1);
		assert_int_not_equal(err.code, ERR_OK);
		assert_null(strstr(err.msg, CODE));
	}
}

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int
load(const struct config *cfg, char *code)
{
	struct work work = { .cfg = cfg, .code = code };

	out = (struct given){ 0 };
	err = (struct err){ 0 };
	return given_load(&out, &work, &err);
}

static void
test_sources(void **unused)
{
	char ids[] = "/tmp/test-given-id-XXXXXX";
	char codes[] = "/tmp/test-given-code-XXXXXX";
	char given[] = "zyxwvutsrqponmlkjihgf", used[] = "";
	struct config cfg = { .id_file = ids };

	(void)unused;
	close(mkstemp(ids));
	close(mkstemp(codes));
	put(ids, "{\"ssm\":{\"activation-id\":\"" ID
	         "\",\"activation-code\":\"" CODE "\"}}");
	put(codes, "a code of a file of twenty\r\n");
	assert_int_equal(load(&cfg, NULL), 0);
	assert_string_equal(out.activation.code, CODE);
	/* A code that is given goes before the one beside the id. */
	assert_int_equal(load(&cfg, given), 0);
	assert_string_equal(out.activation.code, given);
	cfg.code_file = codes;
	assert_int_equal(load(&cfg, NULL), 0);
	assert_string_equal(out.activation.code, "a code of a file of twenty");
	assert_int_equal(load(&cfg, used), -1);
	assert_non_null(strstr(err.msg, "was used"));
	put(codes, "short");
	assert_int_equal(load(&cfg, NULL), -1);
	assert_non_null(strstr(err.msg, "20 to"));
	put(ids, ID "\n");
	cfg.code_file = NULL;
	assert_int_equal(load(&cfg, NULL), -1);
	assert_non_null(strstr(err.msg, "there is no code"));
	put(ids, "me");
	assert_int_equal(load(&cfg, NULL), -1);
	assert_non_null(strstr(err.msg, ids));
	unlink(ids);
	assert_int_equal(load(&cfg, NULL), -1);
	assert_non_null(strstr(err.msg, "there is no file"));
	unlink(codes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_alone),
		cmocka_unit_test(test_bottlerocket),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
