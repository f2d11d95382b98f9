/* SPDX-License-Identifier: MIT */
/* Calls that do not succeed at once: retries, doubts, and a wrong clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/slice.h"
#include "unit/canned.h"

#define THROTTLED                                                     \
	{                                                             \
		.status = 400, .headers = "x-amz-retry-after: 1\r\n", \
		.body = "{\"__type\":\"ThrottlingException\"}"        \
	}
#define BROKEN                            \
	{                                 \
		.status = 503, .body = "" \
	}
#define GOOD                                \
	{                                   \
		.status = 200, .body = "{}" \
	}
#define LOST                                                          \
	{                                                             \
		.fault = ERR_KIND_CONNECTION, .retry = ERR_TRANSIENT, \
		.ambiguous = true                                     \
	}
#define REFUSED                                                      \
	{                                                            \
		.fault = ERR_KIND_CONNECTION, .retry = ERR_TRANSIENT \
	}
#define UNTRUSTED                                         \
	{                                                 \
		.fault = ERR_KIND_TLS, .retry = ERR_FINAL \
	}

static void
test_retries_with_one_invocation_id(void **state)
{
	static const struct canned_answer answers[] = { BROKEN, BROKEN, GOOD };
	struct canned c;
	char first[64], last[64], attempt[64];

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), 0);
	canned_header(&c, 0, "amz-sdk-invocation-id", first, sizeof first);
	canned_header(&c, 2, "amz-sdk-invocation-id", last, sizeof last);
	assert_string_equal(first, last);
	assert_int_equal(strlen(first), 36);
	canned_header(&c, 2, "amz-sdk-request", attempt, sizeof attempt);
	assert_string_equal(attempt, "attempt=3; max=3");
	assert_int_equal(c.reply.attempts, 3);
	assert_true(c.reply.ambiguous);
	/* 28 tokens were taken, the last 14 came back. */
	assert_int_equal(c.api.quota[API_SSM].used, 14);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	assert_int_equal(c.api.quota[API_SSM].used, 13);
	canned_close(&c);
}

static void
test_attempts_end(void **state)
{
	static const struct canned_answer three[] = { BROKEN, BROKEN, BROKEN };
	static const struct canned_answer one[] = { BROKEN };
	const char *const vars[] = { "AWS_MAX_ATTEMPTS=1", NULL };
	struct api_request req = canned_create;
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(three)), -1);
	assert_int_equal(c.err.attempts, 3);
	assert_int_equal(c.err.retry, ERR_TRANSIENT);
	assert_true(c.err.ambiguous);
	req.max_attempts = 1;
	assert_int_equal(canned_call(&c, &req, CANNED(one)), -1);
	canned_close(&c);
	canned_open(&c, vars);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(one)), -1);
	canned_close(&c);
}

static void
test_what_is_ambiguous(void **state)
{
	static const struct canned_answer lost[] = { LOST, CANNED_DENIED };
	static const struct canned_answer refused[] = { REFUSED,
		CANNED_DENIED };
	static const struct canned_answer throttled[] = { THROTTLED, GOOD };
	static const struct canned_answer moved[] = { { .status = 302 } };
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(lost)), -1);
	assert_true(c.reply.ambiguous && c.err.ambiguous);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(refused)), -1);
	assert_false(c.reply.ambiguous || c.err.ambiguous);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(throttled)), 0);
	assert_false(c.reply.ambiguous);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(moved)), -1);
	assert_true(c.reply.ambiguous);
	canned_close(&c);
}

static void
test_final_failures(void **state)
{
	static const struct canned_answer tls[] = { UNTRUSTED };
	static const struct canned_answer s429[] = { { .status = 429 } };
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(tls)), -1);
	assert_int_equal(c.err.kind, ERR_KIND_TLS);
	assert_string_equal(c.err.msg,
	    "CreateActivation: connect: canned fault");
	assert_int_equal(canned_call(&c, &canned_create, CANNED(s429)), -1);
	assert_string_equal(c.err.peer_code, "429");
	canned_close(&c);
}

static void
test_too_many_updates(void **state)
{
	static const struct canned_answer answers[] = {
		{ .status = 400, .body = "{\"__type\":\"TooManyUpdates\"}" },
		GOOD
	};
	static const struct canned_answer once[] = { { .status = 400,
	    .body = "{\"__type\":\"TooManyUpdates\"}" } };
	struct api_request req = canned_create;
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(once)), -1);
	req.operation = "DeleteActivation";
	assert_int_equal(canned_call(&c, &req, CANNED(answers)), 0);
	req.operation = "DeregisterManagedInstance";
	assert_int_equal(canned_call(&c, &req, CANNED(answers)), 0);
	canned_close(&c);
}

/* A pause that does not fit is not begun. */
static void
test_deadline(void **state)
{
	static const struct canned_answer answers[] = { { .status = 400,
	    .headers = "x-amz-retry-after: 99999999999\r\n",
	    .body = "{\"__type\":\"SlowDown\"}" } };
	struct api_request req = canned_create;
	struct canned c;
	int64_t begin = clock_ms();

	(void)state;
	canned_open(&c, NULL);
	req.deadline = clock_in(3000);
	assert_int_equal(canned_call(&c, &req, CANNED(answers)), -1);
	assert_true(clock_ms() - begin < 1500);
	assert_int_equal(c.err.attempts, 1);
	assert_int_equal(c.err.retry, ERR_THROTTLED);
	canned_close(&c);
}

static void
test_quota_ends_retries(void **state)
{
	static const struct canned_answer answers[] = { BROKEN };
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	c.api.quota[API_SSM].used = RETRY_QUOTA_MAX;
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), -1);
	assert_int_equal(c.err.attempts, 1);
	canned_close(&c);
}

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* A Date header so many seconds from now. */
static void
date_header(int64_t offset, char *out, size_t size)
{
	int64_t when = clock_now() + offset;
	char iso[CLOCK_ISO_SIZE];
	int month;

	clock_iso(when, iso);
	month = (iso[5] - '0') * 10 + iso[6] - '0';
	snprintf(out, size, "Date: %s, %.2s %s %.4s %.8s GMT\r\n",
	    days[(when / 86400 + 4) % 7], &iso[8], months[month - 1], iso,
	    &iso[11]);
}

static void
test_corrects_the_clock(void **state)
{
	char date[128], value[64];
	struct canned_answer answers[] = {
		{ .status = 403,
		    .headers = date,
		    .body = "{\"__type\":\"InvalidSignatureException\"}" },
		GOOD
	};
	struct canned c;
	int64_t sent;

	(void)state;
	date_header(3600, date, sizeof date);
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), 0);
	assert_in_range(c.api.clock_offset, 3590, 3610);
	canned_header(&c, 1, "X-Amz-Date", value, sizeof value);
	assert_true(clock_parse_iso(slice_of(value), &sent));
	assert_in_range(sent - clock_now(), 3590, 3610);
	assert_int_equal(c.reply.attempts, 2);
	assert_false(c.reply.ambiguous);
	/* Later calls begin with the right time. */
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	canned_close(&c);
}

/* Once a call; then the answer counts. */
static void
test_clock_is_corrected_once(void **state)
{
	char date[128], other[128];
	struct canned_answer answers[] = {
		{ .status = 403,
		    .headers = date,
		    .body = "{\"__type\":\"AccessDeniedException\"}" },
		{ .status = 403,
		    .headers = other,
		    .body = "{\"__type\":\"AccessDeniedException\"}" }
	};
	struct canned c;

	(void)state;
	date_header(-7200, date, sizeof date);
	date_header(7200, other, sizeof other);
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), -1);
	canned_close(&c);
}

static void
test_right_clock_is_left_alone(void **state)
{
	char date[128];
	struct canned_answer answers[] = { { .status = 403,
	    .headers = date,
	    .body = "{\"__type\":\"SignatureDoesNotMatch\"}" } };
	struct canned c;

	(void)state;
	date_header(200, date, sizeof date);
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), -1);
	assert_int_equal(c.api.clock_offset, 0);
	canned_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retries_with_one_invocation_id),
		cmocka_unit_test(test_attempts_end),
		cmocka_unit_test(test_what_is_ambiguous),
		cmocka_unit_test(test_final_failures),
		cmocka_unit_test(test_too_many_updates),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_quota_ends_retries),
		cmocka_unit_test(test_corrects_the_clock),
		cmocka_unit_test(test_clock_is_corrected_once),
		cmocka_unit_test(test_right_clock_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
