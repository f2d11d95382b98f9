/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/rng.h"

enum { LARGE = 1 << 20, DRAWS = 4096 };

static void
test_fills_every_byte(void **state)
{
	static unsigned char data[LARGE];
	struct err err = { 0 };
	size_t seen[256] = { 0 };

	(void)state;
	assert_int_equal(rng_fill(data, sizeof data, &err), 0);
	for (size_t i = 0; i < sizeof data; i++)
		seen[data[i]]++;
	/* 4096 of each are expected; 3500 is nine deviations off. */
	for (size_t i = 0; i < 256; i++)
		assert_in_range(seen[i], 3500, 4700);
	assert_int_equal(rng_fill(NULL, 0, &err), 0);
	assert_int_equal(err.code, ERR_OK);
}

static void
test_stays_in_its_bounds(void **state)
{
	unsigned char data[34] = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(rng_fill(&data[1], 32, NULL), 0);
	assert_int_equal(data[0], 0);
	assert_int_equal(data[33], 0);
}

static void
test_uuid_has_the_form_of_version_4(void **state)
{
	char last[RNG_UUID_SIZE] = "";
	char uuid[RNG_UUID_SIZE];

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		assert_int_equal(rng_uuid(uuid, NULL), 0);
		assert_int_equal(strlen(uuid), 36);
		assert_int_equal(strspn(uuid, "0123456789abcdef-"), 36);
		assert_int_equal(uuid[8], '-');
		assert_int_equal(uuid[13], '-');
		assert_int_equal(uuid[18], '-');
		assert_int_equal(uuid[23], '-');
		assert_int_equal(uuid[14], '4');
		assert_non_null(strchr("89ab", uuid[19]));
		assert_string_not_equal(uuid, last);
		memcpy(last, uuid, sizeof last);
	}
}

static void
test_unit_is_spread_over_zero_to_one(void **state)
{
	bool seen[8] = { false };

	(void)state;
	for (int i = 0; i < DRAWS; i++) {
		double x = rng_unit();

		assert_true(x >= 0 && x < 1);
		seen[(size_t)(x * 8)] = true;
	}
	for (size_t i = 0; i < 8; i++)
		assert_true(seen[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_every_byte),
		cmocka_unit_test(test_stays_in_its_bounds),
		cmocka_unit_test(test_uuid_has_the_form_of_version_4),
		cmocka_unit_test(test_unit_is_spread_over_zero_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
