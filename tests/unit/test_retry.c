/* SPDX-License-Identifier: MIT */
/* What is tried again, after which pause, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/retry.h"
#include "base/err.h"
#include "unit/canned.h"

static enum err_kind
attempts(const char *variable, int *out)
{
	const char *const vars[] = { variable, NULL };
	struct canned c;
	enum err_kind kind;

	canned_open(&c, vars);
	(void)retry_attempts(c.conf, out, &c.err);
	kind = c.err.kind;
	canned_close(&c);
	return kind;
}

static void
test_number_of_attempts(void **state)
{
	static const struct {
		const char *variable;
		enum err_kind kind;
		int want;
	} cases[] = {
		{ NULL, ERR_KIND_NONE, 3 },
		{ "AWS_MAX_ATTEMPTS=", ERR_KIND_NONE, 3 },
		{ "AWS_MAX_ATTEMPTS=1", ERR_KIND_NONE, 1 },
		{ "AWS_MAX_ATTEMPTS= 5 ", ERR_KIND_NONE, 5 },
		{ "AWS_MAX_ATTEMPTS=+2", ERR_KIND_NONE, 2 },
		{ "AWS_MAX_ATTEMPTS=0", ERR_KIND_CONFIG, 0 },
		{ "AWS_MAX_ATTEMPTS=-2", ERR_KIND_CONFIG, 0 },
		{ "AWS_MAX_ATTEMPTS=-", ERR_KIND_INVALID_VALUE, 0 },
		{ "AWS_MAX_ATTEMPTS=many", ERR_KIND_INVALID_VALUE, 0 },
		{ "AWS_MAX_ATTEMPTS=3.5", ERR_KIND_INVALID_VALUE, 0 },
		{ "AWS_MAX_ATTEMPTS=99999999999", ERR_KIND_INVALID_VALUE, 0 },
		{ "AWS_RETRY_MODE=legacy", ERR_KIND_NONE, 3 },
		{ "AWS_RETRY_MODE=standard", ERR_KIND_NONE, 3 },
		{ "AWS_RETRY_MODE=adaptive", ERR_KIND_NONE, 3 },
		{ "AWS_RETRY_MODE=eager", ERR_KIND_CONFIG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int got = 0;

		assert_int_equal(attempts(cases[i].variable, &got),
		    cases[i].kind);
		assert_int_equal(got, cases[i].want);
	}
}

static enum err_retry
classify(const char *code, int status, bool sts)
{
	struct err err = { .kind = ERR_KIND_API, .http_status = status };

	snprintf(err.peer_code, sizeof err.peer_code, "%s", code);
	retry_classify(&err, sts);
	return err.retry;
}

static void
test_codes(void **state)
{
	static const char *const throttled[] = { "Throttling",
		"ThrottlingException", "ThrottledException",
		"RequestThrottledException", "TooManyRequestsException",
		"ProvisionedThroughputExceededException",
		"TransactionInProgressException", "RequestLimitExceeded",
		"BandwidthLimitExceeded", "LimitExceededException",
		"RequestThrottled", "SlowDown", "PriorRequestNotComplete",
		"EC2ThrottledException" };
	static const char *const final[] = { "ValidationException",
		"AccessDeniedException", "ExpiredTokenException",
		"TooManyUpdates", "InternalServerError", "429", "throttling" };

	(void)state;
	for (size_t i = 0; i < sizeof throttled / sizeof *throttled; i++)
		assert_int_equal(classify(throttled[i], 400, false),
		    ERR_THROTTLED);
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		assert_int_equal(classify(final[i], 400, false), ERR_FINAL);
	assert_int_equal(classify("RequestTimeout", 400, false), ERR_TRANSIENT);
	assert_int_equal(classify("RequestTimeoutException", 408, false),
	    ERR_TRANSIENT);
	assert_int_equal(classify("IDPCommunicationError", 400, true),
	    ERR_TRANSIENT);
	assert_int_equal(classify("IDPCommunicationError", 400, false),
	    ERR_FINAL);
}

static void
test_statuses(void **state)
{
	static const int again[] = { 500, 502, 503, 504 };
	static const int final[] = { 301, 400, 403, 404, 407, 408, 429, 501,
		505, 509, 511 };

	(void)state;
	for (size_t i = 0; i < sizeof again / sizeof *again; i++)
		assert_int_equal(classify("X", again[i], false), ERR_TRANSIENT);
	for (size_t i = 0; i < sizeof final / sizeof *final; i++)
		assert_int_equal(classify("X", final[i], false), ERR_FINAL);
	assert_int_equal(classify("SlowDown", 503, false), ERR_THROTTLED);
}

/* Without an answer, the transport's word stands. */
static void
test_no_answer(void **state)
{
	struct err err = { .kind = ERR_KIND_CONNECTION,
		.retry = ERR_TRANSIENT };

	(void)state;
	retry_classify(&err, false);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	err.kind = ERR_KIND_TLS;
	err.retry = ERR_FINAL;
	retry_classify(&err, false);
	assert_int_equal(err.retry, ERR_FINAL);
	err.kind = ERR_KIND_PARSE;
	retry_classify(&err, false);
	assert_int_equal(err.retry, ERR_TRANSIENT);
}

static void
test_quota(void **state)
{
	struct retry_quota quota = { 0 };
	int cost = 0, taken = 0;

	(void)state;
	while (retry_take(&quota, ERR_TRANSIENT, &cost)) {
		assert_int_equal(cost, 14);
		taken++;
	}
	assert_int_equal(taken, 35); /* 35 * 14 = 490 of 500 */
	assert_true(retry_take(&quota, ERR_THROTTLED, &cost));
	assert_int_equal(cost, 5);
	assert_true(retry_take(&quota, ERR_THROTTLED, &cost));
	assert_false(retry_take(&quota, ERR_THROTTLED, &cost));
	retry_give(&quota, 14);
	assert_true(retry_take(&quota, ERR_TRANSIENT, &cost));
	for (int i = 0; i < 5; i++)
		retry_give(&quota, 0);
	assert_true(retry_take(&quota, ERR_THROTTLED, &cost));
	assert_false(retry_take(&quota, ERR_THROTTLED, &cost));
	for (int i = 0; i < 1000; i++)
		retry_give(&quota, 0);
	assert_int_equal(quota.used, 0);
	assert_false(retry_take(&quota, ERR_FINAL, &cost));
}

static void
test_pauses(void **state)
{
	(void)state;
	assert_int_equal(retry_pause(1, ERR_TRANSIENT, 0.0, -1), 0);
	assert_int_equal(retry_pause(1, ERR_TRANSIENT, 0.5, -1), 25);
	assert_int_equal(retry_pause(2, ERR_TRANSIENT, 0.5, -1), 50);
	assert_int_equal(retry_pause(3, ERR_TRANSIENT, 0.5, -1), 100);
	assert_int_equal(retry_pause(1, ERR_THROTTLED, 0.5, -1), 500);
	assert_int_equal(retry_pause(4, ERR_THROTTLED, 0.5, -1), 4000);
	assert_int_equal(retry_pause(6, ERR_THROTTLED, 0.5, -1), 10000);
	assert_int_equal(retry_pause(1000, ERR_THROTTLED, 0.5, -1), 10000);
	assert_int_equal(retry_pause(1000, ERR_TRANSIENT, 0.5, -1), 10000);
	/* The server's wish, between our pause and 5 s more. */
	assert_int_equal(retry_pause(1, ERR_TRANSIENT, 0.5, 0), 25);
	assert_int_equal(retry_pause(1, ERR_TRANSIENT, 0.5, 1500), 1500);
	assert_int_equal(retry_pause(1, ERR_TRANSIENT, 0.5, 60000), 5025);
	assert_int_equal(retry_pause(1, ERR_THROTTLED, 0.5, 100), 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_of_attempts),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
