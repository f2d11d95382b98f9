#ifndef APP_COURSE_KEY_H
#define APP_COURSE_KEY_H

struct course;
struct err;

/*
 * The key pair of a node's course: its maker starts before the net worker and
 * works beside it; two pipes hold the halves until they are wanted.  For
 * app/course_phases.c alone.
 */

/* Start the maker, unless there is a pair that has not been used. */
int course_key_begin(struct course *course, struct err *err);

/* Forget the pair. */
void course_key_drop(struct course *course);

#endif
