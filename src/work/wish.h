/* SPDX-License-Identifier: MIT */
#ifndef WORK_WISH_H
#define WORK_WISH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * What the parameter of SSM_ACTIVATE_DEMAND says: whether the node of this
 * container is asked for.  Pure.
 */
enum wish_word {
	WISH_NONE, /* nothing of this container */
	WISH_ODD,  /* nothing, and it looks like a mistake */
	WISH_OFF,
	WISH_ON, /* what is above is a time, seconds since 1970: until then */
};

/* Where it is, before its name; and AWS's word for one that is not there. */
#define WISH_STORE  "ssm:"
#define WISH_ABSENT "ParameterNotFound"

/* One version of it.  Zero: there is no parameter. */
struct wish {
	uint64_t version;
	uint64_t written; /* milliseconds since 1970 */
	uint64_t until;   /* enum wish_word, or a time */
};

/*
 * The meaning of a value: "on", "on until TIME" (ISO 8601; WISH_NONE once that
 * is over, now: seconds since 1970), "off", or id or ARN of the ECS task that
 * is meant; task: the id of ours, "" = none.
 */
uint64_t wish_meaning(struct slice value, const char *task, int64_t now);

/* As a worker tells it to its keeper: the three numbers. */
enum { WISH_TEXT_SIZE = 64 };
void wish_text(char out[static WISH_TEXT_SIZE], const struct wish *wish);
bool wish_parse(const char *text, struct wish *out);

#endif
