#ifndef WORK_JOB_LOG_H
#define WORK_JOB_LOG_H

#include <stdint.h>

struct err;

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

/* theirs: the worker's end, to be closed by the caller. */
int job_log_open(struct job_log *log, int *theirs, struct err *err);

/* Pass on what is there; waits for nothing. */
void job_log_pass(struct job_log *log);

/* The same for the last time; name: of the worker, for the one line that says
 * that not all could be passed on. */
void job_log_close(struct job_log *log, const char *name);

/* What to poll, -1 = nothing now, and when to call job_log_pass() besides
 * (base/clock; INT64_MAX = not by time). */
int job_log_fd(const struct job_log *log);
int64_t job_log_due(const struct job_log *log);

#endif
