/* SPDX-License-Identifier: MIT */
#ifndef KEEP_SUPERVISOR_H
#define KEEP_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/child.h"
#include "base/err.h"
#include "keep/builtin.h"

struct pollfd;
struct spec;
struct work;

/*
 * Keeps amazon-ssm-agent running.  Its exit status is not looked at: it is 0
 * on nearly every failure.  The end of its agent-worker, which it would see
 * within a minute only, counts as its own.  After a crash only its core and its
 * agent-worker are ended; session- and document-workers, and what runs in them,
 * live on and are taken over by the next core.  Signals go to our own
 * descendants only.
 */
enum {
	SUPERVISOR_EXEC_MS = 10000, /* for the program's volume to answer */
	SUPERVISOR_ALIVE_MS = 100,  /* the agent runs once its core lived so */
	SUPERVISOR_FIRST_MS = 1000, /* pause before the first restart */
	SUPERVISOR_PAUSE_MAX_MS = 60000,
	SUPERVISOR_STEADY_MS =
	    600000,               /* a life so long forgets earlier crashes */
	SUPERVISOR_TRIES = 10,    /* crashes in a row until we give up */
	SUPERVISOR_LOOK_MS = 500, /* for the agent-worker of a new core */
	SUPERVISOR_LOOKS = 20,
	SUPERVISOR_LOOK_LATER_MS = 10000, /* where it is not seen by then */
	SUPERVISOR_DIES_MS = 500,         /* what is killed is gone sooner */
	SUPERVISOR_PARTS_MS =
	    300, /* a session's worker has told its client sooner */
};

enum supervisor_phase {
	SUPERVISOR_OFF,
	SUPERVISOR_FORKED,   /* not known to be the agent yet */
	SUPERVISOR_STARTING, /* started, not yet SUPERVISOR_ALIVE_MS old */
	SUPERVISOR_RUNNING,
	SUPERVISOR_PAUSING,  /* ended, to be started again */
	SUPERVISOR_STOPPING, /* told to end */
	SUPERVISOR_LOST,     /* given up */
};

struct supervisor {
	enum supervisor_phase phase;
	const struct spec *spec; /* NULL: the agent of our own */
	struct builtin builtin;
	struct child child; /* the start under way, while SUPERVISOR_FORKED */
	struct err why;     /* when it is lost */
	pid_t pid;          /* of the core, 0 = none */
	pid_t worker;       /* of its agent-worker, 0 = not seen yet */
	int worker_fd;      /* readable at its end; -1 = it is looked for */
	int looks;          /* for it so far */
	bool worked;        /* there is one, or was */
	int64_t since;      /* start of this core, clock_ms() */
	int64_t next;       /* when something is due, in most phases */
	int crashes;        /* in a row */
	int restarts;       /* in all */
};

/* Begin to start it; on failure nothing runs.  Whether its program can be run
 * is seen by supervisor_tick(): if not, the agent is lost. */
int supervisor_start(struct supervisor *supervisor, const struct spec *spec,
    struct err *err);

/* The same for the agent of our own; the work is borrowed as long as it runs.
 */
int supervisor_start_builtin(struct supervisor *supervisor,
    const struct work *work, struct err *err);

/* Its core was started, and nothing is known of its end. */
bool supervisor_runs(const struct supervisor *supervisor);

/* Tell that pid was reaped; true if that was the core. */
bool supervisor_reaped(struct supervisor *supervisor, pid_t pid, int status);

/* Do what is due by now. */
void supervisor_tick(struct supervisor *supervisor);

/* What to wait for, at most so many; gives how many. */
enum { SUPERVISOR_FDS = JOB_FDS };
size_t supervisor_poll(const struct supervisor *supervisor, struct pollfd *fds);

/* When supervisor_tick() wants to be called; INT64_MAX = not by time. */
int64_t supervisor_due(const struct supervisor *supervisor);

/* Its worker was heard of, and must be there from now on. */
void supervisor_works(struct supervisor *supervisor);

/* It sleeps instead of working: end core and worker and start them again. */
void supervisor_hibernates(struct supervisor *supervisor);

/* Ask it to end; whatever of it is left after ms milliseconds, sessions and
 * commands included, is killed by supervisor_tick(). */
void supervisor_stop(struct supervisor *supervisor, int64_t ms);

/* A session or a command is open. */
bool supervisor_busy(void);

/* Hang up on the shells of sessions and commands, whose workers then tell their
 * clients that it is over, within SUPERVISOR_PARTS_MS; a client whose worker is
 * killed waits for ever.  True if there was a shell. */
bool supervisor_hang_up(void);

/* Kill all of it now.  None of it runs any more when this is back, unless the
 * kernel keeps it for longer than SUPERVISOR_DIES_MS. */
void supervisor_kill(struct supervisor *supervisor);

/* The pause before restart number n (from 1), milliseconds; pure. */
int64_t supervisor_pause(int n);

#endif
