#include "keep/course_move.h"

#include "base/clock.h"
#include "base/log.h"

enum { FAIL_MS = 20000 }; /* for removing what a failed start has made */

const char *
course_move_name(enum course_phase phase)
{
	static const char *const names[COURSE_PHASES] = {
		[COURSE_OFF] = "off",
		[COURSE_PREPARE] = "preparing",
		[COURSE_CHECK] = "checking",
		[COURSE_REGISTER] = "registering",
		[COURSE_DELEGATE] = "registering",
		[COURSE_INSTALL] = "installing",
		[COURSE_START] = "starting",
		[COURSE_UP] = "up",
		[COURSE_WAIT] = "waiting",
		[COURSE_REMOVE] = "removing",
		[COURSE_FORGET] = "removing",
		[COURSE_DOWN] = "down",
	};

	return names[phase];
}

void
course_move_to(struct course *course, enum course_phase phase)
{
	bool forward = phase != COURSE_REMOVE && phase != COURSE_FORGET &&
	               phase != COURSE_DOWN;

	if (course->stopping && forward)
		phase = state_settled(&course->state) ? COURSE_FORGET
		                                      : COURSE_REMOVE;
	log_debug("%s -> %s", course_move_name(course->phase),
	    course_move_name(phase));
	course->phase = phase;
	course->begun = false;
}

void
course_move_fail(struct course *course, const struct err *err)
{
	course->last = *err;
	/* Who stops it already has less time to give. */
	if (!course->stopping)
		course->stop_by = clock_in(FAIL_MS);
	course->stopping = true;
	course_move_to(course, COURSE_OFF);
}
