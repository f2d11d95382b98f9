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

static void
found(const char *doc, const char *path, const char *want)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	if (xml_find(slice_of(doc), path, &out, &err) != 0)
		fail_msg("%s: %s", doc, err.msg);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
absent(const char *doc, const char *path)
{
	struct buf out = { 0 };

	assert_int_equal(xml_find(slice_of(doc), path, &out, NULL), 1);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void
refused(const char *doc)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	if (xml_find(slice_of(doc), "a/b", &out, &err) != -1)
		fail_msg("accepted: %s", doc);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
	buf_free(&out);
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
	found("<a><b>x<c>inner</c>y</b></a>", "a/b", "xy");
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
test_text_is_bounded(void **state)
{
	struct buf out = { .max = 4 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(xml_find(slice_of("<a><b>12345</b></a>"), "a/b", &out,
	                     &err),
	    -1);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_decodes),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_text_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
