/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

static void
assert_slice(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_true(slice_eq(s, text));
}

static void
test_zero_is_empty(void **state)
{
	struct slice none = { 0 };
	struct slice piece;
	char out[2] = "x";
	char *copy;

	(void)state;
	assert_slice(slice_of(NULL), "");
	assert_true(slice_same(none, slice_of("")));
	assert_true(slice_eq(none, NULL));
	assert_true(slice_eq_nocase(none, ""));
	assert_true(slice_starts(none, ""));
	assert_true(slice_ends(none, ""));
	assert_false(slice_has(none, '\0'));
	assert_false(slice_cut(&none, ',', &piece));
	assert_false(slice_line(&none, &piece));
	assert_int_equal(slice_find(none, ""), 0);
	assert_int_equal(slice_find(none, "a"), -1);
	assert_slice(slice_trim(slice_skip(slice_head(none, 1), 1)), "");
	assert_true(slice_utf8(none));
	assert_true(slice_copy(none, out, sizeof out));
	assert_string_equal(out, "");
	copy = slice_dup(none);
	assert_string_equal(copy, "");
	free(copy);
}

static void
test_cut_gives_the_pieces_in_order(void **state)
{
	struct slice rest = slice_of("a,,bc,");
	struct slice piece;

	(void)state;
	assert_true(slice_cut(&rest, ',', &piece));
	assert_slice(piece, "a");
	assert_true(slice_cut(&rest, ',', &piece));
	assert_slice(piece, "");
	assert_true(slice_cut(&rest, ',', &piece));
	assert_slice(piece, "bc");
	assert_false(slice_cut(&rest, ',', &piece));
	assert_slice(piece, "");
	assert_slice(rest, "");
}

static void
test_cut_gives_one_empty_piece_for_a_lone_separator(void **state)
{
	struct slice rest = slice_of(",");
	struct slice piece = slice_of("x");

	(void)state;
	assert_true(slice_cut(&rest, ',', &piece));
	assert_slice(piece, "");
	assert_false(slice_cut(&rest, ',', &piece));
}

static void
test_split_takes_the_first_and_rsplit_the_last(void **state)
{
	struct slice head = slice_of("h");
	struct slice tail = slice_of("t");

	(void)state;
	assert_false(slice_split(slice_of("abc"), '/', &head, &tail));
	assert_false(slice_rsplit(slice_of("abc"), '/', &head, &tail));
	assert_slice(head, "h");
	assert_slice(tail, "t");
	assert_true(slice_split(slice_of("a/b/c"), '/', &head, &tail));
	assert_slice(head, "a");
	assert_slice(tail, "b/c");
	assert_true(slice_rsplit(slice_of("a/b/c"), '/', &head, &tail));
	assert_slice(head, "a/b");
	assert_slice(tail, "c");
	assert_true(slice_split(slice_of("/"), '/', &head, &tail));
	assert_slice(head, "");
	assert_slice(tail, "");
	assert_true(slice_rsplit(slice_of("/x/"), '/', &head, &tail));
	assert_slice(head, "/x");
	assert_slice(tail, "");
}

static void
test_lines_end_with_lf_crlf_or_cr(void **state)
{
	static const char *const lines[] = { "a", "b", "c", "", "d" };
	struct slice rest = slice_of("a\nb\r\nc\r\rd");
	struct slice line;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		assert_true(slice_line(&rest, &line));
		assert_slice(line, lines[i]);
	}
	assert_false(slice_line(&rest, &line));
	rest = slice_of("x\n");
	assert_true(slice_line(&rest, &line));
	assert_false(slice_line(&rest, &line));
}

static void
test_trim_takes_blanks_and_tabs_only(void **state)
{
	(void)state;
	assert_slice(slice_trim(slice_of(" \t a b\t ")), "a b");
	assert_slice(slice_trim(slice_of(" \n ")), "\n");
	assert_slice(slice_trim(slice_of(" \t")), "");
}

static void
test_skip_and_head_stop_at_the_end(void **state)
{
	struct slice s = slice_of("abc");

	(void)state;
	assert_slice(slice_skip(s, 1), "bc");
	assert_slice(slice_skip(s, 3), "");
	assert_slice(slice_skip(s, SIZE_MAX), "");
	assert_slice(slice_head(s, 2), "ab");
	assert_slice(slice_head(s, SIZE_MAX), "abc");
}

static void
test_compares_whole_texts(void **state)
{
	struct slice s = slice_of("Host");

	(void)state;
	assert_true(slice_eq(s, "Host"));
	assert_false(slice_eq(s, "host"));
	assert_false(slice_eq(s, "Hos"));
	assert_false(slice_eq(s, "Hosts"));
	assert_true(slice_eq_nocase(s, "hOST"));
	assert_false(slice_eq_nocase(s, "hOS"));
	assert_false(slice_eq_nocase(slice_of("@"), "`"));
	assert_false(slice_eq(slice_make("a\0b", 3), "a"));
	assert_true(slice_starts(s, "Ho"));
	assert_false(slice_starts(s, "ho"));
	assert_false(slice_starts(s, "Hosts"));
	assert_true(slice_ends(s, "st"));
	assert_false(slice_ends(s, "Ho"));
	assert_false(slice_ends(s, "aHost"));
	assert_true(slice_has(s, 's'));
	assert_false(slice_has(s, '\0'));
}

static void
test_all_in_wants_at_least_one_byte(void **state)
{
	(void)state;
	assert_true(slice_all_in(slice_of("0aF"), "0123456789abcdefABCDEF"));
	assert_false(slice_all_in(slice_of("0g"), "0123456789abcdef"));
	assert_false(slice_all_in(slice_of(""), "0"));
	assert_false(slice_all_in(slice_make("\0", 1), "0"));
}

static void
test_find_gives_the_first_place(void **state)
{
	struct slice s = slice_of("aabaab");

	(void)state;
	assert_int_equal(slice_find(s, "ab"), 1);
	assert_int_equal(slice_find(s, "aabaab"), 0);
	assert_int_equal(slice_find(s, "baa"), 2);
	assert_int_equal(slice_find(s, ""), 0);
	assert_int_equal(slice_find(s, "abb"), -1);
	assert_int_equal(slice_find(s, "aabaaba"), -1);
	/* The end of a slice is not the end of the text. */
	assert_int_equal(slice_find(slice_head(s, 2), "ab"), -1);
}

static void
test_number_is_digits_up_to_max(void **state)
{
	uint64_t value = 7;

	(void)state;
	assert_false(slice_u64(slice_of(""), 9, &value));
	assert_false(slice_u64(slice_of("-1"), 9, &value));
	assert_false(slice_u64(slice_of("+1"), 9, &value));
	assert_false(slice_u64(slice_of(" 1"), 9, &value));
	assert_false(slice_u64(slice_of("1x"), 99, &value));
	assert_false(slice_u64(slice_of("0x1"), 99, &value));
	assert_false(slice_u64(slice_of("6"), 5, &value));
	assert_false(slice_u64(slice_of("9"), 5, &value));
	assert_false(slice_u64(slice_of("65536"), 65535, &value));
	assert_false(slice_u64(slice_of("18446744073709551616"), UINT64_MAX,
	    &value));
	assert_false(slice_u64(slice_of("99999999999999999999"), UINT64_MAX,
	    &value));
	assert_int_equal(value, 7);
	assert_true(slice_u64(slice_of("0"), 0, &value));
	assert_int_equal(value, 0);
	assert_true(slice_u64(slice_of("0065535"), 65535, &value));
	assert_int_equal(value, 65535);
	assert_true(slice_u64(slice_of("18446744073709551615"), UINT64_MAX,
	    &value));
	assert_true(value == UINT64_MAX);
}

static void
test_copy_refuses_what_does_not_fit(void **state)
{
	char out[4] = "zzz";
	char *copy;

	(void)state;
	assert_false(slice_copy(slice_of("abc"), out, 0));
	assert_string_equal(out, "zzz");
	assert_true(slice_copy(slice_of("abc"), out, sizeof out));
	assert_string_equal(out, "abc");
	assert_false(slice_copy(slice_of("abcd"), out, sizeof out));
	assert_string_equal(out, "");
	assert_false(slice_copy(slice_make("a\0b", 3), out, sizeof out));
	assert_string_equal(out, "");
	copy = slice_dup(slice_make("abcdef", 3));
	assert_string_equal(copy, "abc");
	free(copy);
}

static void
test_utf8_takes_the_edges_of_each_length(void **state)
{
	static const char *const good[] = { "", "a\x7f", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(slice_utf8(slice_of(good[i])));
}

static void
test_utf8_refuses_overlong_surrogate_and_broken(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(",
		"\xe2\x82(", "\xe2(\xac", "\xf0\x9f\x98(" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(slice_utf8(slice_of(bad[i])));
	/* The missing byte lies behind the end. */
	assert_false(slice_utf8(slice_make("\xc3\xbc", 1)));
}

static void
test_printable(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
		{ "", 0 },
		{ "a", 1 },
		{ "\x1f", 0 },
		{ "\x7f", 0 },
		{ "\xc2\x80", 0 },
		{ "\xc2\x9f", 0 },
		{ "\xc2\xa0", 2 },
		{ "\xe2\x80\xa9", 3 },
		{ "\xe2\x80\xaa\xe2\x80\xac", 0 },
		{ "\xe2\x80\xae\xe2\x80\xac", 0 },
		{ "\xe2\x80\xaf", 3 },
		{ "\xe2\x81\xa5", 3 },
		{ "\xe2\x81\xa6\xe2\x81\xa9", 0 },
		{ "\xe2\x81\xa9", 0 },
		{ "\xe2\x81\xaa", 3 },
		{ "\xe2\x80", 0 },
		{ "\xf0\x9f\x98\x80x", 4 },
		{ "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(slice_printable(slice_of(rows[i].text)),
		    rows[i].len);
}

static void
test_glob(void **state)
{
	static const struct {
		const char *text, *pattern;
		bool fits;
	} cases[] = {
		{ "", "", true },
		{ "", "*", true },
		{ "", "?", false },
		{ "a", "", false },
		{ "web/app/01", "web/app/01", true },
		{ "web/app/01", "web/app/0", false },
		{ "web/app/01", "web/app/012", false },
		{ "web/app/01", "web/*", true },
		{ "web/app/01", "*/01", true },
		{ "web/app/01", "*app*", true },
		{ "web/app/01", "w?b/*/??", true },
		{ "web/app/01", "w*x*", false },
		{ "aab", "*ab", true },
		{ "abab", "*ab*ab", true },
		{ "abab", "*ab*ab*ab", false },
		{ "ab", "**b", true },
		{ "[a]", "[a]", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool fits = slice_glob(slice_of(cases[i].text),
		    slice_of(cases[i].pattern));

		if (fits != cases[i].fits)
			fail_msg("%s, %s", cases[i].text, cases[i].pattern);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_is_empty),
		cmocka_unit_test(test_cut_gives_the_pieces_in_order),
		cmocka_unit_test(
		    test_cut_gives_one_empty_piece_for_a_lone_separator),
		cmocka_unit_test(
		    test_split_takes_the_first_and_rsplit_the_last),
		cmocka_unit_test(test_lines_end_with_lf_crlf_or_cr),
		cmocka_unit_test(test_trim_takes_blanks_and_tabs_only),
		cmocka_unit_test(test_skip_and_head_stop_at_the_end),
		cmocka_unit_test(test_compares_whole_texts),
		cmocka_unit_test(test_all_in_wants_at_least_one_byte),
		cmocka_unit_test(test_find_gives_the_first_place),
		cmocka_unit_test(test_number_is_digits_up_to_max),
		cmocka_unit_test(test_copy_refuses_what_does_not_fit),
		cmocka_unit_test(test_utf8_takes_the_edges_of_each_length),
		cmocka_unit_test(
		    test_utf8_refuses_overlong_surrogate_and_broken),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
