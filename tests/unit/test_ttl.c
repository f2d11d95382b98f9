/* SPDX-License-Identifier: MIT */
/* How long a node may live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keep/ttl.h"
#include "settings/config.h"

enum { TTL_MS = 60000, GRACE_MS = 5000 };

static const struct config cfg = { .ttl_ms = TTL_MS, .ttl_grace_ms = GRACE_MS };

static void
test_no_ttl_never_ends(void **state)
{
	const struct config none = { .ttl_grace_ms = GRACE_MS };
	struct ttl ttl = { 0 };

	(void)state;
	assert_false(ttl_over(&ttl));
	ttl_begin(&ttl, &none, "mi-1");
	assert_int_equal(ttl.next, 0);
	assert_int_equal(ttl.until, 0);
	assert_false(ttl_over(&ttl));
}

static void
test_counts_from_when_it_is_up(void **state)
{
	struct ttl ttl = { 0 };
	int64_t before = clock_ms(), now = clock_now();

	(void)state;
	ttl_begin(&ttl, &cfg, "mi-1");
	assert_true(ttl.next >= before + TTL_MS &&
	            ttl.next <= clock_in(TTL_MS));
	assert_int_equal(ttl.latest, ttl.next + GRACE_MS);
	assert_in_range(ttl.until, now + TTL_MS / 1000,
	    clock_now() + TTL_MS / 1000);
	assert_false(ttl_over(&ttl));
}

/* It is told once, so that nobody waits for a time that has passed. */
static void
test_end_is_told_once(void **state)
{
	struct ttl ttl = { 0 };

	(void)state;
	ttl_begin(&ttl, &cfg, "mi-1");
	ttl.next = clock_ms();
	assert_true(ttl_over(&ttl));
	assert_int_equal(ttl.next, 0);
	assert_false(ttl_over(&ttl));
	assert_true(ttl.until > 0);
}

/* Somebody chose the end, which may be over by now; and cut it. */
static void
test_chosen_end(void **state)
{
	struct ttl ttl = { .asked = clock_now() + 600 };
	int64_t chosen = ttl.asked;

	(void)state;
	ttl_begin(&ttl, &cfg, "mi-1");
	assert_int_equal(ttl.until, chosen);
	assert_true(ttl.next > clock_in(590000) &&
	            ttl.next <= clock_in(600000));
	ttl_cut(&ttl, &cfg);
	assert_true(ttl.cut && ttl.next <= clock_ms());
	assert_true(ttl.latest <= clock_in(GRACE_MS));
	assert_true(ttl_over(&ttl));
	ttl = (struct ttl){ .asked = clock_now() - 5 };
	ttl_begin(&ttl, &cfg, "mi-1");
	assert_true(ttl_over(&ttl));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_ttl_never_ends),
		cmocka_unit_test(test_counts_from_when_it_is_up),
		cmocka_unit_test(test_end_is_told_once),
		cmocka_unit_test(test_chosen_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
