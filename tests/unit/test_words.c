/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/words.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* The words of text, each in <>. */
static void
check(const char *text, const char *expected)
{
	struct words words = { 0 };
	struct buf shown = { 0 };

	assert_int_equal(words_split(&words, slice_of(text), NULL), 0);
	for (size_t i = 0; i < words.count; i++)
		buf_printf(&shown, "<%s>", words.list[i]);
	assert_null(words.list[words.count]);
	assert_string_equal(buf_str(&shown), expected);
	words_free(&words);
	assert_int_equal(words.count, 0);
	buf_free(&shown);
}

static void
refuse(struct slice text, const char *message)
{
	struct words words = { 0 };
	struct err err = { 0 };

	assert_int_equal(words_split(&words, text, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	assert_string_equal(err.msg, message);
	assert_null(words.list);
}

static void
test_splits_at_blanks(void **state)
{
	(void)state;
	check("", "");
	check("  \t ", "");
	check("a", "<a>");
	check("  a \t b\nc\rd ", "<a><b><c><d>");
}

static void
test_takes_quotes(void **state)
{
	(void)state;
	check("'a b' \"c d\"", "<a b><c d>");
	check("a'b c'\"d e\"f", "<ab cd ef>");
	check("'' \"\" x", "<><><x>");
	check("'a\"b' \"c'd\"", "<a\"b><c'd>");
}

static void
test_takes_backslashes(void **state)
{
	(void)state;
	check("a\\ b \\'c \\\\", "<a b><'c><\\>");
	check("a\\b\\\"c", "<ab\"c>");
}

static void
test_keeps_backslashes_in_quotes(void **state)
{
	(void)state;
	check("'a\\b\\'", "<a\\b\\>");
	check("\"a\\b \\\" \\\\ \\$ \\`\"", "<a\\b \" \\ $ `>");
}

static void
test_expands_nothing(void **state)
{
	(void)state;
	check("$HOME ~ * ${x} `id` $(id)", "<$HOME><~><*><${x}><`id`><$(id)>");
	check("a;b | c > d & #e", "<a;b><|><c><>><d><&><#e>");
}

static void
test_refuses_open_ends(void **state)
{
	(void)state;
	refuse(slice_of("a 'b"), "quote that is not closed");
	refuse(slice_of("a \"b"), "quote that is not closed");
	refuse(slice_of("a \"b\\\""), "quote that is not closed");
	refuse(slice_of("a \\"), "backslash at the end");
	refuse(slice_make("a\0b", 3), "NUL byte");
}

static void
test_bounds_the_words(void **state)
{
	struct buf text = { 0 };
	struct words words = { 0 };

	(void)state;
	for (int i = 0; i < WORDS_MAX; i++)
		buf_puts(&text, "w ");
	assert_int_equal(words_split(&words, slice_of(buf_str(&text)), NULL),
	    0);
	assert_int_equal(words.count, WORDS_MAX);
	words_free(&words);
	buf_puts(&text, "w");
	refuse(slice_of(buf_str(&text)), "too many words");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits_at_blanks),
		cmocka_unit_test(test_takes_quotes),
		cmocka_unit_test(test_takes_backslashes),
		cmocka_unit_test(test_keeps_backslashes_in_quotes),
		cmocka_unit_test(test_expands_nothing),
		cmocka_unit_test(test_refuses_open_ends),
		cmocka_unit_test(test_bounds_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
