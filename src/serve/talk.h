/* SPDX-License-Identifier: MIT */
#ifndef SERVE_TALK_H
#define SERVE_TALK_H

#include "work/work.h"

struct err;

/*
 * The session worker: a session's data channel with its client, from the task
 * to the outcome.  What it cannot do in its jail it asks its helper for.
 */
struct talk_in {
	struct work work; /* settings; state: the node's id and region */
	const char *id;   /* of the session */
	int line;         /* to the channel worker (serve/records.h) */
	int hand;         /* to the helper (serve/ask.h) */
};

/* For job_start(), with the address of talk_in.work. */
int talk_run(const struct work *work, int out, struct err *err);

#endif
