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
#define ASSERT_ALIKE(...)                                                   \
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
	ASSERT_ALIKE("%d %d", 0, -5);
	ASSERT_ALIKE("%lld", -9223372036854775807LL - 1);
	ASSERT_ALIKE("%ld", 1234567890123L);
	ASSERT_ALIKE("%zu", SIZE_MAX);
	ASSERT_ALIKE("%u", 4000000000U);
	ASSERT_ALIKE("%x %02X", 0xabcU, 10U);
	ASSERT_ALIKE("%016llx", 0x1234ULL);
}

static void
test_widths(void **state)
{
	(void)state;
	ASSERT_ALIKE("%5d|", -5);
	ASSERT_ALIKE("%-5d|", -5);
	ASSERT_ALIKE("%05d|", -5);
	ASSERT_ALIKE("%03d|", -1234);
	ASSERT_ALIKE("%04ld|", 7L);
	ASSERT_ALIKE("%-8s|", "ab");
	ASSERT_ALIKE("%*s|", 6, "ab");
	ASSERT_ALIKE("%-*s|", 5, "ab");
	ASSERT_ALIKE("%1s|", "abc");
}

static void
test_texts(void **state)
{
	/* There is no NUL behind what may be read. */
	static const char three[3] = { 'x', 'y', 'z' };

	(void)state;
	ASSERT_ALIKE("%s%s", "", "abc");
	ASSERT_ALIKE("%.2s|", "abc");
	ASSERT_ALIKE("%.*s|", 3, three);
	ASSERT_ALIKE("%.*s|", -1, "xyz");
	ASSERT_ALIKE("%c%%", 'x');
	ASSERT_ALIKE("plain");
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
