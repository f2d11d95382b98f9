/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"
#include "base/slice.h"

static void
assert_iso(const char *text, int64_t wanted)
{
	int64_t when = -1;

	assert_true(clock_parse_iso(slice_of(text), &when));
	assert_true(when == wanted);
}

static void
refuse_iso(const char *text)
{
	int64_t when = 4711;

	if (clock_parse_iso(slice_of(text), &when))
		fail_msg("taken: %s", text);
	assert_true(when == 4711);
}

static void
test_formats_known_times(void **state)
{
	static const struct {
		int64_t when;
		const char *basic;
		const char *iso;
	} rows[] = {
		{ 0, "19700101T000000Z", "1970-01-01T00:00:00Z" },
		{ 951782399, "20000228T235959Z", "2000-02-28T23:59:59Z" },
		{ 951868799, "20000229T235959Z", "2000-02-29T23:59:59Z" },
		{ 1440938160, "20150830T123600Z", "2015-08-30T12:36:00Z" },
		{ 2147483648, "20380119T031408Z", "2038-01-19T03:14:08Z" },
		{ 4107542400, "21000301T000000Z", "2100-03-01T00:00:00Z" },
		{ -1, "19691231T235959Z", "1969-12-31T23:59:59Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char basic[CLOCK_BASIC_SIZE];
		char iso[CLOCK_ISO_SIZE];

		clock_basic(rows[i].when, basic);
		clock_iso(rows[i].when, iso);
		assert_string_equal(basic, rows[i].basic);
		assert_string_equal(iso, rows[i].iso);
		assert_iso(rows[i].basic, rows[i].when);
		assert_iso(rows[i].iso, rows[i].when);
	}
}

static void
test_every_day_agrees_with_the_c_library(void **state)
{
	const int64_t last = 253402300799;

	(void)state;
	/* Steps of a day and a bit: every day of the years 1 to 9999. */
	for (int64_t when = -62135596800; when <= last; when += 86399) {
		time_t t = (time_t)when;
		char iso[CLOCK_ISO_SIZE];
		struct tm tm = { 0 };

		clock_iso(when, iso);
		(void)gmtime_r(&t, &tm);
		assert_int_equal((iso[0] - '0') * 1000 + (iso[1] - '0') * 100 +
		                     (iso[2] - '0') * 10 + iso[3] - '0',
		    tm.tm_year + 1900);
		assert_int_equal((iso[5] - '0') * 10 + iso[6] - '0',
		    tm.tm_mon + 1);
		assert_int_equal((iso[8] - '0') * 10 + iso[9] - '0',
		    tm.tm_mday);
		assert_iso(iso, when);
	}
}

static void
test_times_past_four_digits_are_clamped(void **state)
{
	char iso[CLOCK_ISO_SIZE];
	char basic[CLOCK_BASIC_SIZE];

	(void)state;
	clock_iso(INT64_MAX, iso);
	assert_string_equal(iso, "9999-12-31T23:59:59Z");
	clock_basic(253402300800, basic);
	assert_string_equal(basic, "99991231T235959Z");
	clock_iso(INT64_MIN, iso);
	assert_string_equal(iso, "0000-01-01T00:00:00Z");
	assert_iso("0000-01-01T00:00:00Z", -62167219200);
	assert_iso("9999-12-31T23:59:59Z", 253402300799);
}

static void
test_iso_takes_fractions_and_offsets(void **state)
{
	(void)state;
	assert_iso("2015-08-30T12:36:00.123456789Z", 1440938160);
	assert_iso("2015-08-30T12:36:00,5Z", 1440938160);
	assert_iso("2015-08-30t12:36:00z", 1440938160);
	assert_iso("2015-08-30T14:36:00+02:00", 1440938160);
	assert_iso("2015-08-30T14:36:00+0200", 1440938160);
	assert_iso("2015-08-30T14:36:00+02", 1440938160);
	assert_iso("2015-08-30T07:06:00.0-05:30", 1440938160);
	assert_iso("20150830T123600+0000", 1440938160);
	assert_iso("2016-01-01T00:00:00+23:59", 1451606400 - 86340);
	assert_iso("2000-02-29T00:00:00Z", 951782400);
}

/* As botocore takes them. */
static void
test_iso_takes_forms_of_other_programs(void **state)
{
	const int64_t when = 4075443113;

	(void)state;
	assert_iso("2099-02-22T11:31:53UTC", when);
	assert_iso("2099-02-22T11:31:53GMT", when);
	assert_iso("2099-02-22 11:31:53+00:00", when);
	assert_iso("2099-02-22 11:31:53 UTC", when);
	assert_iso("2099-02-22 11:31:53Z", when);
	assert_iso("2099-02-22 12:31:53.123 +0100", when);
	assert_iso("2099-02-22T11:31:53 Z", when);
}

static void
test_iso_refuses_fields_out_of_range(void **state)
{
	(void)state;
	refuse_iso("2015-00-30T12:36:00Z");
	refuse_iso("2015-13-30T12:36:00Z");
	refuse_iso("2015-08-00T12:36:00Z");
	refuse_iso("2015-08-32T12:36:00Z");
	refuse_iso("2015-04-31T12:36:00Z");
	refuse_iso("2015-02-29T12:36:00Z");
	refuse_iso("1900-02-29T12:36:00Z");
	refuse_iso("2015-08-30T24:00:00Z");
	refuse_iso("2015-08-30T12:60:00Z");
	refuse_iso("2015-08-30T12:36:60Z");
	refuse_iso("2015-08-30T12:36:00+24:00");
	refuse_iso("2015-08-30T12:36:00+02:60");
}

static void
test_iso_refuses_another_form(void **state)
{
	(void)state;
	refuse_iso("");
	refuse_iso("2015-08-30");
	refuse_iso("2015-08-30T12:36:00");
	refuse_iso("2015-08-30  12:36:00Z");
	refuse_iso("2015-08-30 12:36:00");
	refuse_iso("2015-08-30 12:36:00  Z");
	refuse_iso("2015-08-30 12:36:00 ");
	refuse_iso("2015-08-30T12:36:00UT");
	refuse_iso("2015-08-30T12:36:00utc");
	refuse_iso("2015-08-30T12:36:00EST");
	refuse_iso("2015-08-30T12:36:00UTC+1");
	refuse_iso("2015-08-30T12:36Z");
	refuse_iso("2015-08-30T12:36:00.Z");
	refuse_iso("2015-08-30T12:36:00ZZ");
	refuse_iso("2015-08-30T12:36:00Z ");
	refuse_iso(" 2015-08-30T12:36:00Z");
	refuse_iso("2015-0830T12:36:00Z");
	refuse_iso("20150830T12:36:00Z");
	refuse_iso("2015-08-30T123600Z");
	refuse_iso("2015-8-30T12:36:00Z");
	refuse_iso("+015-08-30T12:36:00Z");
	refuse_iso("2015-08-30T12:36:00+");
	refuse_iso("2015-08-30T12:36:00+2");
	refuse_iso("2015-08-30T12:36:00+02:");
	refuse_iso("2015-08-30T12:36:00+02:0");
	refuse_iso("2015-08-30T12:36:00-02:000");
	refuse_iso("1440938160");
}

static void
test_http_date_is_read(void **state)
{
	int64_t when = 0;

	(void)state;
	assert_true(clock_parse_http(slice_of("Sun, 06 Nov 1994 08:49:37 GMT"),
	    &when));
	assert_true(when == 784111777);
	assert_true(clock_parse_http(slice_of("Thu, 01 Jan 1970 00:00:00 GMT"),
	    &when));
	assert_true(when == 0);
	assert_true(clock_parse_http(slice_of("Thu, 29 Feb 2024 23:59:59 GMT"),
	    &when));
	assert_true(when == 1709251199);
}

static void
test_http_date_is_strict(void **state)
{
	static const char *const bad[] = { "", "Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
		"sun, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Thu, 31 Nov 1994 08:49:37 GMT",
		"Thu, 29 Feb 2023 23:59:59 GMT",
		"Sun,  06 Nov 1994 08:49:37 GMT",
		"Sun, 06 ovD 1994 08:49:37 GMT" };
	int64_t when = 4711;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (clock_parse_http(slice_of(bad[i]), &when))
			fail_msg("taken: %s", bad[i]);
	}
	assert_true(when == 4711);
}

static void
assert_span(const char *text, int64_t max, int64_t wanted)
{
	int64_t ms = -1;

	assert_int_equal(clock_parse_span(slice_of(text), max, &ms),
	    wanted >= 0);
	assert_true(ms == wanted);
}

static void
test_span_knows_its_units(void **state)
{
	(void)state;
	assert_span("0", INT64_MAX, 0);
	assert_span("10", INT64_MAX, 10000);
	assert_span("250ms", INT64_MAX, 250);
	assert_span("8s", INT64_MAX, 8000);
	assert_span("5m", INT64_MAX, 300000);
	assert_span("1h", INT64_MAX, 3600000);
	assert_span("30d", INT64_MAX, 2592000000);
}

static void
test_span_refuses_other_units_and_signs(void **state)
{
	static const char *const bad[] = { "", "s", "ms", "-1s", "+1s", " 1s",
		"1 s", "1S", "1w", "1.5s", "1s1", "1mss", "0x1" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_span(bad[i], INT64_MAX, -1);
}

static void
test_span_stops_at_its_maximum(void **state)
{
	(void)state;
	assert_span("60s", 60000, 60000);
	assert_span("60000ms", 60000, 60000);
	assert_span("60001ms", 60000, -1);
	assert_span("61", 60000, -1);
	assert_span("2m", 60000, -1);
	assert_span("106751991167d", INT64_MAX, 9223372036828800000);
	assert_span("106751991168d", INT64_MAX, -1);
	assert_span("99999999999999999999d", INT64_MAX, -1);
	assert_span("0", -1, -1);
}

static void
test_now_is_the_time_of_day(void **state)
{
	int64_t before = (int64_t)time(NULL);
	int64_t now = clock_now();

	(void)state;
	assert_true(now >= before && now <= before + 60);
}

static void
test_deadline_arithmetic_saturates(void **state)
{
	(void)state;
	assert_true(clock_in(INT64_MAX) == INT64_MAX);
	assert_int_equal(clock_left(INT64_MAX), INT_MAX);
	assert_int_equal(clock_left(INT64_MIN), 0);
	assert_int_equal(clock_left(clock_ms()), 0);
	assert_in_range(clock_left(clock_in(50000)), 40000, 50000);
	assert_true(clock_min(-5, 3) == -5);
	assert_true(clock_min(4, 3) == 3);
}

static volatile sig_atomic_t signals_seen;

static void
count_signal(int number)
{
	(void)number;
	signals_seen++;
}

static void
test_sleep_is_not_cut_short_by_signals(void **state)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
	struct itimerval never = { 0 };
	int64_t deadline;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	deadline = clock_in(100);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	clock_sleep(deadline);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(clock_ms() >= deadline);
	assert_true(signals_seen > 0);
}

static void
test_sleep_returns_at_once_after_its_deadline(void **state)
{
	int64_t start = clock_ms();

	(void)state;
	clock_sleep(start - 1000);
	clock_sleep(INT64_MIN);
	clock_sleep(0);
	assert_true(clock_ms() - start < 1000);
}

static void
test_backoff_doubles_up_to_its_maximum(void **state)
{
	(void)state;
	assert_int_equal(clock_backoff(50, 20000, 1, 1), 50);
	assert_int_equal(clock_backoff(50, 20000, 4, 1), 400);
	assert_int_equal(clock_backoff(50, 20000, 10, 1), 20000);
	assert_int_equal(clock_backoff(50, 20000, INT_MAX, 1), 20000);
	assert_int_equal(clock_backoff(70000, 60000, 1, 1), 60000);
	assert_int_equal(clock_backoff(50, 20000, 4, 0.25), 100);
	assert_int_equal(clock_backoff(50, 20000, 4, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats_known_times),
		cmocka_unit_test(test_every_day_agrees_with_the_c_library),
		cmocka_unit_test(test_times_past_four_digits_are_clamped),
		cmocka_unit_test(test_iso_takes_fractions_and_offsets),
		cmocka_unit_test(test_iso_takes_forms_of_other_programs),
		cmocka_unit_test(test_iso_refuses_fields_out_of_range),
		cmocka_unit_test(test_iso_refuses_another_form),
		cmocka_unit_test(test_http_date_is_read),
		cmocka_unit_test(test_http_date_is_strict),
		cmocka_unit_test(test_span_knows_its_units),
		cmocka_unit_test(test_span_refuses_other_units_and_signs),
		cmocka_unit_test(test_span_stops_at_its_maximum),
		cmocka_unit_test(test_now_is_the_time_of_day),
		cmocka_unit_test(test_deadline_arithmetic_saturates),
		cmocka_unit_test(test_backoff_doubles_up_to_its_maximum),
		cmocka_unit_test(test_sleep_is_not_cut_short_by_signals),
		cmocka_unit_test(test_sleep_returns_at_once_after_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
