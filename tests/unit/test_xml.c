/* SPDX-License-Identifier: MIT */
/* The XML that STS writes, and what it is not allowed to write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

/* What is at the path of names "a/b", or NULL. */
static const struct json *
look_up(const struct json *doc, const char *path)
{
	struct slice rest = slice_of(path), one;
	char name[64];

	while (slice_cut(&rest, '/', &one)) {
		assert_true(slice_copy(one, name, sizeof name));
		doc = json_get(doc, name);
	}
	return doc;
}

static void
found(const char *text, const char *path, const char *want)
{
	struct json *doc = NULL;
	struct err err = { 0 };
	const char *got;

	if (xml_parse(&doc, slice_of(text), &err) != 0)
		fail_msg("%s: %s", text, err.msg);
	got = json_string(look_up(doc, path));
	assert_non_null(got);
	assert_string_equal(got, want);
	json_free(doc);
}

static void
absent(const char *text, const char *path)
{
	struct json *doc = NULL;

	assert_int_equal(xml_parse(&doc, slice_of(text), NULL), 0);
	assert_null(look_up(doc, path));
	json_free(doc);
}

static void
refused(const char *text)
{
	struct json *doc = NULL;
	struct err err = { 0 };

	if (xml_parse(&doc, slice_of(text), &err) != -1)
		fail_msg("accepted: %s", text);
	assert_null(doc);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
}

/* The whole document, as JSON. */
static void
becomes(const char *text, const char *want)
{
	struct json *doc = NULL;
	struct buf out = { 0 };

	assert_int_equal(xml_parse(&doc, slice_of(text), NULL), 0);
	assert_int_equal(json_print(&out, doc), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
	json_free(doc);
}

static void
test_finds(void **state)
{
	(void)state;
	found("<a><b>x</b></a>", "a/b", "x");
	found("<?xml version=\"1.0\"?>\n<a xmlns=\"u\">\r\n <b>x</b>\n</a>\n",
	    "a/b", "x");
	found("<n:a><n:b k='>' l=\"/\">x</n:b ></n:a>", "a/b", "x");
	found("<a><c><b>no</b></c><b>yes</b><b>late</b></a>", "a/b", "yes");
	found("<a><b/><c>x</c></a>", "a/b", "");
	found("<a><b></b></a>", "a/b", "");
	found("<a><!-- <b>no</b> --><b>y<!-- - -->es</b></a>", "a/b", "yes");
	found("<a><b><![CDATA[<&>]]></b></a>", "a/b", "<&>");
	found("<a><b><?pi x?>x</b></a>", "a/b", "x");
	found("<a>x</a>", "a", "x");
	absent("<a><c>x</c></a>", "a/b");
	absent("<b><b>x</b></b>", "a/b");
	absent("<a><c><b>x</b></c></a>", "a/b");
	absent("<a/>", "a/b");
}

static void
test_decodes(void **state)
{
	(void)state;
	found("<a><b>&lt;&gt;&amp;&quot;&apos;</b></a>", "a/b", "<>&\"'");
	found("<a><b>&#65;&#x42;&#xe9;&#8364;&#x1F600;</b></a>", "a/b",
	    "AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	found("<a><b>&amp;lt;</b></a>", "a/b", "&lt;");
	refused("<a><b>&nbsp;</b></a>");
	refused("<a><b>&</b></a>");
	refused("<a><b>&;</b></a>");
	refused("<a><b>&#0;</b></a>");
	refused("<a><b>&#x110000;</b></a>");
	refused("<a><b>&#xd800;</b></a>");
	refused("<a><b>&#-1;</b></a>");
	refused("<a><b>&#x;</b></a>");
	refused("<a><b>&#99999999999;</b></a>");
	refused("<a><b>&lt</b></a>");
}

static void
test_refuses(void **state)
{
	(void)state;
	refused("");
	refused("   ");
	refused("text");
	refused("<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>");
	refused("<a><!DOCTYPE b></a>");
	refused("<a><b>x</b>");
	refused("<a><b>x</a></b>");
	refused("<a><b>x</b></a><c/>");
	refused("<a><b>x</b></a>text");
	refused("</a>");
	refused("<a");
	refused("<a b=\"></a>");
	refused("<a <b>></a>");
	refused("<a><!-- </a>");
	refused("<a><![CDATA[ </a>");
	refused("<![CDATA[x]]>");
	refused("<a><?x </a>");
	refused("< a></a>");
	refused("<></>");
	refused("<a></a b='c'>");
}

static void
test_depth_is_bounded(void **state)
{
	struct buf doc = { 0 };

	(void)state;
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		buf_puts(&doc, "<a>");
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		buf_puts(&doc, "</a>");
	absent(buf_str(&doc), "a/b");
	buf_cut(&doc, 0);
	for (int i = 0; i <= XML_DEPTH_MAX; i++)
		buf_puts(&doc, "<a>");
	refused(buf_str(&doc));
	buf_free(&doc);
}

static void
test_shapes(void **state)
{
	(void)state;
	becomes("<a> <b>x</b> <c><d/></c> </a>",
	    "{\"a\":{\"b\":\"x\",\"c\":{\"d\":\"\"}}}");
	becomes("<a><b><member>1</member><member><c>2</c></member></b></a>",
	    "{\"a\":{\"b\":[\"1\",{\"c\":\"2\"}]}}");
	becomes("<a>x<b>inner</b>y</a>", "{\"a\":{\"b\":\"inner\"}}");
	becomes("<a>\" \\ &#10;\xc3\xa9</a>",
	    "{\"a\":\"\\\" \\\\ \\n\xc3\xa9\"}");
	becomes("<member>x</member>", "{\"member\":\"x\"}");
}

static void
test_other_bytes(void **state)
{
	static const char nul[] = "<a>x\0y</a>";
	struct json *doc = NULL;
	struct buf name = { 0 };

	(void)state;
	assert_int_equal(xml_parse(&doc, slice_make(nul, sizeof nul - 1), NULL),
	    -1);
	refused("<a>\xe9</a>");
	buf_puts(&name, "<");
	for (int i = 0; i < 200; i++)
		buf_putc(&name, 'n');
	buf_puts(&name, "/>");
	refused(buf_str(&name));
	buf_free(&name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_decodes),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
