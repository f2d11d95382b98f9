/* SPDX-License-Identifier: MIT */
#ifndef KEEP_FOLLOW_H
#define KEEP_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "work/job.h"

struct work;

/*
 * The agent's log, read by a worker (work_log_follow()) as long as the agent
 * runs: its folder may be a volume, which may not answer.  A reader that dies
 * is started again.  Zero follows nothing.
 */
enum follow_news {
	FOLLOW_ONLINE = 1 << 0,    /* the control channel is open */
	FOLLOW_HIBERNATE = 1 << 1, /* the agent sleeps */
	FOLLOW_DOUBT = 1 << 2,     /* AWS seems not to know the node */
	FOLLOW_OFFLINE = 1 << 3,   /* the control channel is closed */
};

enum { FOLLOW_READY_MS = 500 };

struct follow {
	struct job job;
	bool on, ready;
	int deaths;
	int64_t ready_by; /* clock_ms(), as next */
	int64_t next;     /* when the reader may be started */
};

/* Follow from now on, unless that is done already. */
void follow_begin(struct follow *follow, const struct work *work);

/* What the agent writes from now on will be read; or that cannot be waited for
 * any longer. */
bool follow_ready(const struct follow *follow);

/* Do what is due; gives the news, or-ed to those that are there already: of
 * ONLINE and OFFLINE the later. */
unsigned follow_step(struct follow *follow, const struct work *work,
    unsigned news);

void follow_end(struct follow *follow);

/* When follow_step() or follow_ready() wants to be called, besides for the
 * job's records; INT64_MAX = not by time. */
int64_t follow_due(const struct follow *follow);

#endif
