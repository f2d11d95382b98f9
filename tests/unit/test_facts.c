/* SPDX-License-Identifier: MIT */
/* What a node tells of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "serve/facts.h"

static void
expect(const char *text, const char *platform, const char *version)
{
	struct facts facts;

	facts_platform(&facts, slice_of(text));
	assert_string_equal(facts.platform, platform);
	assert_string_equal(facts.version, version);
}

static void
test_platform(void **state)
{
	(void)state;
	expect("NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\n",
	    "Alpine Linux", "3.20.3");
	expect("NAME='x'\r\nVERSION_ID=\"12\"", "x", "12");
	expect("", "Linux", "NotAvailable");
	expect("NAME=\nVERSION_ID=\"\"\n", "Linux", "NotAvailable");
	expect("NAME=\"\nPRETTY_NAME=y\n", "\"", "NotAvailable");
	expect("NAME=\xff\xfe\n", "Linux", "NotAvailable");
}

static void
test_always_an_address(void **state)
{
	struct facts facts;

	(void)state;
	facts_gather(&facts);
	assert_true(facts.address[0] != '\0');
	assert_true(facts.platform[0] != '\0');
	assert_true(facts.computer[0] != '\0');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_platform),
		cmocka_unit_test(test_always_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
