/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/slice.h"

enum { YEAR_BASE = 1900 }; /* of tm_year */
enum { WRITE_MAX = 96 };   /* whatever the fields are */

/* The years 0000 to 9999, what four digits can say. */
static const int64_t first_second = -62167219200;
static const int64_t last_second = 253402300799;

static int64_t
read_clock(clockid_t id, int64_t per_second)
{
	struct timespec now = { 0 };

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * per_second +
	       (int64_t)now.tv_nsec / (1000000000 / per_second);
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME, 1);
}

int64_t
clock_ms(void)
{
	return read_clock(CLOCK_MONOTONIC, 1000);
}

int64_t
clock_in(int64_t ms)
{
	int64_t now = clock_ms();

	return ms < INT64_MAX - now ? now + ms : INT64_MAX;
}

int64_t
clock_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
clock_backoff(int64_t first, int64_t most, int n, double share)
{
	int64_t pause = first;

	for (int i = 1; i < n && pause < most; i++)
		pause *= 2;
	return (int64_t)((double)(pause < most ? pause : most) * share);
}

int
clock_left(int64_t deadline)
{
	int64_t now = clock_ms();

	if (deadline <= now)
		return 0;
	return deadline - now < INT_MAX ? (int)(deadline - now) : INT_MAX;
}

void
clock_sleep(int64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / 1000),
		.tv_nsec = (long)(deadline % 1000 * 1000000),
	};
	int rc;

	if (clock_left(deadline) == 0)
		return;
	do {
		rc = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until,
		    NULL);
	} while (rc == EINTR);
}

/* What four digits cannot say becomes the nearest time that they can. */
static struct tm
date_of(int64_t when)
{
	struct tm date = { 0 };
	time_t seconds;

	if (when < first_second)
		when = first_second;
	if (when > last_second)
		when = last_second;
	seconds = (time_t)when;
	gmtime_r(&seconds, &date);
	return date;
}

/* strftime(3) writes early years with four digits in some C libraries only. */
static void
write_date(char *out, size_t size, int64_t when, const char *dash,
    const char *colon)
{
	struct tm date = date_of(when);
	char text[WRITE_MAX];

	snprintf(text, sizeof text, "%04d%s%02d%s%02dT%02d%s%02d%s%02dZ",
	    date.tm_year + YEAR_BASE, dash, date.tm_mon + 1, dash, date.tm_mday,
	    date.tm_hour, colon, date.tm_min, colon, date.tm_sec);
	memcpy(out, text, size - 1);
	out[size - 1] = '\0';
}

void
clock_basic(int64_t when, char out[static CLOCK_BASIC_SIZE])
{
	write_date(out, CLOCK_BASIC_SIZE, when, "", "");
}

void
clock_iso(int64_t when, char out[static CLOCK_ISO_SIZE])
{
	write_date(out, CLOCK_ISO_SIZE, when, "-", ":");
}

/* Cut off two digits, whose value is up to high. */
static bool
take_number(struct slice *rest, int high, int *out)
{
	uint64_t value;

	if (rest->len < 2 ||
	    !slice_u64(slice_head(*rest, 2), (uint64_t)high, &value))
		return false;
	*rest = slice_skip(*rest, 2);
	*out = (int)value;
	return true;
}

static bool
take_text(struct slice *rest, const char *text)
{
	if (!slice_starts(*rest, text))
		return false;
	*rest = slice_skip(*rest, slice_of(text).len);
	return true;
}

static struct slice
skip_digits(struct slice s)
{
	while (s.len > 0 && s.ptr[0] >= '0' && s.ptr[0] <= '9')
		s = slice_skip(s, 1);
	return s;
}

/* A dot or comma wants at least one digit behind it. */
static bool
skip_fraction(struct slice *rest)
{
	struct slice digits;

	if (!take_text(rest, ".") && !take_text(rest, ","))
		return true;
	digits = *rest;
	*rest = skip_digits(digits);
	return rest->len < digits.len;
}

/* Z, UTC, GMT, +HH:MM, +HHMM or +HH, maybe behind a blank, in seconds east of
 * UTC. */
static bool
take_offset(struct slice *rest, int64_t *offset)
{
	int hours = 0;
	int minutes = 0;
	int sign = 1;
	bool has_minutes;

	*offset = 0;
	take_text(rest, " ");
	if (take_text(rest, "Z") || take_text(rest, "z") ||
	    take_text(rest, "UTC") || take_text(rest, "GMT"))
		return true;
	if (take_text(rest, "-"))
		sign = -1;
	else if (!take_text(rest, "+"))
		return false;
	if (!take_number(rest, 23, &hours))
		return false;
	has_minutes = rest->len > 0;
	take_text(rest, ":");
	if (has_minutes && !take_number(rest, 59, &minutes))
		return false;
	*offset = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
	return true;
}

bool
clock_parse_iso(struct slice text, int64_t *when)
{
	bool basic = !slice_has(slice_head(text, 8), '-');
	size_t len = (basic ? CLOCK_BASIC_SIZE : CLOCK_ISO_SIZE) - 2;
	char copy[CLOCK_ISO_SIZE], again[CLOCK_ISO_SIZE];
	char *between = &copy[basic ? 8 : 10];
	struct tm date = { 0 };
	int64_t offset = 0;
	int64_t seconds;

	if (text.len < len ||
	    !slice_copy(slice_head(text, len), copy, sizeof copy))
		return false;
	if (*between == 't' || *between == ' ')
		*between = 'T';
	strptime(copy, basic ? "%Y%m%dT%H%M%S" : "%Y-%m-%dT%H:%M:%S", &date);
	seconds = timegm(&date);
	/* What is no date is another one when it is written again. */
	write_date(again, len + 1, seconds, basic ? "" : "-", basic ? "" : ":");
	text = slice_skip(text, len);
	if (strcmp(copy, again) != 0 || !skip_fraction(&text) ||
	    !take_offset(&text, &offset) || text.len > 0)
		return false;
	*when = seconds - offset;
	return true;
}

bool
clock_parse_http(struct slice text, int64_t *when)
{
	static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
	char copy[sizeof "Sun, 06 Nov 1994 08:49:37 GMT"], again[WRITE_MAX];
	struct tm date = { 0 };
	int64_t seconds;

	if (!slice_copy(text, copy, sizeof copy))
		return false;
	strptime(copy, form, &date);
	seconds = timegm(&date);
	/* As above; it also gives the date its day of the week. */
	strftime(again, sizeof again, form, &date);
	if (seconds < 0 || strcmp(copy, again) != 0)
		return false;
	*when = seconds;
	return true;
}

bool
clock_parse_span(struct slice text, int64_t max, int64_t *ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {
		{ "", 1000 },
		{ "ms", 1 },
		{ "s", 1000 },
		{ "m", 60000 },
		{ "h", 3600000 },
		{ "d", 86400000 },
	};
	struct slice unit = skip_digits(text);
	uint64_t value;

	text = slice_head(text, text.len - unit.len);
	for (size_t i = 0; max >= 0 && i < sizeof units / sizeof units[0];
	     i++) {
		if (!slice_eq(unit, units[i].name))
			continue;
		if (!slice_u64(text, (uint64_t)max / units[i].ms, &value))
			return false;
		*ms = (int64_t)(value * units[i].ms);
		return true;
	}
	return false;
}
