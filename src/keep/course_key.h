#ifndef KEEP_COURSE_KEY_H
#define KEEP_COURSE_KEY_H

struct course;
struct err;

/*
 * The key pair of a node's course: its maker works beside the net worker, once
 * that one is about to call AWS; two pipes hold the halves until they are
 * wanted.  For keep/course.c and keep/course_phases.c alone.
 */

/* Make the pipes, unless there is a pair, or will be, that was not used. */
int course_key_open(struct course *course, struct err *err);

/* Start the maker, if there are pipes for it.  Where it cannot be started,
 * whoever wants the key finds the pipe at its end. */
void course_key_make(struct course *course);

/* Forget the pair. */
void course_key_drop(struct course *course);

#endif
