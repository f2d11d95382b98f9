#ifndef KEEP_COURSE_MOVE_H
#define KEEP_COURSE_MOVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "keep/ttl.h"
#include "keep/watch.h"
#include "ssm/state.h"
#include "work/job.h"
#include "work/work.h"

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
 * START and UP wait for the agent (keep/minder.h).  WAIT is the pause before
 * another try.  keep/course_phases.h says what happens in each phase,
 * keep/course.h drives them.
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
	bool certs;       /* the agent is to trust a file of ours */
	bool quiet;       /* DOWN has nothing (more) to note */
	bool unsaved;     /* the state is ahead of the disk */
	char verdict[16]; /* of work_files_prepare() */
	int64_t started_at, give_up_at, retry_at;
	int64_t stop_by; /* once stopping */
	struct state state, tidied;
	struct work work;
	struct job job, saver, key, tidy;
	struct watch watch;
	struct ttl ttl;
	int code_fd;     /* read end of the code pipe, -1 = none */
	int key_out[2];  /* for the key maker, until it is started */
	struct err last; /* why it went down, or the last failed try */
};

/* What comes next; once stopping is set, that is the take-down. */
void course_move_to(struct course *course, enum course_phase phase);

/* An end for which there is a reason. */
void course_move_fail(struct course *course, const struct err *err);

/* Static text, for status. */
const char *course_move_name(enum course_phase phase);

#endif
