/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void
test_first_error_wins(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_set(&err, ERR_KIND_TLS, "first %d", 1), -1);
	assert_int_equal(err_set(&err, ERR_KIND_USAGE, "second"), -1);
	errno = EACCES;
	assert_int_equal(err_sys(&err, ERR_KIND_SYSTEM, "third"), -1);
	assert_int_equal(err.kind, ERR_KIND_TLS);
	assert_int_equal(err.code, ERR_NETWORK);
	assert_string_equal(err.msg, "first 1");
}

static void
test_takes_no_error_to_fill(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_KIND_API, "%s", "x"), -1);
	assert_int_equal(err_sys(NULL, ERR_KIND_API, "%s", "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	err_fix(NULL, "%s", "x");
	err_clear(NULL);
}

static void
test_code_follows_from_kind(void **state)
{
	static const struct {
		enum err_kind kind;
		int code;
		const char *name;
	} rows[] = {
		{ ERR_KIND_USAGE, 64, "usage" },
		{ ERR_KIND_SYSTEM, 71, "system" },
		{ ERR_KIND_INVALID_VALUE, 78, "invalid_value" },
		{ ERR_KIND_CONFIG, 78, "config_error" },
		{ ERR_KIND_PROFILE_NOT_FOUND, 78, "profile_not_found" },
		{ ERR_KIND_NO_CREDENTIALS, 77, "no_credentials" },
		{ ERR_KIND_PARTIAL_CREDENTIALS, 77, "partial_credentials" },
		{ ERR_KIND_EXPIRED_CREDENTIALS, 77, "expired_credentials" },
		{ ERR_KIND_CREDENTIAL_RETRIEVAL, 77, "credential_retrieval" },
		{ ERR_KIND_NO_REGION, 78, "no_region" },
		{ ERR_KIND_INVALID_REGION, 78, "invalid_region" },
		{ ERR_KIND_ENDPOINT_VARIANT, 78, "endpoint_variant" },
		{ ERR_KIND_PARAM_VALIDATION, 78, "param_validation" },
		{ ERR_KIND_CONNECTION, 69, "connection" },
		{ ERR_KIND_PROXY, 69, "proxy" },
		{ ERR_KIND_TLS, 69, "tls" },
		{ ERR_KIND_PARSE, 76, "parse_error" },
		{ ERR_KIND_API, 70, "api_error" },
	};
	const size_t count = sizeof rows / sizeof rows[0];

	(void)state;
	/* Every kind but "none" has a row. */
	assert_int_equal(count, ERR_KIND_COUNT - 1);
	for (size_t i = 0; i < count; i++) {
		struct err err = { 0 };

		(void)err_set(&err, rows[i].kind, "x");
		assert_int_equal(err.kind, rows[i].kind);
		assert_int_equal(err.code, rows[i].code);
		assert_string_equal(err_kind_name(rows[i].kind), rows[i].name);
	}
}

static void
test_names_kinds_outside_the_list(void **state)
{
	(void)state;
	assert_string_equal(err_kind_name(ERR_KIND_NONE), "none");
	assert_string_equal(err_kind_name(ERR_KIND_COUNT), "unknown");
	assert_string_equal(err_kind_name((enum err_kind) - 1), "unknown");
}

static void
test_failure_without_kind_is_not_success(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_KIND_NONE, "x");
	assert_int_equal(err.code, ERR_SYSTEM);
	err_clear(&err);
	(void)err_set(&err, ERR_KIND_COUNT, "x");
	assert_int_equal(err.code, ERR_SYSTEM);
}

static void
test_message_is_printable(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "a\x1b[31m\n\x80%s\x7f", "\tz");
	assert_string_equal(err.msg, "a?[31m???z?");
	err_fix(&err, "do\r\n%s", "this");
	assert_string_equal(err.fix, "do??this");
	(void)err_wrap(&err, "up\a");
	assert_string_equal(err.msg, "up?: a?[31m???z?");
}

/* Names in Japanese are usual; what turns the direction of text is not. */
static void
test_message_keeps_other_scripts(void **state)
{
	struct err err = { 0 };
	char out[8];

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "\xe6\x9c\xac \xe2%s",
	    "\x80\xae \xe6\x9c\xc3\xa9");
	assert_string_equal(err.msg, "\xe6\x9c\xac ??? ??\xc3\xa9");
	/* No character is cut in two. */
	err_clean(out, sizeof out, "12345\xe6\x9c\xac", 8);
	assert_string_equal(out, "12345");
	err_clean(out, sizeof out, "1234\xe6\x9c\xac", 7);
	assert_string_equal(out, "1234\xe6\x9c\xac");
}

static void
test_message_is_cut_at_its_size(void **state)
{
	char longer[2 * ERR_MSG_MAX];
	struct err err = { 0 };

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	(void)err_set(&err, ERR_KIND_API, "%s", longer);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	(void)err_wrap(&err, "head");
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_memory_equal(err.msg, "head: xxx", 9);
	(void)err_wrap(&err, longer);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_null(strchr(err.msg, 'h'));
	err_fix(&err, "%s", longer);
	assert_int_equal(strlen(err.fix), ERR_FIX_MAX - 1);
}

static void
test_sys_adds_and_keeps_errno(void **state)
{
	struct err err = { 0 };

	(void)state;
	errno = ENOSPC;
	(void)err_sys(&err, ERR_KIND_SYSTEM, "write %s", "f");
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(err.msg, "write f: No space left on device");
}

static void
test_sys_cuts_a_long_message(void **state)
{
	char longer[2 * ERR_MSG_MAX];
	struct err err = { 0 };

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	errno = ENOENT;
	(void)err_sys(&err, ERR_KIND_SYSTEM, "%s", longer);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
}

static void
test_wrap_puts_the_outer_step_first(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_wrap(&err, "nothing"), -1);
	assert_string_equal(err.msg, "");
	assert_int_equal(err.code, ERR_OK);
	(void)err_set(&err, ERR_KIND_CONNECTION, "timed out");
	assert_int_equal(err_wrap(&err, "connect h"), -1);
	assert_int_equal(err_wrap(&err, "register"), -1);
	assert_string_equal(err.msg, "register: connect h: timed out");
}

static void
test_first_fix_wins_and_needs_an_error(void **state)
{
	struct err err = { 0 };

	(void)state;
	err_fix(&err, "too early");
	assert_string_equal(err.fix, "");
	(void)err_set(&err, ERR_KIND_NO_REGION, "no region");
	err_fix(&err, "set %s", "AWS_REGION");
	err_fix(&err, "something else");
	assert_string_equal(err.fix, "set AWS_REGION");
}

static void
test_clear_gives_zero(void **state)
{
	static const struct err zero;
	struct err err = { .http_status = 400, .attempts = 3 };

	(void)state;
	(void)err_set(&err, ERR_KIND_API, "x");
	err_fix(&err, "y");
	err_clear(&err);
	assert_memory_equal(&err, &zero, sizeof err);
}

static void
test_clean_stays_in_its_room(void **state)
{
	char out[4] = "zzz";

	(void)state;
	err_clean(out, 0, "abc", 3);
	assert_string_equal(out, "zzz");
	err_clean(out, 1, "abc", 3);
	assert_string_equal(out, "");
	err_clean(out, sizeof out, "abc", 3);
	assert_string_equal(out, "abc");
	err_clean(out, sizeof out, "abcd", 4);
	assert_string_equal(out, "abc");
	err_clean(out, sizeof out, "a\0b", 3);
	assert_string_equal(out, "a?b");
	err_clean(out, sizeof out, NULL, 0);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_error_wins),
		cmocka_unit_test(test_takes_no_error_to_fill),
		cmocka_unit_test(test_code_follows_from_kind),
		cmocka_unit_test(test_names_kinds_outside_the_list),
		cmocka_unit_test(test_failure_without_kind_is_not_success),
		cmocka_unit_test(test_message_is_printable),
		cmocka_unit_test(test_message_keeps_other_scripts),
		cmocka_unit_test(test_message_is_cut_at_its_size),
		cmocka_unit_test(test_sys_adds_and_keeps_errno),
		cmocka_unit_test(test_sys_cuts_a_long_message),
		cmocka_unit_test(test_wrap_puts_the_outer_step_first),
		cmocka_unit_test(test_first_fix_wins_and_needs_an_error),
		cmocka_unit_test(test_clear_gives_zero),
		cmocka_unit_test(test_clean_stays_in_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
