#include "aws/retry.h"

#include <limits.h>
#include <stddef.h>

#include "aws/conf.h"
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

static const char *const transient_codes[] = { "RequestTimeout",
	"RequestTimeoutException" };

/* PriorRequestNotComplete stands on both lists of the SDKs; the longer pause
 * is the one that counts. */
static const char *const throttling_codes[] = { "Throttling",
	"ThrottlingException", "ThrottledException",
	"RequestThrottledException", "TooManyRequestsException",
	"ProvisionedThroughputExceededException",
	"TransactionInProgressException", "RequestLimitExceeded",
	"BandwidthLimitExceeded", "LimitExceededException", "RequestThrottled",
	"SlowDown", "PriorRequestNotComplete", "EC2ThrottledException" };

static const int transient_statuses[] = { 500, 502, 503, 504 };

static int
check_mode(const struct conf *conf, struct err *err)
{
	static const char *const modes[] = { "legacy", "standard", "adaptive" };
	const char *mode = conf_get(conf, "AWS_RETRY_MODE", "retry_mode");
	size_t i;

	if (mode == NULL)
		return 0;
	for (i = 0; i < sizeof modes / sizeof *modes; i++)
		if (slice_eq(slice_of(mode), modes[i]))
			return 0;
	return err_set(err, ERR_KIND_CONFIG,
	    "AWS_RETRY_MODE (profile: retry_mode) is none of legacy, "
	    "standard, adaptive");
}

int
retry_attempts(const struct conf *conf, int *attempts, struct err *err)
{
	const char *text = conf_get(conf, "AWS_MAX_ATTEMPTS", "max_attempts");
	struct slice digits = slice_trim(slice_of(text));
	uint64_t number = RETRY_ATTEMPTS_DEFAULT;

	if (check_mode(conf, err) != 0)
		return -1;
	if (text != NULL && slice_starts(digits, "-"))
		return err_set(err, ERR_KIND_CONFIG,
		    "AWS_MAX_ATTEMPTS (profile: max_attempts) is below 1");
	if (text != NULL && !slice_u64(digits, INT_MAX, &number)) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "AWS_MAX_ATTEMPTS (profile: max_attempts) is not a "
		    "whole number");
	}
	if (number < 1)
		return err_set(err, ERR_KIND_CONFIG,
		    "AWS_MAX_ATTEMPTS (profile: max_attempts) is below 1");
	*attempts = (int)number;
	return 0;
}

static bool
is_listed(const char *const *list, size_t count, const char *code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(slice_of(code), list[i]))
			return true;
	return false;
}

static bool
is_transient_status(int status)
{
	size_t i;

	for (i = 0; i < sizeof transient_statuses / sizeof(int); i++)
		if (status == transient_statuses[i])
			return true;
	return false;
}

void
retry_classify(struct err *err, bool sts)
{
	/* Without an answer the transport has said what it is worth; one that
	 * is not HTTP is none, whatever garbled it. */
	if (err->kind == ERR_KIND_PARSE)
		err->retry = ERR_TRANSIENT;
	if (err->kind != ERR_KIND_API)
		return;
	if (is_listed(throttling_codes,
	        sizeof throttling_codes / sizeof *throttling_codes,
	        err->peer_code))
		err->retry = ERR_THROTTLED;
	else if (is_listed(transient_codes,
	             sizeof transient_codes / sizeof *transient_codes,
	             err->peer_code) ||
	         is_transient_status(err->http_status) ||
	         (sts && slice_eq(slice_of(err->peer_code),
	                     "IDPCommunicationError")))
		err->retry = ERR_TRANSIENT;
	else
		err->retry = ERR_FINAL;
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

/* base * 2^(made - 1), at most PAUSE_MAX_MS. */
static int
ceiling(int made, enum err_retry why)
{
	int limit = why == ERR_THROTTLED ? PAUSE_THROTTLED_MS : PAUSE_MS;
	int i;

	for (i = 1; i < made && limit < PAUSE_MAX_MS; i++)
		limit *= 2;
	return limit < PAUSE_MAX_MS ? limit : PAUSE_MAX_MS;
}

int
retry_pause(int made, enum err_retry why, double unit, int64_t after_ms)
{
	int64_t pause = (int64_t)(unit * ceiling(made, why));
	int64_t wish = after_ms < pause + AFTER_EXTRA_MS
	                   ? after_ms
	                   : pause + AFTER_EXTRA_MS;

	return (int)(wish > pause ? wish : pause);
}
