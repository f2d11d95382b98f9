/* SPDX-License-Identifier: MIT */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct conf;

/*
 * Retries of one call: the SDKs' standard retry mode with the rules of 2026;
 * pure.  Who else tries again stands at clock_backoff() in base/clock.h.
 */

enum { RETRY_QUOTA_MAX = 500, RETRY_ATTEMPTS_DEFAULT = 3 };

/* One bucket for each service host; zero is a full one. */
struct retry_quota {
	int used;
};

/* AWS_MAX_ATTEMPTS, max_attempts, AWS_RETRY_MODE, retry_mode. */
int retry_attempts(const struct conf *conf, int *attempts, struct err *err);

/* What the failure in err is worth: fills err->retry from status, code and
 * what went wrong.  sts: IDPCommunicationError counts too. */
void retry_classify(struct err *err, bool sts);

/* Take the price of a retry; false: the quota is used up. */
bool retry_take(struct retry_quota *quota, enum err_retry why, int *cost);

/* A call succeeded; cost: what its last retry took, 0 = the first attempt. */
void retry_give(struct retry_quota *quota, int cost);

/*
 * Milliseconds to wait before attempt number made + 1.  unit: random, [0, 1).
 * after_ms: x-amz-retry-after of the answer, -1 = none.
 */
int retry_pause(int made, enum err_retry why, double unit, int64_t after_ms);

/*
 * The error can come from a clock that is so wrong that AWS refuses our
 * signatures, and the answer tells AWS's time: in its Date header (may be
 * NULL), else in the message.  Codes and the limit are those of the SDKs
 * (aws-sdk-go-v2, aws/retry, clock skew).
 */
enum { RETRY_SKEW_LIMIT = 240 }; /* seconds */
bool retry_server_time(const struct err *err, const char *date,
    int64_t *server);

#endif
