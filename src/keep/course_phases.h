#ifndef KEEP_COURSE_PHASES_H
#define KEEP_COURSE_PHASES_H

#include <stdbool.h>
#include <stdint.h>

struct course;
struct err;
struct state;

/* What happens in each phase of a node's course (keep/course_move.h): the
 * worker that it begins, and where its outcome leads.  For keep/course.c alone.
 */
struct course_table {
	/* NULL: there is no worker. */
	int (*begin)(struct course *course, struct err *err);
	void (*done)(struct course *course);
	void (*failed)(struct course *course, const struct err *err);
	bool on_disk; /* the worker reads or removes what is on disk, so the
	               * state must have got there before */
};

/* Say what is left and how to remove it: nobody else will. */
void course_phases_left(const struct state *state);

/*
 * Milliseconds until the next try of a start that has waited so long (unit:
 * random, [0, 1)): between 0.4 and 1 of twice that time, which tells how large
 * the crowd is; 1.5 s at least, 50 s at most.  tests/tools/bench/herd.py
 * compares it with other rules.  Pure.
 */
int64_t course_phases_pause(int64_t waited, double unit);

extern const struct course_table course_phases[];

#endif
