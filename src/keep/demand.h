/* SPDX-License-Identifier: MIT */
#ifndef KEEP_DEMAND_H
#define KEEP_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "work/job.h"
#include "work/wish.h"

struct life;

/*
 * Access on demand (SSM_ACTIVATE=demand): the life of the node rests until it
 * is asked for, and again once it is over.  Who asks is `ssm-activate up`, or
 * the parameter of SSM_ACTIVATE_DEMAND, which a net worker (work_net_wish())
 * reads every SSM_ACTIVATE_DEMAND_EVERY; the less often, up to DEMAND_MAX_MS,
 * the more often in a row it cannot be read.  Zero asks nobody.
 *
 * A version of the parameter opens once.  "on" that was written before this
 * container started was for others; "on until" is for whoever comes.
 */
enum { DEMAND_MIN_MS = 1000, DEMAND_MAX_MS = 600000 };

struct demand {
	struct job job;
	bool on;          /* in this mode, and not on the way out */
	bool read;        /* the parameter was, so another version is new */
	bool wanted;      /* asked for, and not begun yet */
	bool warned;      /* that it cannot be read */
	int failures;     /* in a row */
	int64_t next;     /* when it is read, clock_ms() */
	uint64_t since;   /* the container is there, ms since 1970 */
	int64_t until;    /* of what is wanted, 0 = SSM_ACTIVATE_TTL */
	struct wish seen; /* the last one */
};

/* From now on; the life rests. */
void demand_begin(struct demand *demand, struct life *life);

/* Somebody in the container wants the node. */
void demand_ask(struct demand *demand, const struct life *life);

/* Do what is due: read the parameter, start the life or end it. */
void demand_step(struct demand *demand, struct life *life);

/* The keeper ends, or there is nothing that it may keep. */
void demand_end(struct demand *demand);

/* Nobody has asked yet. */
bool demand_waits(const struct demand *demand, const struct life *life);

/* When demand_step() wants to be called, besides for the job's records. */
int64_t demand_due(const struct demand *demand, const struct life *life);

#endif
