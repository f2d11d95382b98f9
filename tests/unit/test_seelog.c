/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/seelog.h"
#include "base/buf.h"
#include "base/err.h"

enum { PATH_SIZE = 64 };

static void
test_what_is_made_is_found(void **state)
{
	static const char *const files[] = { "/var/lib/ssm-activate/agent.log",
		"/a b/<\"x'>&&amp;/agent.log", "/x" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct buf text = { 0 };
		struct err err = { 0 };
		char path[PATH_SIZE];

		assert_int_equal(seelog_make(&text, files[i], &err), 0);
		assert_true(seelog_is_made(slice_of(buf_str(&text))));
		assert_non_null(strstr(buf_str(&text), "type=\"sync\""));
		assert_non_null(strstr(buf_str(&text), "<console/>"));
		assert_int_equal(seelog_find(slice_of(buf_str(&text)), path,
		                     sizeof path, &err),
		    0);
		assert_string_equal(path, files[i]);
		buf_free(&text);
	}
	assert_false(seelog_is_made(slice_of("<seelog/>")));
	assert_false(seelog_is_made(slice_of("")));
}

static void
test_finds_the_file(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "<seelog><outputs><rollingfile type=\"size\" "
		  "filename=\"/var/log/x.log\" maxsize=\"3\"/>"
		  "<filter levels=\"error\"><rollingfile type=\"size\" "
		  "filename=\"/var/log/errors.log\"/></filter></outputs>"
		  "</seelog>",
		    "/var/log/x.log" },
		{ "<outputs><filter><rollingfile filename='/l/errors.log'/>"
		  "</filter><file path='/proc/1/fd/1'/></outputs>",
		    "/proc/1/fd/1" },
		{ "<!-- <file path=\"/not\"/> --><file\n\tpath = \"a.log\" />",
		    "/a.log" },
		{ "<seelog minlevel=\"debug\"><file xpath=\"/a\" "
		  "path=\"/b\"/>",
		    "/b" },
		{ "<file path=\"/1\"/><file path=\"/2\"/>", "/1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		char path[PATH_SIZE];

		assert_int_equal(seelog_find(slice_of(cases[i].text), path,
		                     sizeof path, &err),
		    0);
		assert_string_equal(path, cases[i].path);
	}
}

static void
test_says_why_there_is_none(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "no file" },
		{ "<seelog/>", "no file" },
		{ "<outputs><console/></outputs>", "no file" },
		{ "<files path=\"/a\"/><file path=\"\"/><file path=/a/>",
		    "no file" },
		{ "<!-- <file path=\"/a\"/>", "no file" },
		{ "<file path=\"/a", "no file" },
		{ "<file path=\"/a&x;\"/><file path=\"/&#0;\"/>", "no file" },
		{ "<file path=\"/0123456789012345678901234567890123456789"
		  "012345678901234567890123456789\"/>",
		    "no file" },
		{ "<seelog minlevel=\"error\"><file path=\"/a\"/>",
		    "minlevel" },
		{ "<seelog minlevel='off'>", "minlevel" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { 0 };
		char path[PATH_SIZE];

		assert_int_equal(seelog_find(slice_of(cases[i].text), path,
		                     sizeof path, &err),
		    -1);
		assert_non_null(strstr(err.msg, cases[i].why));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_made_is_found),
		cmocka_unit_test(test_finds_the_file),
		cmocka_unit_test(test_says_why_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
