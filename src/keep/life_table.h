/* SPDX-License-Identifier: MIT */
#ifndef KEEP_LIFE_TABLE_H
#define KEEP_LIFE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "keep/key_pair.h"
#include "keep/ttl.h"
#include "keep/watch.h"
#include "ssm/state.h"
#include "work/job.h"
#include "work/work.h"

/*
 * The life of a node: nine states and an end.  Most states are one worker; its
 * outcome is the event that leads to the next state.  The table is in
 * life_table.c, and what it says is what happens:
 *
 *             worker       done      failed  again  stopped  else
 *   WAIT      (a pause)    PREPARE   CLOSE*         REMOVE
 *   PREPARE   prepare      REGISTER  CLOSE*         REMOVE   leftover: REMOVE
 *                                                            not asked: WAIT
 *   REGISTER  register     INSTALL   REMOVE  WAIT   REMOVE   accepted: START
 *                                                            refused: REMOVE
 *                                                            agent: DELEGATE
 *   DELEGATE  the agent's  INSTALL   REMOVE         REMOVE
 *   INSTALL   install      START     REMOVE         REMOVE
 *   START     (the agent)  UP        REMOVE         REMOVE
 *   UP                               REMOVE         REMOVE   doubt: REGISTER
 *   REMOVE    remove       CLOSE     CLOSE   WAIT   CLOSE    (cut: CLOSE*)
 *   CLOSE     close        PREPARE   CLOSE*         OVER
 *
 * A stop lets the worker that runs end, sooner than it would; "stopped" is
 * where its end leads then, and "cut" that of one that fails.  A failure that
 * is not tried again counts as a stop from there on.  So REMOVE and CLOSE
 * without a stop are for what a predecessor left, and then it begins anew.
 * CLOSE removes our files and notes why there is no node; CLOSE* only notes:
 * what is on disk is somebody else's, or stays for the next start.
 */
enum life_state {
	LIFE_STAY, /* in the table: no other state */
	LIFE_WAIT, /* for the lock, to be asked, or before another try */
	LIFE_PREPARE,
	LIFE_REGISTER,
	LIFE_DELEGATE,
	LIFE_INSTALL,
	LIFE_START,
	LIFE_UP,
	LIFE_REMOVE,
	LIFE_CLOSE,
	LIFE_OVER,
	LIFE_STATES,
};

enum life_event {
	LIFE_DONE,        /* the worker has done its work */
	LIFE_LEFTOVER,    /* the same; what is on disk is a predecessor's */
	LIFE_ACCEPTED,    /* a registration of this container is still good, or
	                   * AWS cannot be asked */
	LIFE_REFUSED,     /* AWS does not know it any more */
	LIFE_HANDED_OVER, /* the agent is to register */
	LIFE_NOT_ASKED,   /* there is nothing to remove, and none is wanted */
	LIFE_AGAIN,       /* the worker failed; another try may help */
	LIFE_FAILED,      /* the worker failed, or the agent is lost */
	LIFE_ENDED,       /* after a stop: the worker has done its work, or was
	                   * not begun */
	LIFE_CUT,         /* after a stop: the worker failed */
	LIFE_TIME,        /* the pause is over */
	LIFE_BARRED,      /* there will be no node: the lock, the settings */
	LIFE_STOP,
	LIFE_AGENT_RUNS,
	LIFE_DOUBT, /* the agent's log: AWS seems not to know the node */
	LIFE_EVENTS,
};

/*
 * A disk that is slow is waited for, since to begin again would make it slower:
 * so long, beginning with where the agent is looked for; said after a while.
 */
enum { LIFE_DISK_MS = 600000, LIFE_SLOW_MS = 15000 };

/* What CLOSE does on disk. */
enum life_close { LIFE_FORGET, LIFE_NOTE, LIFE_NOTHING };

struct life {
	enum life_state at;
	enum life_event outcome; /* of the worker, if it succeeds */
	enum life_close close;
	bool begun;    /* the worker of this state was started */
	bool hung_up;  /* sessions were told that it is over */
	bool stopping; /* on the way to OVER */
	bool keeps;    /* the node stays, for the next container */
	bool certs;    /* the agent is to trust a file of ours */
	int64_t started_at, give_up_at;
	int64_t retry_at; /* the end of WAIT, INT64_MAX = not by time */
	int64_t stop_by;  /* once stopping */
	int64_t slow_at;  /* the disk counts as slow; INT64_MAX = said */
	int64_t parts_at; /* REMOVE begins: sessions have had their time */
	struct state state;
	struct work work;
	struct job job, tidy;
	struct {
		struct job job;
		bool due; /* the state is ahead of the disk */
	} saver;
	struct key_pair key;
	struct watch watch;
	struct ttl ttl;
	int code_fd;                 /* read end of the code pipe, -1 = none */
	char agent[WORK_AGENT_SIZE]; /* path of amazon-ssm-agent, once known */
	char name[JOB_TEXT_SIZE];    /* of the node, for SSM_ACTIVATE_ON_UP */
	struct err last; /* why it went down, or the last failed try */
};

/*
 * The table: what each state begins, where each event leads, and what is done
 * on the way.  keep/life.c raises the events.
 */
struct life_move {
	enum life_state to;
	void (*act)(struct life *life, const struct err *why); /* or NULL */
};

struct life_row {
	const char *name; /* for status */
	/* Start the worker: 0, 1 where there is nothing to do, or -1. NULL:
	 * there is none. */
	int (*begin)(struct life *life, struct err *err);
	bool on_disk; /* the worker reads or removes what is on disk, so the
	               * state must have got there before */
	struct life_move on[LIFE_EVENTS];
};

extern const struct life_row life_table[LIFE_STATES];

/* The event that the end of this state's worker is; why: of a failure, else
 * NULL. */
enum life_event life_table_end(const struct life *life, const struct err *why);

/* It happened: act, and go on to where it leads.  why as above. */
void life_table_happen(struct life *life, enum life_event event,
    const struct err *why);

/* Static text, for status. */
const char *life_table_name(enum life_state state);

/*
 * Milliseconds until the next try of a start that has waited so long (unit:
 * random, [0, 1)): between 0.4 and 1 of twice that time, which tells how large
 * the crowd is; 1.5 s at least, 50 s at most.  tests/tools/bench/herd.py
 * compares it with other rules.  Pure.
 */
int64_t life_table_pause(int64_t waited, double unit);

/* Say what is left and how to remove it: nobody else will. */
void life_table_tell_left(const struct state *state);

#endif
