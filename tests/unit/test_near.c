/* SPDX-License-Identifier: MIT */
/* Which known word a wrong one was meant to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/near.h"

static const char *
nearest(const char *typed)
{
	static const char *const known[] = { "up", "down", "run", "status",
		"version", "ttl", "ttl-grace", "timeout" };
	struct near best = { 0 };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		near_try(&best, slice_of(typed), known[i]);
	return best.word;
}

static void
test_one_and_two_edits(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "statu", "status" },   /* one less */
		{ "statuss", "status" }, /* one more */
		{ "stqtus", "status" },  /* another */
		{ "sttaus", "status" },  /* swapped */
		{ "tsatsu", "status" },  /* swapped twice */
		{ "ststaus", "status" }, /* two of them */
		{ "pu", "up" },          /* half of a short word */
		{ "rum", "run" },        /* of three */
		{ "tll", "ttl" },
		{ "ttl-grcae", "ttl-grace" },
		{ "dwon", "down" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(nearest(cases[i].typed), cases[i].meant);
}

static void
test_the_nearest_wins_and_the_first_of_equals(void **state)
{
	struct near best = { 0 };

	(void)state;
	near_try(&best, slice_of("abcd"), "abxy");
	assert_string_equal(best.word, "abxy");
	near_try(&best, slice_of("abcd"), "abcx");
	assert_string_equal(best.word, "abcx");
	near_try(&best, slice_of("abcd"), "abce");
	assert_string_equal(best.word, "abcx");
	assert_int_equal(best.edits, 1);
}

static void
test_nothing_near(void **state)
{
	char text[NEAR_WORD + 2];

	(void)state;
	assert_null(nearest(""));
	assert_null(nearest("x"));
	assert_null(nearest("xy"));  /* two edits of two */
	assert_null(nearest("rxy")); /* two of three */
	assert_null(nearest("stxxxs"));
	assert_null(nearest("sta"));
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	for (size_t len = 0; len < sizeof text; len++)
		assert_null(nearest(&text[len]));
}

static void
test_the_longest_words(void **state)
{
	char text[NEAR_WORD + 2], known[NEAR_WORD + 2];
	struct near best = { 0 };

	(void)state;
	memset(text, 'a', sizeof text);
	memset(known, 'a', sizeof known);
	text[NEAR_WORD] = known[NEAR_WORD] = '\0';
	near_try(&best, slice_of(text), known);
	assert_ptr_equal(best.word, known);
	best = (struct near){ 0 };
	known[NEAR_WORD] = 'a';
	known[NEAR_WORD + 1] = '\0';
	near_try(&best, slice_of(text), known);
	assert_null(best.word);
	near_try(&best, slice_of(known), text);
	assert_null(best.word);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_and_two_edits),
		cmocka_unit_test(test_the_nearest_wins_and_the_first_of_equals),
		cmocka_unit_test(test_nothing_near),
		cmocka_unit_test(test_the_longest_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
