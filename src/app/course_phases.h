#ifndef APP_COURSE_PHASES_H
#define APP_COURSE_PHASES_H

#include <stdbool.h>

struct course;
struct err;
struct state;

/* What happens in each phase of a node's course (app/course.h): the worker
 * that it begins, and where its outcome leads.  For app/course.c alone. */
struct course_table {
	const char *name;
	/* NULL: there is no worker. */
	int (*begin)(struct course *course, struct err *err);
	void (*done)(struct course *course);
	void (*failed)(struct course *course, const struct err *err);
	bool on_disk; /* the worker reads or removes what is on disk, so the
	               * state must have got there before */
};

/* Say what is left and how to remove it: nobody else will. */
void course_phases_left(const struct state *state);

extern const struct course_table course_phases[];

#endif
