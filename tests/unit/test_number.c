#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"

enum { ROUNDS = 50000 };

static bool
is_same(double a, double b)
{
	uint64_t x, y;

	memcpy(&x, &a, sizeof x);
	memcpy(&y, &b, sizeof y);
	return x == y;
}

/* Our reading of a text is that of the C library, to the last bit. */
static void
assert_read(const char *text)
{
	char *ours = NULL, *theirs = NULL;
	double a = number_parse(text, &ours);
	double b = strtod(text, &theirs);

	if (!is_same(a, b) || ours != theirs)
		fail_msg("%s: %a, not %a", text, a, b);
}

static void
test_reads_like_strtod(void **state)
{
	static const char *const texts[] = { "0", "-0", "1.584E9",
		"1700000000.123", "0.1", "1e400", "-1e400", "1e-400",
		"4.9e-324", "2.5e-324", "2.4e-324", "1.7976931348623157e308",
		"1.7976931348623159e308", "2.2250738585072011e-308",
		"9007199254740993", "9007199254740995", "00012", "12x", "0.1e",
		"1e+", "-", "", "x", "0e99999999999", "1e99999999999",
		"123456789012345678901234567890123456789012345678901234567890",
		"0.00000000000000000000000000000000000000000000000000000012345",
		"100000000000000000000000000000000000000000000000000e-50" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_read(texts[i]);
}

static void
test_a_point_needs_digits(void **state)
{
	const char *text = "1.";
	char *end = NULL;

	(void)state;
	assert_true(is_same(number_parse(text, &end), 1));
	assert_string_equal(end, ".");
}

/* A generator of Marsaglia's (xorshift), for the same numbers every time. */
static double
next_number(uint64_t *seed, int round)
{
	double number = 0;

	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	if (round % 2 == 0)
		return (double)(*seed >> (*seed & 63)) / 1000;
	memcpy(&number, seed, sizeof number);
	return number;
}

static void
test_any_number_there_and_back(void **state)
{
	uint64_t seed = 88172645463325252;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		double number = next_number(&seed, i);
		struct buf out = { 0 };
		char text[64];

		if (!isfinite(number))
			continue;
		number_print(&out, number);
		assert_true(buf_ok(&out));
		assert_true(is_same(strtod(buf_str(&out), NULL), number));
		assert_read(buf_str(&out));
		(void)snprintf(text, sizeof text, "%.*e", i % 25, number);
		assert_read(text);
		buf_free(&out);
	}
}

static void
assert_printed(double number, const char *text)
{
	struct buf out = { 0 };

	number_print(&out, number);
	assert_string_equal(buf_str(&out), text);
	buf_free(&out);
}

static void
test_prints_the_shortest_form(void **state)
{
	(void)state;
	assert_printed(0, "0");
	assert_printed(-0.0, "-0");
	assert_printed(1, "1");
	assert_printed(-12.5, "-12.5");
	assert_printed(0.1, "0.1");
	assert_printed(0.1 + 0.2, "0.30000000000000004");
	assert_printed(1700000000.123, "1700000000.123");
	assert_printed(9007199254740992, "9007199254740992");
	assert_printed(1e16, "10000000000000000");
	assert_printed(1e17, "1e+17");
	assert_printed(1.5e300, "1.5e+300");
	assert_printed(0.00012, "0.00012");
	assert_printed(0.000012, "1.2e-05");
	assert_printed(4.9406564584124654e-324, "4.94065645841247e-324");
	assert_printed(1.7976931348623157e308, "1.7976931348623157e+308");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_like_strtod),
		cmocka_unit_test(test_a_point_needs_digits),
		cmocka_unit_test(test_any_number_there_and_back),
		cmocka_unit_test(test_prints_the_shortest_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
