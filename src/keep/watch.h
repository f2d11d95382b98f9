/* SPDX-License-Identifier: MIT */
#ifndef KEEP_WATCH_H
#define KEEP_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "work/job.h"

struct work;

/*
 * Learns from ECS that the task is to stop, where no signal tells it: PID 1
 * alone gets that.  One net worker (work_watch_run()) asks the task metadata
 * every SSM_ACTIVATE_WATCH, and is started again when it dies.  Zero watches
 * nothing.
 */
struct watch {
	struct job job;
	bool on;
	int deaths;
	int64_t next; /* when it may be started, clock_ms() */
};

/* Watch from now on, if there is a reason to: not as PID 1, on ECS alone. */
void watch_begin(struct watch *watch, const struct work *work);

/* Do what is due; true, once: the task is to stop. */
bool watch_step(struct watch *watch, const struct work *work);

void watch_end(struct watch *watch);

/* When watch_step() wants to be called, besides for the job's records;
 * INT64_MAX = not by time. */
int64_t watch_due(const struct watch *watch);

#endif
