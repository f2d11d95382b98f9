/* SPDX-License-Identifier: MIT */
#ifndef KEEP_GUARD_H
#define KEEP_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "work/job.h"

struct config;
struct err;
struct work;

/*
 * What makes a keeper the only one of its state directory: the lock, the
 * socket, and the lock of the agent's folder (work/lock.h, work/control.h).
 * They are on volumes, which may not answer, so a worker takes them and hands
 * the descriptors over; the keeper itself only holds them.
 */
enum {
	GUARD_TAKE_MS = 10000,
	GUARD_AGAIN_MS = 2000, /* between two tries, where that may help */
	GUARD_DROP_MS = 1000,
	GUARD_FDS = 3, /* lock, socket, lock of the agent's folder */
};

enum guard_news {
	GUARD_NOTHING, /* new */
	GUARD_HELD,    /* all of it is ours */
	GUARD_NOWHERE, /* nothing can be written, and nothing has to be */
	GUARD_SHARED,  /* all but the agent's folder, which another uses: err */
	GUARD_OTHER,   /* another keeper holds the lock: err */
	GUARD_FAILED,  /* err */
};

struct guard {
	struct job job;
	int from;           /* where descriptors come from, -1 = closed */
	int fds[GUARD_FDS]; /* held, -1 = not */
	int count;
	bool dropped;   /* the socket is being removed, or was */
	bool elsewhere; /* another container has the lock */
};

void guard_init(struct guard *guard);

/* Start to take it; on failure there is nothing to wait for. */
int guard_begin(struct guard *guard, const struct work *work, struct err *err);

/* What came of it, once; *socket is where clients come, the caller's from then
 * on, and stays as it is where there is none. */
enum guard_news guard_step(struct guard *guard, const struct config *cfg,
    int *socket, struct err *err);

/* What comes of it is not known yet. */
bool guard_pending(const struct guard *guard);

/* The lock is ours. */
bool guard_holds(const struct guard *guard);

/* Remove the socket, as the last thing; true when that is done or cannot be
 * waited for. */
bool guard_drop(struct guard *guard, const struct work *work);

/* Let go of the locks. */
void guard_end(struct guard *guard);

#endif
