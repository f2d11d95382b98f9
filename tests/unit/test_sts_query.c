/* SPDX-License-Identifier: MIT */
/* JSON to the Query protocol's forms, and its answers to JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/api.h"
#include "aws/sts.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static struct err failure;

static int
form(const char *text, struct buf *out)
{
	struct json *doc = NULL;
	int rc;

	assert_int_equal(json_parse(&doc, text, strlen(text), &failure), 0);
	rc = sts_form(out, doc, &failure);
	json_free(doc);
	return rc;
}

static void
form_is(const char *text, const char *expected)
{
	struct buf out = { 0 };

	assert_int_equal(form(text, &out), 0);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void
no_form(const char *text, const char *name)
{
	struct buf out = { 0 };

	assert_int_equal(form(text, &out), -1);
	assert_int_equal(failure.kind, ERR_KIND_PARAM_VALIDATION);
	assert_non_null(strstr(failure.msg, name));
	err_clear(&failure);
	buf_free(&out);
}

static void
test_forms(void **state)
{
	(void)state;
	form_is("{}", "");
	form_is("{\"RoleArn\":\"arn:aws:iam::1:role/r\","
	        "\"DurationSeconds\":900}",
	    "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&DurationSeconds=900");
	form_is("{\"A\":true,\"B\":false,\"C\":\"\"}", "A=true&B=false&C=");
	form_is("{\"T\":\"a b+c&d=e%\\u00e9~\"}",
	    "T=a%20b%2Bc%26d%3De%25%C3%A9~");
	form_is("{\"N\":-1.5,\"M\":9007199254740992}",
	    "N=-1.5&M=9007199254740992");
	form_is("{\"a&b\":\"c\"}", "a%26b=c");
}

static void
test_parameters_that_cannot_be_sent(void **state)
{
	(void)state;
	no_form("{\"Tags\":[1]}", "Tags");
	no_form("{\"A\":\"x\",\"Policy\":{}}", "Policy");
	no_form("{\"Nothing\":null}", "Nothing");
}

static int
answer(const char *xml, struct json **out)
{
	struct api_reply reply = { .status = 200 };
	int rc;

	buf_puts(&reply.body, xml);
	assert_true(buf_ok(&reply.body));
	rc = sts_answer(&reply, out, &failure);
	api_reply_free(&reply);
	return rc;
}

static void
answer_is(const char *xml, const char *expected)
{
	struct json *doc = NULL;
	struct buf text = { 0 };

	if (answer(xml, &doc) != 0)
		fail_msg("%s", failure.msg);
	assert_int_equal(json_print(&text, doc), 0);
	assert_string_equal(buf_str(&text), expected);
	buf_free(&text);
	json_free(doc);
}

static void
no_answer(const char *xml)
{
	struct json *doc = NULL;

	err_clear(&failure);
	if (answer(xml, &doc) == 0)
		fail_msg("taken: %s", xml);
	assert_int_equal(failure.kind, ERR_KIND_PARSE);
	assert_null(doc);
	err_clear(&failure);
}

static void
test_answers(void **state)
{
	(void)state;
	answer_is("<?xml version=\"1.0\"?><GetCallerIdentityResponse xmlns="
	          "\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
	          "  <GetCallerIdentityResult>\n"
	          "    <Arn>arn:aws:sts::1:assumed-role/a&amp;b/c</Arn>\n"
	          "    <UserId>A:c</UserId><Account>1</Account>\n"
	          "  </GetCallerIdentityResult>\n"
	          "  <ResponseMetadata><RequestId>x</RequestId>"
	          "</ResponseMetadata>\n"
	          "</GetCallerIdentityResponse>\n",
	    "{\"Arn\":\"arn:aws:sts::1:assumed-role/a&b/c\","
	    "\"UserId\":\"A:c\",\"Account\":\"1\"}");
	answer_is("<R><OpResult><A><B><C>1</C></B></A><D/></OpResult></R>",
	    "{\"A\":{\"B\":{\"C\":\"1\"}},\"D\":\"\"}");
	answer_is("<R><OpResult><T>a<![CDATA[<b>]]>&#x63;</T></OpResult></R>",
	    "{\"T\":\"a<b>c\"}");
}

static void
test_lists(void **state)
{
	(void)state;
	answer_is("<R><OpResult><L><member>1</member><member>2</member></L>"
	          "</OpResult></R>",
	    "{\"L\":[\"1\",\"2\"]}");
	answer_is("<R><OpResult><L><member><K>a</K></member>"
	          "<member><K>b</K></member></L></OpResult></R>",
	    "{\"L\":[{\"K\":\"a\"},{\"K\":\"b\"}]}");
	answer_is("<R><OpResult><L><member><member>x</member></member></L>"
	          "</OpResult></R>",
	    "{\"L\":[[\"x\"]]}");
}

static void
test_answers_without_a_result(void **state)
{
	(void)state;
	answer_is("<R/>", "{}");
	answer_is("<R>text</R>", "{}");
	answer_is("<R><OpResult/></R>", "{}");
	answer_is("<R><ResponseMetadata><RequestId>x</RequestId>"
	          "</ResponseMetadata></R>",
	    "{}");
}

static void
test_broken_answers(void **state)
{
	(void)state;
	no_answer("");
	no_answer("{\"json\":1}");
	no_answer("<R>");
	no_answer("<R><OpResult></R></OpResult>");
	no_answer("<R><OpResult><A>&unknown;</A></OpResult></R>");
	no_answer("<!DOCTYPE r [<!ENTITY e \"x\">]><R>&e;</R>");
	no_answer("<R/><R/>");
}

/* It is AWS that broke its protocol, not we who have no memory. */
static void
test_members_beside_others(void **state)
{
	(void)state;
	no_answer("<R><OpResult><L><member>1</member><K>2</K></L></OpResult>"
	          "</R>");
	no_answer("<R><OpResult><L><K>2</K><member>1</member></L></OpResult>"
	          "</R>");
}

static void
nested(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_puts(out, i == 1 ? "<OpResult>" : "<a>");
	for (int i = depth; i-- > 0;)
		buf_puts(out, i == 1 ? "</OpResult>" : "</a>");
}

static void
test_depth_is_limited_as_in_json(void **state)
{
	struct buf good = { 0 }, deep = { 0 };
	struct json *doc = NULL;

	(void)state;
	/* JSON is printed and read once more, with the same limit. */
	nested(&good, XML_DEPTH_MAX);
	assert_int_equal(answer(buf_str(&good), &doc), 0);
	json_free(doc);
	nested(&deep, XML_DEPTH_MAX + 1);
	no_answer(buf_str(&deep));
	buf_free(&good);
	buf_free(&deep);
}

static void
name_of(size_t len, struct buf *out)
{
	buf_puts(out, "<R><OpResult><");
	for (size_t i = 0; i < len; i++)
		buf_putc(out, 'n');
	buf_puts(out, "/></OpResult></R>");
}

static void
test_length_of_a_name(void **state)
{
	struct buf good = { 0 }, bad = { 0 };
	struct json *doc = NULL;

	(void)state;
	name_of(127, &good);
	assert_int_equal(answer(buf_str(&good), &doc), 0);
	json_free(doc);
	name_of(128, &bad);
	no_answer(buf_str(&bad));
	buf_free(&good);
	buf_free(&bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_parameters_that_cannot_be_sent),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_answers_without_a_result),
		cmocka_unit_test(test_broken_answers),
		cmocka_unit_test(test_members_beside_others),
		cmocka_unit_test(test_depth_is_limited_as_in_json),
		cmocka_unit_test(test_length_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
