#ifndef APP_COURSE_H
#define APP_COURSE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app/job.h"
#include "app/work.h"
#include "base/err.h"
#include "ssm/state.h"

/*
 * The course of a node's life, as a table of phases.  Each phase is one worker
 * process; what it reports decides the next phase:
 *
 *   PREPARE -> REGISTER [-> DELEGATE -> TIDY] -> INSTALL -> START -> UP
 *      |  \--> CHECK ----------------------------------------^
 *      |         |                                           |
 *      v         v                                           v
 *   REMOVE -> FORGET -> PREPARE (a leftover)  or  DOWN (the end)
 *
 * START and UP wait for the agent (app/minder.h).  WAIT is the pause before
 * another try.  Nothing is allocated.
 */
enum course_phase {
	COURSE_OFF,
	COURSE_PREPARE,
	COURSE_CHECK,
	COURSE_REGISTER,
	COURSE_DELEGATE,
	COURSE_INSTALL,
	COURSE_START,
	COURSE_UP,
	COURSE_WAIT,
	COURSE_REMOVE,
	COURSE_FORGET,
	COURSE_DOWN,
	COURSE_PHASES,
};

struct course {
	enum course_phase phase;
	bool begun;       /* the phase's worker was started */
	bool stopping;    /* on the way to DOWN */
	bool leftover;    /* REMOVE and FORGET are for a predecessor */
	bool reused;      /* the registration is of an earlier start */
	bool refused;     /* AWS no longer accepts it */
	bool delegated;   /* the code was handed over */
	bool key_used;    /* the key pair went to AWS */
	bool quiet;       /* DOWN has nothing (more) to note */
	bool unsaved;     /* the state is ahead of the disk */
	char verdict[16]; /* of work_files_prepare() */
	int64_t started_at, give_up_at, retry_at;
	int64_t stop_by; /* once stopping */
	struct state state, tidied;
	struct work work;
	struct job job, saver, key, tidy;
	int code_fd;     /* read end of the code pipe, -1 = none */
	struct err last; /* why it went down, or the last failed try */
};

struct course_options {
	const struct config *cfg;
	const char *agent, *role, *code;
};

void course_init(struct course *course, const struct course_options *options);
void course_start(struct course *course);

/* There will be no node, because of err. */
void course_refuse(struct course *course, const struct err *err);

/* Only remove what the state, read from the disk, knows of. */
void course_clear(struct course *course, const struct state *state);

/* AWS seems not to know the node any more: ask, and register anew if so. */
void course_doubt(struct course *course);

/* The process ends before the course does: say what is left. */
void course_abandon(const struct course *course);

/* For the phases: what comes next; and an end for which there is a reason. */
void course_go(struct course *course, enum course_phase phase);
void course_fail(struct course *course, const struct err *err);

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
enum { COURSE_FDS = 4 };
size_t course_poll(const struct course *course, struct pollfd *fds);
int64_t course_due(const struct course *course);

/* Static text, for status. */
const char *course_phase_name(enum course_phase phase);

#endif
