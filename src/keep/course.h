#ifndef KEEP_COURSE_H
#define KEEP_COURSE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/course_move.h"

struct config;
struct err;
struct state;

/*
 * What a keeper does with the course of its node (keep/course_move.h tells the
 * phases).  Nothing is allocated.
 */
struct course_options {
	const struct config *cfg;
	const char *agent, *role;
	char *code; /* wiped when it is used, or of no use any more */
};

void course_init(struct course *course, const struct course_options *options);
void course_start(struct course *course);

/* There will be no node, because of err. */
void course_refuse(struct course *course, const struct err *err);

/* Only remove what the state, read from the disk, knows of; the agent's files
 * not when somebody else uses their folder. */
void course_clear(struct course *course, const struct state *state,
    bool shared);

/* AWS seems not to know the node any more: ask, and register anew if so. */
void course_doubt(struct course *course);

/* The process ends before the course does: say what is left. */
void course_abandon(const struct course *course);

/* Do whatever is due: read records, start the next worker. */
void course_step(struct course *course);

/* Tell that pid was reaped; true if that was one of the workers. */
bool course_reaped(struct course *course, pid_t pid);

/* The agent runs; or it cannot be started, or is lost. */
void course_agent_runs(struct course *course);
void course_agent_lost(struct course *course, const struct err *err);

/* Begin the take-down, whatever the phase. */
void course_stop(struct course *course);

/* Nothing more will happen. */
bool course_over(const struct course *course);

/* What course_step() waits for: descriptors, at most COURSE_FDS, and a point
 * in time (INT64_MAX = none). */
enum { COURSE_JOBS = 5, COURSE_FDS = COURSE_JOBS * JOB_FDS };
size_t course_poll(const struct course *course, struct pollfd *fds);
int64_t course_due(const struct course *course);

#endif
