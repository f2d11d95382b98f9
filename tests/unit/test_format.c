#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/format.h"

enum { SIZE = 24 };

/* Ours and the C library's say the same, cut alike. */
#define assert_alike(...)                                                   \
	do {                                                                \
		char ours[SIZE], theirs[SIZE];                              \
		size_t len = format_text(ours, SIZE, __VA_ARGS__);          \
                                                                            \
		assert_int_equal(len, snprintf(theirs, SIZE, __VA_ARGS__)); \
		assert_string_equal(ours, theirs);                          \
	} while (0)

static void
test_numbers(void **state)
{
	(void)state;
	assert_alike("%d %d", 0, -5);
	assert_alike("%lld", INT64_MIN + 0LL);
	assert_alike("%ld", 1234567890123L);
	assert_alike("%zu", SIZE_MAX);
	assert_alike("%u", 4000000000U);
	assert_alike("%x %02X", 0xabcU, 10U);
	assert_alike("%016llx", 0x1234ULL);
}

static void
test_widths(void **state)
{
	(void)state;
	assert_alike("%5d|", -5);
	assert_alike("%-5d|", -5);
	assert_alike("%05d|", -5);
	assert_alike("%03d|", -1234);
	assert_alike("%04ld|", 7L);
	assert_alike("%-8s|", "ab");
	assert_alike("%*s|", 6, "ab");
	assert_alike("%-*s|", 5, "ab");
	assert_alike("%1s|", "abc");
}

static void
test_texts(void **state)
{
	/* There is no NUL behind what may be read. */
	static const char three[3] = { 'x', 'y', 'z' };

	(void)state;
	assert_alike("%s%s", "", "abc");
	assert_alike("%.2s|", "abc");
	assert_alike("%.*s|", 3, three);
	assert_alike("%.*s|", -1, "xyz");
	assert_alike("%c%%", 'x');
	assert_alike("plain");
}

static void
test_cuts_at_the_end(void **state)
{
	char out[4] = "???";

	(void)state;
	assert_int_equal(format_text(out, sizeof out, "%s", "abcd"), 4);
	assert_string_equal(out, "abc");
	out[0] = '?';
	assert_int_equal(format_text(out, 0, "%d", 12345), 5);
	assert_string_equal(out, "?bc");
	assert_int_equal(format_text(NULL, 0, "%d", 12345), 5);
	assert_int_equal(format_text(out, 1, "%d", 12345), 5);
	assert_string_equal(out, "");
	assert_int_equal(format_text(out, sizeof out, "%d", 12345), 5);
	assert_string_equal(out, "123");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cuts_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
