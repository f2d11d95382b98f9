/* SPDX-License-Identifier: MIT */
/*
 * A time that is taken is within four-digit years (an offset may lead a day
 * past them), and written out again it is the same time.
 */
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

static const int64_t first_second = -62167219200;
static const int64_t last_second = 253402300799;
static const int64_t day = 86400;

/* Both written forms read back as the time, and agree in their digits. */
static void
check_forms(int64_t when)
{
	char iso[CLOCK_ISO_SIZE];
	char basic[CLOCK_BASIC_SIZE];
	int64_t again = ~when;
	size_t at = 0;

	clock_iso(when, iso);
	clock_basic(when, basic);
	require(strlen(iso) == CLOCK_ISO_SIZE - 1);
	require(strlen(basic) == CLOCK_BASIC_SIZE - 1);
	for (size_t i = 0; iso[i] != '\0'; i++) {
		if (iso[i] != '-' && iso[i] != ':')
			require(iso[i] == basic[at++]);
	}
	require(clock_parse_iso(slice_of(iso), &again));
	if (when >= first_second && when <= last_second)
		require(again == when);
	require(clock_parse_iso(slice_of(basic), &again));
	if (when >= first_second && when <= last_second)
		require(again == when);
}

static void
check_span(struct slice text)
{
	int64_t ms = -1;
	int64_t again = -1;

	if (!clock_parse_span(text, INT64_MAX, &ms)) {
		require(ms == -1);
		return;
	}
	require(ms >= 0);
	require(clock_parse_span(text, ms, &again) && again == ms);
	require(!clock_parse_span(text, ms - 1, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	int64_t when = INT64_MIN;

	if (clock_parse_iso(text, &when)) {
		require(size >= 16);
		require(when > first_second - day && when < last_second + day);
		check_forms(when);
	} else {
		require(when == INT64_MIN);
	}
	if (clock_parse_http(text, &when)) {
		require(size == 29);
		require(when >= 0 && when <= last_second);
		check_forms(when);
	}
	check_span(text);
	if (size >= sizeof when) {
		memcpy(&when, data, sizeof when);
		check_forms(when);
	}
	return 0;
}
