/* SPDX-License-Identifier: MIT */
/* Role, name and tags against the limits of the SSM model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "work/naming.h"

static struct err failure;
static char role[SSM_ROLE_MAX + 1];
static char name[NAMING_NAME_SIZE];
static struct naming_tags tags;

static const struct naming_words task = { .task = "0123abcd",
	.cluster = "prod",
	.family = "web",
	.container = "app",
	.hostname = "ip-10-0-0-1" };

/* n times the character, in one of a few texts. */
static char *
repeat(char c, size_t n)
{
	static char texts[4][1024];
	static size_t next;
	char *text = texts[next++ % 4];

	assert_true(n < sizeof texts[0]);
	memset(text, c, n);
	text[n] = '\0';
	return text;
}

static void
is_refused(int rc, const char *setting)
{
	assert_int_equal(rc, -1);
	assert_int_equal(failure.kind, ERR_KIND_INVALID_VALUE);
	if (strstr(failure.msg, setting) == NULL)
		fail_msg("no %s in: %s", setting, failure.msg);
	err_clear(&failure);
}

static void
role_is(const char *text, const char *expected)
{
	assert_int_equal(naming_role(role, text, &failure), 0);
	assert_string_equal(role, expected);
}

static void
no_role(const char *text)
{
	(void)strcpy(role, "before");
	is_refused(naming_role(role, text, &failure), "role");
	assert_string_equal(role, "before");
}

static void
test_roles(void **state)
{
	(void)state;
	role_is("Role", "Role");
	role_is("service-role/Role", "service-role/Role");
	role_is("/path/Role", "path/Role");
	role_is("a+b=c,d.e@f_g-h", "a+b=c,d.e@f_g-h");
	role_is("arn:aws:iam::123456789012:role/Role", "Role");
	role_is("arn:aws-cn:iam::123456789012:role/service-role/Role",
	    "service-role/Role");
}

static void
test_roles_that_are_none(void **state)
{
	(void)state;
	no_role("");
	no_role("/");
	no_role("a b");
	no_role("a:b");
	no_role("r\xc3\xb6le");
	no_role("role\n");
	no_role("arn:aws:iam::123456789012:user/Someone");
	no_role("arn:aws:iam::123456789012:role/");
	no_role("arn:");
}

static void
test_length_of_a_role(void **state)
{
	char arn[256];

	(void)state;
	role_is(repeat('r', SSM_ROLE_MAX), repeat('r', SSM_ROLE_MAX));
	no_role(repeat('r', SSM_ROLE_MAX + 1));
	snprintf(arn, sizeof arn, "arn:aws:iam::123456789012:role/%s",
	    repeat('r', SSM_ROLE_MAX));
	role_is(arn, repeat('r', SSM_ROLE_MAX));
}

static void
name_is(const char *template, const struct naming_words *words,
    const char *expected)
{
	assert_int_equal(naming_name(name, template, words, &failure), 0);
	assert_string_equal(name, expected);
}

static void
no_name(const char *template)
{
	(void)strcpy(name, "before");
	is_refused(naming_name(name, template, &task, &failure), "name ");
	assert_string_equal(name, "before");
}

static void
test_templates(void **state)
{
	const struct naming_words none = { "", "", "", "", "" };

	(void)state;
	name_is("plain", &task, "plain");
	name_is("{task}", &task, "0123abcd");
	name_is("{cluster}-{family}.{container}@{hostname}", &task,
	    "prod-web.app@ip-10-0-0-1");
	name_is("x{task}{task}y", &task, "x0123abcd0123abcdy");
	name_is("web {family}", &none, "web ");
	name_is("", &task, "");
	name_is("caf\xc3\xa9", &task, "caf\xc3\xa9");
}

static void
test_best_name_known(void **state)
{
	const struct naming_words host = { "", "", "", "", "box" };
	struct naming_words words = task;

	(void)state;
	name_is(NULL, &task, "web/app/0123abcd");
	words.container = "";
	name_is(NULL, &words, "web/0123abcd");
	name_is(NULL, &host, "box");
}

static void
test_words_that_do_not_exist(void **state)
{
	(void)state;
	no_name("{nonsense}");
	no_name("{}");
	no_name("{Task}");
	no_name("{task");
	no_name("task}");
	no_name("{{task}}");
	no_name("{task}{");
}

static void
test_characters_of_a_name(void **state)
{
	const struct naming_words odd = { .task = "a\tb",
		.cluster = "(c)",
		.family = "d\ne",
		.container = "{task}",
		.hostname = "h'\"" };

	(void)state;
	no_name("a\tb");
	no_name("a\nb");
	no_name("50%");
	no_name("it's");
	name_is("_.:/=+-@ aZ09", &task, "_.:/=+-@ aZ09");
	/* What came out of a word is cleaned, and not expanded again. */
	name_is("{task} {cluster} {family} {container} {hostname}", &odd,
	    "a-b -c- d-e -task- h--");
}

static void
test_length_of_a_name(void **state)
{
	struct naming_words words = task;

	(void)state;
	name_is(repeat('n', SSM_TEXT_MAX), &task, repeat('n', SSM_TEXT_MAX));
	no_name(repeat('n', SSM_TEXT_MAX + 1));
	/* Words may be longer: what comes out is cut. */
	words.task = repeat('t', SSM_TEXT_MAX);
	name_is("{task}x", &words, repeat('t', SSM_TEXT_MAX));
	words.task = repeat('t', SSM_TEXT_MAX + 100);
	name_is("{task}", &words, repeat('t', SSM_TEXT_MAX));
}

/* Half a character is nothing that JSON could carry. */
static void
test_name_is_cut_between_characters(void **state)
{
	struct naming_words words = task;
	char text[SSM_TEXT_MAX + 4];

	(void)state;
	words.task = repeat('t', SSM_TEXT_MAX);
	name_is("{task}\xc3\xa9", &words, repeat('t', SSM_TEXT_MAX));
	words.task = repeat('t', SSM_TEXT_MAX - 1);
	snprintf(text, sizeof text, "%s\xe2\x82\xac", words.task);
	name_is("{task}\xe2\x82\xac\xe2\x82\xac", &words, text);
}

static int
parse(const char *text)
{
	memset(&tags, 0, sizeof tags);
	return naming_parse_tags(&tags, text, &failure);
}

static void
tag_is(size_t i, const char *key, const char *value)
{
	assert_true(i < tags.count);
	assert_string_equal(tags.list[i].key, key);
	assert_string_equal(tags.list[i].value, value);
}

static void
no_tags(const char *text)
{
	is_refused(parse(text), "tag ");
}

static void
test_tags(void **state)
{
	(void)state;
	assert_int_equal(parse("a=b"), 0);
	assert_int_equal(tags.count, 1);
	tag_is(0, "a", "b");
	assert_int_equal(parse(" Team = web shop ,b=x=y,,c.d:e=1,"), 0);
	assert_int_equal(tags.count, 3);
	tag_is(0, "Team", "web shop");
	tag_is(1, "b", "x=y");
	tag_is(2, "c.d:e", "1");
	assert_int_equal(parse(""), 0);
	assert_int_equal(tags.count, 0);
	assert_int_equal(parse("k\xc3\xa9y=v\xc3\xa4lue"), 0);
	tag_is(0, "k\xc3\xa9y", "v\xc3\xa4lue");
}

static void
test_tags_that_are_none(void **state)
{
	(void)state;
	no_tags("a");
	no_tags("=b");
	no_tags(" =b");
	no_tags("a=b,c");
	no_tags("a=b;c");
	no_tags("a=(b)");
	no_tags("a\tb=c");
	no_tags("a=b\nc");
	no_tags("a=b,a=c");
	no_tags("a=b, a =b");
}

/* The limits of AWS are characters, not bytes. */
static void
test_characters_of_utf8_count_once(void **state)
{
	static const char face[] = "\xf0\x9f\x98\x80";
	char text[2 + SSM_TEXT_SIZE + 4] = "k=", *wide = text + 2;
	size_t size = sizeof face - 1, i = 0;

	(void)state;
	for (; i < SSM_TEXT_MAX; i++)
		memcpy(wide + i * size, face, sizeof face);
	name_is(wide, &task, wide);
	assert_int_equal(parse(text), 0);
	tag_is(0, "k", wide);
	memcpy(wide + i * size, face, sizeof face);
	no_name(wide);
	no_tags(text);
	/* Bytes that continue nothing are no characters, and too many. */
	memset(wide, 0x80, i * size + 1);
	wide[i * size + 1] = '\0';
	no_name(wide);
}

/* A value may be empty (ssm, TagValue). */
static void
test_empty_values(void **state)
{
	(void)state;
	assert_int_equal(parse("a=,b=c"), 0);
	assert_int_equal(tags.count, 2);
	tag_is(0, "a", "");
	tag_is(1, "b", "c");
}

static void
test_lengths_of_tags(void **state)
{
	char text[1024];

	(void)state;
	snprintf(text, sizeof text, "%s=%s", repeat('k', NAMING_KEY_MAX),
	    repeat('v', SSM_TEXT_MAX));
	assert_int_equal(parse(text), 0);
	tag_is(0, repeat('k', NAMING_KEY_MAX), repeat('v', SSM_TEXT_MAX));
	snprintf(text, sizeof text, "%s=v", repeat('k', NAMING_KEY_MAX + 1));
	no_tags(text);
	snprintf(text, sizeof text, "k=%s", repeat('v', SSM_TEXT_MAX + 1));
	no_tags(text);
}

/* Add tags with keys and values of these lengths until one is refused. */
static size_t
add_until_full(size_t key_len, size_t value_len)
{
	size_t i = 0;

	memset(&tags, 0, sizeof tags);
	for (; i <= SSM_TAGS_MAX; i++) {
		char *key = repeat('k', key_len);

		key[0] = (char)('a' + i / 10);
		key[1] = (char)('0' + i % 10);
		if (naming_add_tag(&tags, slice_of(key),
		        slice_of(repeat('v', value_len)), 0, &failure) != 0)
			break;
		assert_int_equal(tags.count, i + 1);
	}
	is_refused(-1, "tag ");
	return i;
}

static void
test_number_of_tags(void **state)
{
	(void)state;
	assert_int_equal(add_until_full(2, 1), SSM_TAGS_MAX);
	tag_is(0, "a0", "v");
	tag_is(SSM_TAGS_MAX - 1, "e9", "v");
}

/* As many of the longest ones. */
static void
test_number_of_the_longest_tags(void **state)
{
	(void)state;
	assert_int_equal(add_until_full(NAMING_KEY_MAX, SSM_TEXT_MAX),
	    SSM_TAGS_MAX);
}

static void
test_values_are_cleaned_if_wanted(void **state)
{
	(void)state;
	memset(&tags, 0, sizeof tags);
	assert_int_equal(naming_add_tag(&tags, slice_of("k"),
	                     slice_of("a\tb(c)\n"), 1, &failure),
	    0);
	tag_is(0, "k", "a-b-c--");
	is_refused(naming_add_tag(&tags, slice_of("k\t"), slice_of("v"), 1,
	               &failure),
	    "tag ");
	is_refused(naming_add_tag(&tags, slice_of("k"), slice_of("v"), 1,
	               &failure),
	    "twice");
	assert_int_equal(tags.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_roles_that_are_none),
		cmocka_unit_test(test_length_of_a_role),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_best_name_known),
		cmocka_unit_test(test_words_that_do_not_exist),
		cmocka_unit_test(test_characters_of_a_name),
		cmocka_unit_test(test_length_of_a_name),
		cmocka_unit_test(test_name_is_cut_between_characters),
		cmocka_unit_test(test_characters_of_utf8_count_once),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_tags_that_are_none),
		cmocka_unit_test(test_empty_values),
		cmocka_unit_test(test_lengths_of_tags),
		cmocka_unit_test(test_number_of_tags),
		cmocka_unit_test(test_number_of_the_longest_tags),
		cmocka_unit_test(test_values_are_cleaned_if_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
