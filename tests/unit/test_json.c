/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static struct json *
parse(const char *text)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	if (json_parse(&doc, text, strlen(text), &err) != 0)
		fail_msg("%s: %s", text, err.msg);
	assert_non_null(doc);
	return doc;
}

static void
refuse(const char *text, size_t len)
{
	struct json *untouched = parse("[]");
	struct json *doc = untouched;
	struct err err = { 0 };

	if (json_parse(&doc, text, len, &err) == 0)
		fail_msg("taken: %s", text);
	assert_ptr_equal(doc, untouched);
	json_free(untouched);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
	assert_memory_equal(err.msg, "bad JSON: ", 10);
}

static void
add(struct json *to, const char *key, const char *value)
{
	assert_int_equal(json_add(to, key, parse(value)), 0);
}

static void
assert_printed(const struct json *doc, const char *wanted)
{
	struct buf out = { 0 };

	assert_int_equal(json_print(&out, doc), 0);
	assert_string_equal(buf_str(&out), wanted);
	buf_free(&out);
}

static void
test_reads_along_a_path(void **state)
{
	struct json *doc = parse(" {\"Credentials\":{\"AccessKeyId\":\"AKID\","
	                         "\"Age\":-1.5e3,\"Ok\":true},\"N\":null}\n");
	const struct json *cred = json_get(doc, "Credentials");
	double number = 0;
	bool yes = false;

	(void)state;
	assert_string_equal(json_text(cred, "AccessKeyId"), "AKID");
	assert_true(json_number(cred, "Age", &number));
	assert_true(number > -1500.5 && number < -1499.5);
	assert_true(json_bool(cred, "Ok", &yes));
	assert_true(yes);
	assert_true(json_is_null(json_get(doc, "N")));
	json_free(doc);
}

static void
test_absent_or_other_type_gives_nothing(void **state)
{
	struct json *doc = parse("{\"s\":\"x\",\"n\":1,\"b\":false,\"a\":[]}");
	double number = 7;
	bool yes = true;

	(void)state;
	assert_null(json_get(NULL, "s"));
	assert_null(json_get(doc, "absent"));
	assert_null(json_text(doc, "n"));
	assert_null(json_text(json_get(doc, "absent"), "x"));
	assert_null(json_text(json_get(doc, "s"), "x"));
	assert_null(json_get(json_get(doc, "a"), "x"));
	assert_false(json_number(doc, "s", &number));
	assert_false(json_bool(doc, "n", &yes));
	assert_true(number > 6);
	assert_true(yes);
	assert_null(json_string(NULL));
	assert_null(json_name(NULL));
	assert_null(json_first(NULL));
	assert_null(json_first(json_get(doc, "s")));
	assert_null(json_first(json_get(doc, "a")));
	assert_null(json_next(NULL));
	assert_false(json_is_object(NULL));
	assert_false(json_is_array(doc));
	assert_false(json_is_null(NULL));
	json_free(doc);
	json_free(NULL);
}

static void
test_names_differ_by_letter_case(void **state)
{
	struct json *doc = parse("{\"token\":\"a\",\"Token\":\"b\"}");

	(void)state;
	assert_string_equal(json_text(doc, "Token"), "b");
	assert_null(json_text(doc, "TOKEN"));
	json_free(doc);
}

static void
test_first_of_two_members_counts(void **state)
{
	struct json *doc = parse("{\"a\":\"1\",\"a\":\"2\"}");

	(void)state;
	assert_string_equal(json_text(doc, "a"), "1");
	json_free(doc);
}

static void
test_walks_lists_in_order(void **state)
{
	struct json *doc = parse("{\"x\":[\"a\",\"b\"],\"y\":2}");
	const struct json *member = json_first(doc);
	const struct json *item = json_first(member);

	(void)state;
	assert_string_equal(json_name(member), "x");
	assert_true(json_is_array(member));
	assert_string_equal(json_string(item), "a");
	assert_null(json_name(item));
	item = json_next(item);
	assert_string_equal(json_string(item), "b");
	assert_null(json_next(item));
	assert_string_equal(json_name(json_next(member)), "y");
	json_free(doc);
}

static void
test_strings_are_unescaped(void **state)
{
	struct json *doc = parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4"
	                         "\\ud83d\\ude00 \\\\u0000\"]");

	(void)state;
	assert_string_equal(json_string(json_first(doc)),
	    "\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80 \\u0000");
	json_free(doc);
}

static void
test_refuses_what_is_not_one_value(void **state)
{
	static const char *const bad[] = { "", " ", "{", "}", "[1,]", "{\"a\"}",
		"{\"a\":}", "{a:1}", "{'a':1}", "[1 2]", "nul", "True",
		"\"open", "\"\\", "\"\\x\"", "{} {}", "1 2", "[]x", "{}\v",
		"[1\f]", "/* c */ 1", "\xef\xbb\xbf{}", "-", "[\"\\u12\"]",
		"\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refuse(bad[i], strlen(bad[i]));
	refuse("{}\0", 3);
	refuse("\0", 1);
}

static void
test_refuses_text_that_a_string_would_hide(void **state)
{
	static const char *const bad[] = { "\"a\\u0000b\"", "\"\\u0000\"",
		"{\"a\\u0000\":1}", "[\"\\\\\\u0000\"]", "\"a\nb\"", "\"a\tb\"",
		"\"\x1f\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
		"\"\xc0\x80\"" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refuse(bad[i], strlen(bad[i]));
	refuse("\"a\0b\"", 5);
}

static void
nest(char *text, size_t depth)
{
	memset(text, '[', depth);
	memset(&text[depth], ']', depth);
	text[2 * depth] = '\0';
}

static void
test_nesting_ends_at_32(void **state)
{
	static char text[200001];
	struct json *doc;

	(void)state;
	nest(text, JSON_DEPTH_MAX);
	doc = parse(text);
	assert_printed(doc, text);
	json_free(doc);
	nest(text, JSON_DEPTH_MAX + 1);
	refuse(text, strlen(text));
	nest(text, 100000);
	refuse(text, strlen(text));
	memset(text, '{', 100000);
	refuse(text, 100000);
	/* Brackets in strings do not nest, and closed ones do not count. */
	doc = parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"");
	json_free(doc);
	doc = parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
	            "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
	json_free(doc);
}

static void
test_text_ends_where_its_length_says(void **state)
{
	struct json *doc = NULL;

	(void)state;
	assert_int_equal(json_parse(&doc, "[1]]]", 3, NULL), 0);
	assert_printed(doc, "[1]");
	json_free(doc);
	refuse("[1]", 2);
	refuse("\"ab\"", 3);
}

static void
test_builds_and_prints(void **state)
{
	struct json *doc = parse("{}");
	struct json *list = parse("[]");

	(void)state;
	add(doc, "t", "\"a\\\"b\\\\\\n\\u0001\xc3\xa4/\"");
	add(doc, "n", "3");
	add(doc, "b", "false");
	add(list, NULL, "\"x\"");
	add(list, NULL, "true");
	assert_int_equal(json_add(doc, "l", list), 0);
	add(doc, "o", "{}");
	assert_printed(doc, "{\"t\":\"a\\\"b\\\\\\n\\u0001\xc3\xa4/\",\"n\":3,"
	                    "\"b\":false,\"l\":[\"x\",true],\"o\":{}}");
	json_free(doc);
}

static void
test_pretty_is_indented_by_tabs(void **state)
{
	struct json *doc = parse("{\"a\":[1,{\"b\":null}],\"c\":{},\"d\":[]}");
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(json_print_pretty(&out, doc), 0);
	assert_string_equal(buf_str(&out),
	    "{\n\t\"a\":\t[1, {\n\t\t\t\"b\":\tnull\n\t\t}],\n"
	    "\t\"c\":\t{\n\t},\n\t\"d\":\t[]\n}");
	buf_free(&out);
	json_free(doc);
}

static void
test_prints_numbers_exactly(void **state)
{
	static const char *const numbers[] = { "0", "-1", "1700000000",
		"999999999999999", "1234567890123456", "9007199254740991",
		"9007199254740992", "-9007199254740991", "0.1", "1.5", "1e+300",
		"2.2250738585072014e-308", "0.30000000000000004" };

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct json *doc = parse(numbers[i]);

		assert_printed(doc, numbers[i]);
		json_free(doc);
	}
}

static void
test_number_that_is_not_finite_becomes_null(void **state)
{
	struct json *doc = parse("{\"a\":1e999}");
	struct buf out = { 0 };
	double number = 7;

	(void)state;
	assert_false(json_number(doc, "a", &number));
	assert_int_equal(json_print(&out, doc), 0);
	assert_string_equal(buf_str(&out), "{\"a\":null}");
	buf_free(&out);
	json_free(doc);
}

static void
test_add_replaces_all_of_the_same_name(void **state)
{
	struct json *doc = parse("{\"x\":1,\"a\":1,\"y\":2,\"a\":2,\"A\":3,"
	                         "\"a\":{}}");

	(void)state;
	add(doc, "a", "\"new\"");
	assert_printed(doc, "{\"x\":1,\"a\":\"new\",\"y\":2,\"A\":3}");
	json_free(doc);
}

static void
test_add_refuses_the_wrong_kind_of_list(void **state)
{
	struct json *doc = parse("{\"s\":1}");
	struct json *list = parse("[]");

	(void)state;
	assert_int_equal(json_add(doc, NULL, parse("\"x\"")), -1);
	assert_int_equal(json_add(list, "key", parse("\"x\"")), -1);
	assert_int_equal(json_add(NULL, "key", parse("\"x\"")), -1);
	assert_int_equal(json_add(doc, "k", NULL), -1);
	assert_printed(doc, "{\"s\":1}");
	assert_printed(list, "[]");
	json_free(list);
	json_free(doc);
}

static void
test_append_keeps_members_of_the_same_name(void **state)
{
	struct json *doc = json_new('{', NULL);
	struct json *list = json_new('[', NULL);

	(void)state;
	assert_int_equal(json_append(doc, "a", json_new('"', "x")), 0);
	assert_int_equal(json_append(doc, "a", json_new('"', "y")), 0);
	assert_int_equal(json_append(list, NULL, json_new('{', NULL)), 0);
	assert_int_equal(json_append(list, "key", json_new('"', "")), -1);
	assert_int_equal(json_append(doc, "l", list), 0);
	assert_int_equal(json_append(doc, "n", NULL), -1);
	assert_string_equal(json_text(doc, "a"), "x");
	assert_printed(doc, "{\"a\":\"x\",\"a\":\"y\",\"l\":[{}]}");
	json_free(doc);
}

static void
test_detached_member_outlives_its_object(void **state)
{
	struct json *doc = parse("{\"a\":{\"b\":1},\"c\":2}");
	struct json *member = json_detach(doc, "a");

	(void)state;
	assert_printed(doc, "{\"c\":2}");
	assert_null(json_detach(doc, "a"));
	assert_null(json_detach(doc, NULL));
	assert_null(json_detach(NULL, "a"));
	json_free(doc);
	assert_printed(member, "{\"b\":1}");
	json_free(member);
}

static void
test_object_in_finds_or_makes(void **state)
{
	struct json *doc = parse("{\"o\":{\"k\":1},\"s\":\"\",\"o\":{}}");
	struct json *made;

	(void)state;
	add(json_object_in(doc, "o"), "b", "true");
	made = json_object_in(doc, "new");
	assert_non_null(made);
	assert_ptr_equal(json_object_in(doc, "new"), made);
	assert_null(json_object_in(doc, "s"));
	assert_null(json_object_in(NULL, "s"));
	assert_printed(doc,
	    "{\"o\":{\"k\":1,\"b\":true},\"s\":\"\",\"new\":{}}");
	json_free(doc);
}

static void
test_print_respects_the_ceiling(void **state)
{
	struct json *doc = parse("[\"0123456789\"]");
	struct buf fits = { .max = 14 };
	struct buf small = { .max = 13 };

	(void)state;
	assert_int_equal(json_print(&fits, doc), 0);
	assert_int_equal(json_print(&small, doc), -1);
	assert_int_equal(small.len, 0);
	assert_int_equal(json_print(&small, NULL), -1);
	buf_free(&fits);
	buf_free(&small);
	json_free(doc);
}

static void
test_quote_replaces_what_is_not_utf8(void **state)
{
	struct buf out = { 0 };

	(void)state;
	json_quote(&out, "a\xff\xc3(\xe2\x82\xf0\x9f\x98\x80\x7f\r");
	assert_string_equal(buf_str(&out),
	    "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd"
	    "\xf0\x9f\x98\x80\\u007f\\u000d\"");
	buf_free(&out);
}

/* What a terminal would obey, or show in another order. */
static void
test_quote_hides_what_a_terminal_obeys(void **state)
{
	struct buf out = { 0 };

	(void)state;
	json_quote(&out,
	    "\x1b[m\xc2\x9b\xc2\xa0\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xaa"
	    "\xe2\x81\xa9\xe2\x80\xac");
	assert_string_equal(buf_str(&out),
	    "\"\\u001b[m\\u009b\xc2\xa0\\u202e\\u2066\xe2\x81\xaa"
	    "\\u2069\\u202c\"");
	buf_free(&out);
}

/* Two bytes a value: a text that was taken may not fill the memory. */
static void
test_too_many_values(void **state)
{
	enum { LENGTH = 4 * 1024 * 1024 };
	char *text = malloc(LENGTH);
	struct json *doc = NULL;
	struct err err = { 0 };

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < LENGTH; i++)
		text[i] = ",1"[i % 2];
	text[0] = '[';
	text[LENGTH - 2] = ' ';
	text[LENGTH - 1] = ']';
	text[LENGTH - 3] = '1';
	assert_int_equal(json_parse(&doc, text, LENGTH, &err), -1);
	assert_string_equal(err.msg, "bad JSON: too many values");
	/* What it took is free again. */
	text[20000] = ']';
	assert_int_equal(json_parse(&doc, text, 20001, NULL), 0);
	json_free(doc);
	/* Long texts are few values. */
	(void)memset(text, 'a', LENGTH);
	text[0] = text[LENGTH - 1] = '"';
	assert_int_equal(json_parse(&doc, text, LENGTH, NULL), 0);
	json_free(doc);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_along_a_path),
		cmocka_unit_test(test_absent_or_other_type_gives_nothing),
		cmocka_unit_test(test_names_differ_by_letter_case),
		cmocka_unit_test(test_first_of_two_members_counts),
		cmocka_unit_test(test_walks_lists_in_order),
		cmocka_unit_test(test_strings_are_unescaped),
		cmocka_unit_test(test_refuses_what_is_not_one_value),
		cmocka_unit_test(test_refuses_text_that_a_string_would_hide),
		cmocka_unit_test(test_nesting_ends_at_32),
		cmocka_unit_test(test_text_ends_where_its_length_says),
		cmocka_unit_test(test_builds_and_prints),
		cmocka_unit_test(test_pretty_is_indented_by_tabs),
		cmocka_unit_test(test_prints_numbers_exactly),
		cmocka_unit_test(test_number_that_is_not_finite_becomes_null),
		cmocka_unit_test(test_add_replaces_all_of_the_same_name),
		cmocka_unit_test(test_add_refuses_the_wrong_kind_of_list),
		cmocka_unit_test(test_append_keeps_members_of_the_same_name),
		cmocka_unit_test(test_detached_member_outlives_its_object),
		cmocka_unit_test(test_object_in_finds_or_makes),
		cmocka_unit_test(test_print_respects_the_ceiling),
		cmocka_unit_test(test_quote_replaces_what_is_not_utf8),
		cmocka_unit_test(test_quote_hides_what_a_terminal_obeys),
		cmocka_unit_test(test_too_many_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
