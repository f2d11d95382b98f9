/* SPDX-License-Identifier: MIT */
#ifndef AWS_IMDS_H
#define AWS_IMDS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/metadata.h"
#include "base/err.h"
#include "net/url.h"

struct conf;
struct slice;

/*
 * The EC2 instance metadata service: version 2 with its session token, and
 * version 1 where that is allowed (EC2 user guide, "Use the instance metadata
 * service").  Never asked through a proxy.
 */
struct imds {
	struct url base;
	bool disabled;    /* AWS_EC2_METADATA_DISABLED */
	bool v1_disabled; /* AWS_EC2_METADATA_V1_DISABLED */
	int connect_ms;
	int read_ms;
	int attempts; /* for each request; 0 = not configured */
};

/* ERR_KIND_CONFIG for an unknown mode or a wrong URL, also when the service
 * is switched off; ERR_KIND_INVALID_VALUE for a number that is none. */
int imds_settings(struct imds *out, const struct conf *conf, struct err *err);

/* A conversation. */
struct imds_talk {
	struct metadata ask; /* holds the last answer */
	char *token;         /* owned, secret; NULL = version 1 */
	bool v1_disabled;
	bool token_timed_out;
	struct err why; /* set by each function that gives 1 */
};

/*
 * Get the token, which imds_get() needs.  0: go on, without a token in version
 * 1; 1: the service is absent or refuses us, see why; -1: version 1 would be
 * needed and is forbidden (ERR_KIND_CREDENTIAL_RETRIEVAL).  imds is borrowed.
 * The caller ends the talk by imds_stop() in each case.
 */
int imds_start(struct imds_talk *talk, const struct imds *imds, struct api *api,
    int64_t deadline, struct err *err);

/*
 * Get the document at path ("/latest/…").  0: the answer is in talk->ask until
 * the next call; 1: there is none, or json is set and it is not JSON, see why.
 */
int imds_get(struct imds_talk *talk, const char *path, bool json);

/* The same for the first line of a text, trimmed; borrowed from the answer. */
int imds_line(struct imds_talk *talk, const char *path, struct slice *line);
void imds_stop(struct imds_talk *talk);

/*
 * The region that the instance is in.  0 and out; 1: the service is disabled
 * or has no answer; -1: its settings are wrong or the answer is no name.
 */
enum { IMDS_REGION_SIZE = 64 };
int imds_region(struct api *api, char out[static IMDS_REGION_SIZE],
    int64_t deadline, struct err *err);

#endif
