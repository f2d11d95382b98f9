/* SPDX-License-Identifier: MIT */
#ifndef WORK_JOB_H
#define WORK_JOB_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ssm/state.h"

struct work;

/*
 * A worker process: forked, in a session of its own, does one thing, sends
 * records, ends.  Its keeper reads the records, passes its log on, and kills it
 * at its deadline.  A worker that is killed has gone when its job is over, with
 * what it has started, unless the kernel does not let go of it for JOB_BURY_MS:
 * one that waits for a volume that does not answer ends with that, and nobody
 * waits for it.
 */
enum { JOB_KEEP_MAX = 4, JOB_BURY_MS = 500 };

struct job_spec {
	const char *name; /* for messages, static */
	/* Runs in the worker and sends its records into out.  What it gives
	 * makes the last one: JOURNAL_DONE, or JOURNAL_FAILED with err. */
	int (*work)(const struct work *input, int out, struct err *err);
	const struct work *input;
	int keep[JOB_KEEP_MAX]; /* further descriptors that it needs */
	size_t keep_count;
	uint32_t tells;   /* JOURNAL_BIT() of what it may send, besides the last
	                   * one; the rest is dropped with a warning */
	int64_t deadline; /* clock_ms() time base */
};

/*
 * What a worker tells its keeper: records of one size over a pipe, each one a
 * single atomic write.  Those of the net worker are the journal: what exists
 * on the account is known as soon as it exists, and a worker that is killed
 * takes no knowledge with it.
 */
enum { JOB_TEXT_SIZE = 384 };

struct job_record {
	uint32_t magic;
	uint32_t type; /* enum journal */
	char text[JOB_TEXT_SIZE];
	struct state state;
	struct err err;
};

/* An empty record of the type. */
void job_make(struct job_record *out, enum journal type);

/* Send one; text, state and err may be NULL. */
int job_send(int fd, enum journal type, const char *text,
    const struct state *state, const struct err *err);

/* The same for most of them; -1 with err when nobody reads any more. */
int job_tell(int out, enum journal type, const char *text, struct err *err);

/* 1 = a record, 0 = none yet, -1 = the end.  What is not of the right form
 * is dropped with a warning, since the sender talked to the network. */
int job_receive(int fd, struct job_record *out);

/* Pure. */
bool job_valid(const struct job_record *record);
bool job_err_valid(const struct err *err);

/*
 * The log of one worker: a pipe in place of standard error, whose lines the
 * keeper passes on, without control characters (log_raw()).  No more than
 * JOB_LOG_BURST bytes at once, and JOB_LOG_RATE a second in the long run: then
 * the pipe is left full, and who writes to it waits or drops lines.
 */
enum { JOB_LOG_BURST = 128 * 1024, JOB_LOG_RATE = 4096 };

struct job_log {
	int fd; /* the end of the keeper, -1 = closed */
	int64_t credit, counted_at;
};

/* Zero is "no job". */
struct job {
	const char *name;
	pid_t pid; /* 0 = none, or reaped */
	int fd;    /* records; valid while active, as is log */
	struct job_log log;
	uint32_t tells;
	int64_t deadline;
	bool active; /* started and its last record not seen */
};

int job_start(struct job *job, const struct job_spec *spec, struct err *err);

/*
 * The next record: 1, or 0 when there is none now.  After the last one, at
 * the end of a worker that died without one, and when the deadline has passed
 * (the worker is killed then), a JOURNAL_DONE or JOURNAL_FAILED is given and
 * the job is not active any more.
 */
int job_next(struct job *job, struct job_record *out);

/* Kill it and drop what it still has to say. */
void job_kill(struct job *job);

/* The job is over, its worker is not: the kernel keeps it, or it may not be
 * killed. */
bool job_stuck(const struct job *job);

/* Tell the job that pid was reaped; true if that was its worker. */
bool job_reaped(struct job *job, pid_t pid);

/* What job_next() waits for: descriptors, 0 or JOB_FDS, and a point in time
 * (INT64_MAX = none). */
enum { JOB_FDS = 2 };
size_t job_poll(const struct job *job, struct pollfd fds[static JOB_FDS]);
int64_t job_due(const struct job *job);

#endif
