/* Texts at half their size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/advice_table.h"
#include "base/buf.h"
#include "base/pack.h"
#include "base/version.h"

static void
expands_to(const struct pack *pack, const char *expected)
{
	struct buf out = { 0 };

	buf_puts(&out, "before ");
	pack_expand(&out, pack);
	assert_true(buf_ok(&out));
	assert_memory_equal(buf_str(&out), "before ", 7);
	assert_string_equal(buf_str(&out) + 7, expected);
	buf_free(&out);
}

static void
test_plain(void **state)
{
	static const unsigned char text[] = "no pairs";
	const struct pack pack = { text, sizeof text - 1, NULL };
	const struct pack none = { NULL, 0, NULL };

	(void)state;
	expands_to(&pack, "no pairs");
	expands_to(&none, "");
}

static void
test_pairs_in_order(void **state)
{
	static const unsigned char text[] = { '<', 130, 129, 128, '>' };
	static const unsigned char pairs[][2] = { { 'a', 'b' }, { 'c', 128 },
		{ 129, 129 } };
	const struct pack pack = { text, sizeof text, pairs };

	(void)state;
	expands_to(&pack, "<cabcabcabab>");
}

/* The longest chains there can be, to either side. */
static void
test_depth(void **state)
{
	unsigned char left[128][2] = { { 'x', 'y' } };
	unsigned char right[128][2] = { { 'x', 'y' } };
	const unsigned char last = 255;
	const struct pack to_left = { &last, 1, left };
	const struct pack to_right = { &last, 1, right };
	char expected[130];

	(void)state;
	for (size_t i = 1; i < 128; i++) {
		left[i][0] = right[i][1] = (unsigned char)(127 + i);
		left[i][1] = right[i][0] = 'z';
	}
	memset(expected, 'z', sizeof expected);
	memcpy(expected, "xy", 2);
	expected[129] = '\0';
	expands_to(&to_left, expected);
	memset(expected, 'z', 127);
	memcpy(&expected[127], "xy", 2);
	expands_to(&to_right, expected);
}

/* What the build packed comes out whole. */
static void
test_packed_by_the_build(void **state)
{
	struct buf out = { 0 };
	const char *text;

	(void)state;
	pack_expand(&out, &version_licenses);
	text = buf_str(&out);
	assert_ptr_equal(strstr(text, "BearSSL: Copyright (c) "), text);
	assert_string_equal(text + out.len - 10, "SOFTWARE.\n");
	buf_free(&out);
	pack_expand(&out, &advice_table);
	text = buf_str(&out);
	assert_ptr_equal(strstr(text, "AccessDenied "), text);
	assert_null(strchr(text, '\t'));
	assert_null(strchr(text, '#'));
	assert_null(strstr(text, "\n\n"));
	assert_int_equal(text[out.len - 1], '\n');
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_pairs_in_order),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_packed_by_the_build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
