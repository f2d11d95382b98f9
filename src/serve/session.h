/* SPDX-License-Identifier: MIT */
#ifndef SERVE_SESSION_H
#define SERVE_SESSION_H

#include "mgs/order.h"

struct err;
struct job;
struct work;

/*
 * One session, for the core: its helper is forked, and forks its session worker
 * (work/job.h).
 */
struct session_in {
	const struct work *work; /* settings; state: the node's id and region */
	const char *id;          /* of the session, order_is_session() */
	/* The session's socket (serve/records.h), for the session worker alone:
	 * the channel worker takes its end as the end of the session. Borrowed:
	 * the core closes its copy after the call. */
	int line;
};

/*
 * Start it.  The job tells nothing but its end, JOURNAL_DONE or JOURNAL_FAILED,
 * whatever became of the session, which the session worker tells the channel
 * worker.  It has no deadline of its own, and is killed with its core.
 *
 * SIGHUP to the job's pid: the container stops.  The shell is hung up on, ports
 * are closed, the session worker sends its outcome within SERVE_PARTS_MS, and
 * the helper ends.  job_kill(): all of it, the shell's group included, ends
 * now.  Other descriptors of the core are not in the helper.
 */
int session_start(struct job *job, const struct session_in *in,
    struct err *err);

#endif
