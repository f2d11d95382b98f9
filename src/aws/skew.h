#ifndef AWS_SKEW_H
#define AWS_SKEW_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * A clock that is so wrong that AWS refuses our signatures; pure.  Codes and
 * the limit are those of the SDKs (aws-sdk-go-v2, aws/retry, clock skew).
 */
enum { SKEW_LIMIT = 240 }; /* seconds */

/*
 * The error can come from a wrong clock, and the answer tells AWS's time: in
 * its Date header (may be NULL), else in the message.
 */
bool skew_server_time(const struct err *err, const char *date, int64_t *server);

#endif
