/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/ini.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "unit/strict_ini.h"

/* The value after parsing; "refused: MESSAGE" when the text is refused. */
static const char *
value_of(const char *text, const char *section, const char *key,
    const char *sub)
{
	static char out[ERR_MSG_MAX + 16];
	struct ini ini = { 0 };
	struct err err = { 0 };
	const char *value;

	if (strict_ini_parse(&ini, slice_of(text), &err) != 0) {
		assert_int_equal(err.kind, ERR_KIND_CONFIG);
		assert_null(ini.sections);
		snprintf(out, sizeof out, "refused: %s", err.msg);
		return out;
	}
	value = ini_value(ini_section(&ini, section), key, sub);
	snprintf(out, sizeof out, "%s", value != NULL ? value : "(none)");
	ini_free(&ini);
	return out;
}

static void
check_line(const char *line, const char *key, const char *value)
{
	char text[512];

	snprintf(text, sizeof text, "[s]\n%s\n", line);
	assert_string_equal(value_of(text, "s", key, NULL), value);
}

static void
check_refused(const char *text, const char *message)
{
	char expected[256];

	snprintf(expected, sizeof expected, "refused: %s", message);
	assert_string_equal(value_of(text, "s", "k", NULL), expected);
}

static void
test_trims_and_lowers_keys(void **state)
{
	(void)state;
	check_line("k=v", "k", "v");
	check_line("k \t = \t v w \t", "k", "v w");
	check_line("AWS_Key = Value", "aws_key", "Value");
	check_line("two words = v", "two words", "v");
	check_line("k =", "k", "");
}

static void
test_keeps_the_value_as_it_is(void **state)
{
	(void)state;
	check_line("k = a=b=c", "k", "a=b=c");
	check_line("k = \"quoted\"", "k", "\"quoted\"");
	check_line("k = 'q", "k", "'q");
	check_line("k = %(x)s $HOME ${HOME}", "k", "%(x)s $HOME ${HOME}");
	check_line("k = a\\b", "k", "a\\b");
	check_line("k = [x]", "k", "[x]");
	check_line("k = \xc3\xbc", "k", "\xc3\xbc");
}

static void
test_strips_comments(void **state)
{
	(void)state;
	check_line("# k = w\n  ; k = w\nk = v", "k", "v");
	check_line("k = v # text", "k", "v");
	check_line("k = v\t; text", "k", "v");
	check_line("k = v#1;2", "k", "v#1;2");
	check_line("k = # text", "k", "");
	check_line("k =#v", "k", "#v");
}

static void
test_reads_section_headers(void **state)
{
	(void)state;
	assert_string_equal(value_of("[a]\nk=1\n[b]\nk=2", "b", "k", NULL),
	    "2");
	assert_string_equal(value_of("[ \t a b ]\nk=1", "a b", "k", NULL), "1");
	assert_string_equal(value_of("[a] # see [1]\nk=1", "a", "k", NULL),
	    "1");
	assert_string_equal(value_of("[a]; x\nk=1", "a", "k", NULL), "1");
	assert_string_equal(value_of("  [a]\nk=1", "a", "k", NULL), "1");
	assert_string_equal(value_of("[A]\nk=1", "a", "k", NULL), "(none)");
	assert_string_equal(value_of("[DEFAULT]\nk=1\n[a]\nj=2", "a", "k",
	                        NULL),
	    "(none)");
}

static void
test_refuses_broken_headers(void **state)
{
	(void)state;
	check_refused("[s\nk=v", "line 1: '[' without ']'");
	check_refused("\n[s] x\nk=v", "line 2: text after ']'");
	check_refused("[]\nk=v", "line 1: section without a name");
	check_refused("[ \t]\nk=v", "line 1: section without a name");
	check_refused("[s]\nk=v\n[t]\n[s]", "line 4: section appears twice");
	check_refused("[s]\n[ s ]", "line 2: section appears twice");
}

static void
test_refuses_broken_lines(void **state)
{
	(void)state;
	check_refused("k=v\n[s]", "line 1: key before any section");
	check_refused("[s]\nAKIDSECRET", "line 2: key without '='");
	check_refused("[s]\n= v", "line 2: '=' without a key");
	check_refused("[s]\nk: v", "line 2: key without '='");
	check_refused("[s]\nk: v=w",
	    "line 2: ':' in a key (write key = value)");
	check_refused("[s]\nk=v\nK = w", "line 3: key appears twice");
}

/* A line that is indented deeper than the key before it belongs to it. */
static void
test_reads_sub_keys(void **state)
{
	static const char text[] = "[s]\n"
	                           "ssm =\n"
	                           "  Endpoint_URL = http://a # c\n"
	                           "  # comment\n"
	                           "\n"
	                           "\tother = 1\n"
	                           "sts = # nothing\n"
	                           "  endpoint_url = http://b\n"
	                           "plain = x\n";

	(void)state;
	assert_string_equal(value_of(text, "s", "ssm", NULL), "");
	assert_string_equal(value_of(text, "s", "ssm", "endpoint_url"),
	    "http://a");
	assert_string_equal(value_of(text, "s", "ssm", "other"), "1");
	assert_string_equal(value_of(text, "s", "sts", "endpoint_url"),
	    "http://b");
	assert_string_equal(value_of(text, "s", "plain", NULL), "x");
	/* They never become keys of the section. */
	assert_string_equal(value_of(text, "s", "endpoint_url", NULL),
	    "(none)");
	assert_string_equal(value_of(text, "s", "other", NULL), "(none)");
}

static void
test_judges_indented_lines(void **state)
{
	(void)state;
	assert_string_equal(value_of("[s]\n  k = v\n  j = w", "s", "j", NULL),
	    "w");
	assert_string_equal(value_of("[s]\n  k = v\nj = w", "s", "j", NULL),
	    "w");
	assert_string_equal(value_of("[a]\nb =\n[s]\n  k = v", "s", "k", NULL),
	    "v");
	check_refused("[s]\nk = v\n  more",
	    "line 3: indented line after a key with a value");
	check_refused("[s]\nk = v\n  j = w",
	    "line 3: indented line after a key with a value");
	check_refused("[s]\nk =\n  more", "line 3: key without '='");
	check_refused("[s]\nk =\n  [t]", "line 3: key without '='");
	check_refused("[s]\nk =\n  a = 1\n  A = 2",
	    "line 4: key appears twice");
}

static void
test_takes_every_line_end(void **state)
{
	static const char text[] = "[s]\r\nk = v \r\n\r\n[t]\rk = w\rj = x\n";

	(void)state;
	assert_string_equal(value_of(text, "s", "k", NULL), "v");
	assert_string_equal(value_of(text, "t", "k", NULL), "w");
	assert_string_equal(value_of(text, "t", "j", NULL), "x");
	check_refused("[s]\r\n\r\rbad", "line 4: key without '='");
}

static void
test_checks_the_encoding(void **state)
{
	(void)state;
	assert_string_equal(value_of("\xef\xbb\xbf[s]\nk=v", "s", "k", NULL),
	    "v");
	check_refused("[s]\nk=\xff", "line 2: invalid UTF-8");
	check_refused("[s]\n# \xc3(", "line 2: invalid UTF-8");
	check_refused("[s]\n\xef\xbb\xbfk", "line 2: key without '='");
}

static void
test_refuses_nul(void **state)
{
	static const char text[] = "[s]\nk = a\0b\n";
	struct ini ini = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(strict_ini_parse(&ini,
	                     slice_make(text, sizeof text - 1), &err),
	    -1);
	assert_string_equal(err.msg, "line 2: NUL byte");
}

static void
test_takes_the_empty_text(void **state)
{
	struct ini ini = { 0 };

	(void)state;
	assert_int_equal(strict_ini_parse(&ini, slice_of(NULL), NULL), 0);
	assert_int_equal(ini.count, 0);
	assert_null(ini_section(&ini, "s"));
	assert_null(ini_value(NULL, "k", NULL));
	ini_free(&ini);
}

/* head, then n times the line with its number, gives this message. */
static void
check_many(const char *head, const char *line, int n, const char *message)
{
	struct buf text = { .max = INI_TEXT_MAX + 16 };
	struct ini ini = { 0 };
	struct err err = { 0 };
	int rc;

	buf_puts(&text, head);
	for (int i = 0; i < n; i++)
		buf_printf(&text, "%s%d%s", line, i,
		    line[0] == '[' ? "]\n" : "=v\n");
	rc = strict_ini_parse(&ini, slice_make(buf_str(&text), text.len), &err);
	assert_int_equal(rc, message != NULL ? -1 : 0);
	if (message != NULL)
		assert_string_equal(err.msg, message);
	ini_free(&ini);
	buf_free(&text);
}

static void
test_bounds_the_counts(void **state)
{
	(void)state;
	check_many("[s]\n", "k", INI_SECTION_KEYS_MAX, NULL);
	check_many("[s]\n", "k", INI_SECTION_KEYS_MAX + 1,
	    "line 1026: too many keys");
	check_many("", "[s", INI_SECTIONS_MAX, NULL);
	check_many("", "[s", INI_SECTIONS_MAX + 1,
	    "line 4097: too many sections");
}

static void
test_bounds_the_size(void **state)
{
	struct buf text = { .max = INI_TEXT_MAX + 16 };
	struct ini ini = { 0 };
	struct err err = { 0 };

	(void)state;
	buf_puts(&text, "[s]\nk=v\n#");
	while (text.len < INI_TEXT_MAX)
		buf_putc(&text, 'x');
	assert_int_equal(strict_ini_parse(&ini, slice_make(text.data, text.len),
	                     NULL),
	    0);
	assert_string_equal(ini_value(ini_section(&ini, "s"), "k", NULL), "v");
	ini_free(&ini);
	buf_putc(&text, 'x');
	assert_int_equal(strict_ini_parse(&ini, slice_make(text.data, text.len),
	                     &err),
	    -1);
	assert_string_equal(err.msg, "file is over 1 MiB");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trims_and_lowers_keys),
		cmocka_unit_test(test_keeps_the_value_as_it_is),
		cmocka_unit_test(test_strips_comments),
		cmocka_unit_test(test_reads_section_headers),
		cmocka_unit_test(test_refuses_broken_headers),
		cmocka_unit_test(test_refuses_broken_lines),
		cmocka_unit_test(test_reads_sub_keys),
		cmocka_unit_test(test_judges_indented_lines),
		cmocka_unit_test(test_takes_every_line_end),
		cmocka_unit_test(test_checks_the_encoding),
		cmocka_unit_test(test_refuses_nul),
		cmocka_unit_test(test_takes_the_empty_text),
		cmocka_unit_test(test_bounds_the_counts),
		cmocka_unit_test(test_bounds_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
