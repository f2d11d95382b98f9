#ifndef KEEP_MINDER_H
#define KEEP_MINDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/child.h"
#include "base/err.h"

struct pollfd;
struct spec;

/*
 * Keeps amazon-ssm-agent running.  Its exit status is not looked at: it is 0
 * on nearly every failure.  After a crash only its core and its agent-worker
 * are ended; session- and document-workers, and what runs in them, live on
 * and are taken over by the next core.  Signals go to our own descendants
 * only.
 */
enum {
	MINDER_EXEC_MS = 10000, /* for the program's volume to answer */
	MINDER_ALIVE_MS = 200,  /* the agent runs once its core lived so */
	MINDER_FIRST_MS = 1000, /* pause before the first restart */
	MINDER_PAUSE_MAX_MS = 60000,
	MINDER_STEADY_MS = 600000, /* a life so long forgets earlier crashes */
	MINDER_TRIES = 10,         /* crashes in a row until we give up */
	MINDER_DIES_MS = 500,      /* what is killed is gone sooner */
};

enum minder_phase {
	MINDER_OFF,
	MINDER_FORKED,   /* not known to be the agent yet */
	MINDER_STARTING, /* started, not yet MINDER_ALIVE_MS old */
	MINDER_RUNNING,
	MINDER_PAUSING,  /* ended, to be started again */
	MINDER_STOPPING, /* told to end */
	MINDER_LOST,     /* given up */
};

struct minder {
	enum minder_phase phase;
	const struct spec *spec;
	struct child child; /* the start under way, while MINDER_FORKED */
	struct err why;     /* when it is lost */
	pid_t pid;          /* of the core, 0 = none */
	int64_t since;      /* start of this core, clock_ms() */
	int64_t next;       /* when something is due, in most phases */
	int crashes;        /* in a row */
	int restarts;       /* in all */
};

/* Begin to start it; on failure nothing runs.  Whether its program can be run
 * is seen by minder_tick(): if not, the agent is lost. */
int minder_start(struct minder *minder, const struct spec *spec,
    struct err *err);

/* Tell that pid was reaped; true if that was the core. */
bool minder_reaped(struct minder *minder, pid_t pid, int status);

/* Do what is due by now. */
void minder_tick(struct minder *minder);

/* What to wait for, at most one; gives how many. */
size_t minder_poll(const struct minder *minder, struct pollfd *fds);

/* When minder_tick() wants to be called; INT64_MAX = not by time. */
int64_t minder_due(const struct minder *minder);

/* It sleeps instead of working: end core and worker and start them again. */
void minder_hibernates(struct minder *minder);

/* Ask it to end; whatever of it is left after ms milliseconds, sessions and
 * commands included, is killed by minder_tick(). */
void minder_stop(struct minder *minder, int64_t ms);

/* A session or a command is open. */
bool minder_busy(void);

/* Kill all of it now.  None of it runs any more when this is back, unless the
 * kernel keeps it for longer than MINDER_DIES_MS. */
void minder_kill(struct minder *minder);

/* The pause before restart number n (from 1), milliseconds; pure. */
int64_t minder_pause(int n);

#endif
