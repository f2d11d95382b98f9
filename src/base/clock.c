#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "base/slice.h"

enum { DAY = 24 * 60 * 60 };

/* The years 0000 to 9999, what four digits can say. */
static const int64_t first_second = -62167219200;
static const int64_t last_second = 253402300799;

struct moment {
	int year;
	int month; /* 1 to 12 */
	int day;   /* 1 to 31 */
	int hour;
	int minute;
	int second;
};

static int64_t
read_clock(clockid_t id, int64_t per_second)
{
	struct timespec now = { 0 };

	(void)clock_gettime(id, &now);
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

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * Days since 1970-01-01 in the Gregorian calendar.  A year is taken to begin
 * in March, so that the leap day is its last; 400 years have 146097 days.
 */
static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t y = (int64_t)year + 400 - (month <= 2);
	int64_t m = (month + 9) % 12;
	int64_t day_of_year = (153 * m + 2) / 5 + day - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468 -
	       146097;
}

/* The way back; days counts from 1970-01-01. */
static void
set_date(struct moment *m, int64_t days)
{
	int year = (int)(1970 + days / 366);

	/* 366 is never too few, so the guess is early for days after 1970. */
	if (days < 0)
		year = (int)(1969 + days / 365);
	while (days >= days_since_1970(year + 1, 1, 1))
		year++;
	while (days < days_since_1970(year, 1, 1))
		year--;
	m->year = year;
	m->month = 1;
	m->day = (int)(days - days_since_1970(year, 1, 1)) + 1;
	while (m->day > days_in(year, m->month))
		m->day -= days_in(year, m->month++);
}

/* What four digits cannot say becomes the nearest time that they can. */
static struct moment
moment_of(int64_t when)
{
	struct moment m = { 0 };
	int64_t days;
	int second;

	if (when < first_second)
		when = first_second;
	if (when > last_second)
		when = last_second;
	days = when / DAY - (when % DAY < 0);
	second = (int)(when - days * DAY);
	set_date(&m, days);
	m.hour = second / 3600;
	m.minute = second / 60 % 60;
	m.second = second % 60;
	return m;
}

static int64_t
seconds_of(const struct moment *m)
{
	return days_since_1970(m->year, m->month, m->day) * DAY +
	       (int64_t)m->hour * 3600 + (int64_t)m->minute * 60 + m->second;
}

/*
 * Fill in a picture of a time: letters of the date and time are replaced by
 * the digits of their fields, from the right.
 */
static void
fill(char *out, const char *picture, size_t len, struct moment m)
{
	out[len] = '\0';
	for (size_t i = len; i-- > 0;) {
		int *field = NULL;

		switch (picture[i]) {
		case 'y':
			field = &m.year;
			break;
		case 'm':
			field = &m.month;
			break;
		case 'd':
			field = &m.day;
			break;
		case 'h':
			field = &m.hour;
			break;
		case 'i':
			field = &m.minute;
			break;
		case 's':
			field = &m.second;
			break;
		default:
			out[i] = picture[i];
			continue;
		}
		out[i] = (char)('0' + *field % 10);
		*field /= 10;
	}
}

void
clock_basic(int64_t when, char out[static CLOCK_BASIC_SIZE])
{
	fill(out, "yyyymmddThhiissZ", CLOCK_BASIC_SIZE - 1, moment_of(when));
}

void
clock_iso(int64_t when, char out[static CLOCK_ISO_SIZE])
{
	fill(out, "yyyy-mm-ddThh:ii:ssZ", CLOCK_ISO_SIZE - 1, moment_of(when));
}

/* Cut off exactly so many digits, whose value is from low to high. */
static bool
take_number(struct slice *rest, size_t digits, int low, int high, int *out)
{
	uint64_t value;

	if (rest->len < digits ||
	    !slice_u64(slice_head(*rest, digits), (uint64_t)high, &value) ||
	    (int)value < low)
		return false;
	*rest = slice_skip(*rest, digits);
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

static bool
take_date(struct slice *rest, const char *dash, struct moment *m)
{
	return take_number(rest, 4, 0, 9999, &m->year) &&
	       take_text(rest, dash) &&
	       take_number(rest, 2, 1, 12, &m->month) &&
	       take_text(rest, dash) &&
	       take_number(rest, 2, 1, days_in(m->year, m->month), &m->day);
}

static bool
take_time(struct slice *rest, const char *colon, struct moment *m)
{
	return take_number(rest, 2, 0, 23, &m->hour) &&
	       take_text(rest, colon) &&
	       take_number(rest, 2, 0, 59, &m->minute) &&
	       take_text(rest, colon) &&
	       take_number(rest, 2, 0, 59, &m->second);
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

/* Z, +HH:MM, +HHMM or +HH, in seconds east of UTC. */
static bool
take_offset(struct slice *rest, int64_t *offset)
{
	int hours = 0;
	int minutes = 0;
	int sign = 1;

	*offset = 0;
	if (take_text(rest, "Z") || take_text(rest, "z"))
		return true;
	if (take_text(rest, "-"))
		sign = -1;
	else if (!take_text(rest, "+"))
		return false;
	if (!take_number(rest, 2, 0, 23, &hours))
		return false;
	if (rest->len > 0 && ((void)take_text(rest, ":"),
	                         !take_number(rest, 2, 0, 59, &minutes)))
		return false;
	*offset = sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
	return true;
}

bool
clock_parse_iso(struct slice text, int64_t *when)
{
	bool basic = !slice_has(slice_head(text, 8), '-');
	struct moment m = { 0 };
	int64_t offset = 0;

	if (!take_date(&text, basic ? "" : "-", &m) ||
	    !(take_text(&text, "T") || take_text(&text, "t")) ||
	    !take_time(&text, basic ? "" : ":", &m) || !skip_fraction(&text) ||
	    !take_offset(&text, &offset) || text.len > 0)
		return false;
	*when = seconds_of(&m) - offset;
	return true;
}

/* Cut off one of a list of words of three letters; its number from 0. */
static bool
take_word(struct slice *rest, const char *words, int *number)
{
	struct slice list = slice_of(words);

	for (*number = 0; list.len > 0; ++*number) {
		struct slice word = slice_head(list, 3);

		if (slice_same(slice_head(*rest, 3), word)) {
			*rest = slice_skip(*rest, 3);
			return true;
		}
		list = slice_skip(list, 3);
	}
	return false;
}

bool
clock_parse_http(struct slice text, int64_t *when)
{
	struct moment m = { 0 };
	int weekday = 0;

	/* 1970 began on a Thursday. */
	if (!take_word(&text, "ThuFriSatSunMonTueWed", &weekday) ||
	    !take_text(&text, ", ") || !take_number(&text, 2, 1, 31, &m.day) ||
	    !take_text(&text, " ") ||
	    !take_word(&text, "JanFebMarAprMayJunJulAugSepOctNovDec",
	        &m.month) ||
	    !take_text(&text, " ") ||
	    !take_number(&text, 4, 1970, 9999, &m.year) ||
	    !take_text(&text, " ") || !take_time(&text, ":", &m) ||
	    !slice_eq(text, " GMT"))
		return false;
	m.month++;
	if (m.day > days_in(m.year, m.month) ||
	    days_since_1970(m.year, m.month, m.day) % 7 != weekday)
		return false;
	*when = seconds_of(&m);
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
