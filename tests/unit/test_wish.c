/* SPDX-License-Identifier: MIT */
/* What the parameter of access on demand means, and how it is passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "work/wish.h"

#define TASK  "3f2a1b0c4d5e6f708192a3b4c5d6e7f8"
#define OTHER "00000000000000000000000000000000"
#define ARN   "arn:aws:ecs:eu-west-1:123456789012:task/demo/"

/* 2026-11-30T18:00:00Z. */
enum { END = 1796061600 };

static uint64_t
meaning(const char *text)
{
	return wish_meaning(slice_of(text), TASK, END - 60);
}

static void
test_words(void **state)
{
	static const char *const on[] = { "on", "ON", " on ", "on\n", "on\r\n",
		TASK, TASK "\n", ARN TASK };
	static const char *const off[] = { "off", "Off\n", "\toff" };

	(void)state;
	for (size_t i = 0; i < sizeof on / sizeof on[0]; i++)
		assert_int_equal(meaning(on[i]), WISH_ON);
	for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
		assert_int_equal(meaning(off[i]), WISH_OFF);
}

static void
test_until(void **state)
{
	(void)state;
	assert_int_equal(meaning("on until 2026-11-30T18:00:00Z"), END);
	assert_int_equal(meaning("on until  2026-11-30T19:00:00+01:00\n"), END);
	assert_int_equal(meaning("on until 2026-11-30T17:59:00Z"), WISH_NONE);
	assert_int_equal(meaning("on until 1960-01-01T00:00:00Z"), WISH_NONE);
	/* Not one of the words in disguise. */
	assert_int_equal(wish_meaning(slice_of("on until "
	                                       "1970-01-01T00:00:02Z"),
	                     TASK, 0),
	    WISH_NONE);
}

static void
test_others(void **state)
{
	static const char *const odd[] = { "", "onn", "true", "on off",
		"on until", "on until tomorrow", "on\non",
		"on until 1796061600", "3f2a", "arn:x/y", "\xff", "offf" };
	static const char *const none[] = { OTHER, ARN OTHER,
		"12345678-1234-1234-1234-123456789012" };

	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
		assert_int_equal(meaning(odd[i]), WISH_ODD);
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_int_equal(meaning(none[i]), WISH_NONE);
	/* Without a task of ours nobody's is ours. */
	assert_int_equal(wish_meaning(slice_of(""), "", 0), WISH_ODD);
	assert_int_equal(wish_meaning(slice_of(TASK), "", 0), WISH_NONE);
}

static void
test_passed_on(void **state)
{
	static const char *const wrong[] = { "", "1 2", "1 2 3 4", "1 2 x",
		"1  2 3", " 1 2 3", "1 2 -3", "1 2 99999999999999999999" };
	struct wish wish = { 7, 1796061600123, END }, got = { 0 };
	char text[WISH_TEXT_SIZE];

	(void)state;
	wish_text(text, &wish);
	assert_string_equal(text, "7 1796061600123 1796061600");
	assert_true(wish_parse(text, &got));
	assert_memory_equal(&got, &wish, sizeof wish);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_false(wish_parse(wrong[i], &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
