#ifndef KEEP_LIFE_TABLE_H
#define KEEP_LIFE_TABLE_H

#include "keep/life.h"

struct err;

/*
 * The table behind keep/life.h: what each state begins, where each event leads,
 * and what is done on the way.  For keep/life.c, which raises the events.
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
enum life_event life_end(const struct life *life, const struct err *why);

/* It happened: act, and go on to where it leads.  why as above. */
void life_happen(struct life *life, enum life_event event,
    const struct err *why);

/* Say what is left and how to remove it: nobody else will. */
void life_tell_left(const struct state *state);

#endif
