/* SPDX-License-Identifier: MIT */
#include "aws/retry.h"

#include <limits.h>
#include <stddef.h>

#include "aws/conf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	COST = 14,
	COST_THROTTLED = 5,
	REFUND = 1,
	PAUSE_MS = 50,
	PAUSE_THROTTLED_MS = 1000,
	PAUSE_MAX_MS = 20000,
	AFTER_EXTRA_MS = 5000,
};

static const char transient_codes[] = "RequestTimeout RequestTimeoutException";

/* PriorRequestNotComplete stands on both lists of the SDKs; the longer pause
 * is the one that counts. */
static const char throttling_codes[] =
    "Throttling ThrottlingException ThrottledException "
    "RequestThrottledException TooManyRequestsException "
    "ProvisionedThroughputExceededException TransactionInProgressException "
    "RequestLimitExceeded BandwidthLimitExceeded LimitExceededException "
    "RequestThrottled SlowDown PriorRequestNotComplete EC2ThrottledException";

int
retry_attempts(const struct conf *conf, int *attempts, struct err *err)
{
	const char *mode = conf_get(conf, "AWS_RETRY_MODE", "retry_mode");
	const char *text = conf_get(conf, "AWS_MAX_ATTEMPTS", "max_attempts");
	struct slice digits = slice_trim(slice_of(text));
	bool minus = slice_starts(digits, "-");
	uint64_t number = RETRY_ATTEMPTS_DEFAULT;
	enum err_kind kind = ERR_KIND_CONFIG;

	struct conf_wrong what = { kind, NULL, "AWS_RETRY_MODE", "retry_mode",
		"legacy, standard or adaptive" };

	if (mode != NULL && !slice_names("legacy standard adaptive", mode))
		return conf_refuse(conf, &what, err);
	/* A number that is too small has a kind of its own. */
	digits = slice_skip(digits, minus || slice_starts(digits, "+"));
	if (text != NULL && !slice_u64(digits, INT_MAX, &number)) {
		number = 0;
		kind = ERR_KIND_INVALID_VALUE;
	}
	if (number < 1 || minus) {
		what = (struct conf_wrong){ kind, NULL, "AWS_MAX_ATTEMPTS",
			"max_attempts", "a whole number from 1 on" };
		return conf_refuse(conf, &what, err);
	}
	*attempts = (int)number;
	return 0;
}

void
retry_classify(struct err *err, bool sts)
{
	const char *code = err->peer_code;
	int status = err->http_status;

	/* Without an answer, the transport has filled in err->retry.  What is
	 * not HTTP counts as no answer. */
	if (err->kind == ERR_KIND_PARSE)
		err->retry = ERR_TRANSIENT;
	if (err->kind != ERR_KIND_API)
		return;
	err->retry = ERR_FINAL;
	if (slice_names(throttling_codes, code))
		err->retry = ERR_THROTTLED;
	else if (slice_names(transient_codes, code) ||
	         (status >= 500 && status <= 504 && status != 501) ||
	         (sts && slice_names("IDPCommunicationError", code)))
		err->retry = ERR_TRANSIENT;
}

bool
retry_take(struct retry_quota *quota, enum err_retry why, int *cost)
{
	int price = why == ERR_THROTTLED ? COST_THROTTLED : COST;

	if (why == ERR_FINAL || RETRY_QUOTA_MAX - quota->used < price)
		return false;
	quota->used += price;
	*cost = price;
	return true;
}

void
retry_give(struct retry_quota *quota, int cost)
{
	quota->used -= cost > 0 ? cost : REFUND;
	if (quota->used < 0)
		quota->used = 0;
}

int
retry_pause(int made, enum err_retry why, double unit, int64_t after_ms)
{
	int first = why == ERR_THROTTLED ? PAUSE_THROTTLED_MS : PAUSE_MS;
	int64_t pause = clock_backoff(first, PAUSE_MAX_MS, made, unit);

	if (after_ms > pause + AFTER_EXTRA_MS)
		after_ms = pause + AFTER_EXTRA_MS;
	return (int)(after_ms > pause ? after_ms : pause);
}

/*
 * "Signature expired: A is now earlier than B (SERVER - 5 min.)" and
 * "Signature not yet current: A is still later than B (SERVER + 5 min.)".
 */
static bool
time_in_message(struct slice text, int64_t *server)
{
	struct slice head, inside, when, rest;

	if (slice_find(text, "Signature expired") < 0 &&
	    slice_find(text, "Signature not yet current") < 0)
		return false;
	return slice_rsplit(text, '(', &head, &inside) &&
	       slice_split(inside, ' ', &when, &rest) &&
	       clock_parse_iso(when, server);
}

bool
retry_server_time(const struct err *err, const char *date, int64_t *server)
{
	if (err->kind != ERR_KIND_API ||
	    !slice_names(
	        "InvalidSignatureException SignatureDoesNotMatch "
	        "AuthFailure RequestTimeTooSkewed AccessDeniedException",
	        err->peer_code))
		return false;
	return clock_parse_http(slice_of(date), server) ||
	       time_in_message(slice_of(err->peer_text), server);
}
