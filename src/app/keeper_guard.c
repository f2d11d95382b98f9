#include "app/keeper_guard.h"

#include "app/config.h"
#include "app/keeper.h"
#include "base/err.h"

/* There will be no node.  What another keeper holds, or what does not answer,
 * is not written to. */
static void
refuse(struct keeper *k, const struct err *err)
{
	k->course.quiet |= !guard_holds(&k->guard);
	course_refuse(&k->course, err);
}

/* Somebody else keeps the node; `up` asks him. */
static void
give_way(struct keeper *k, const struct err *err)
{
	k->over_told = keeper_report(k, RECORD_REFUSED);
	refuse(k, err);
}

/* Lock and socket are there, or not: then the course can begin, and ends at
 * once in all cases but one. */
void
keeper_guard_take(struct keeper *k)
{
	const struct keeper_options *options = k->options;
	struct err err = { 0 };
	enum guard_news news =
	    guard_step(&k->guard, k->cfg, &k->control.fd, &err);

	if (news == GUARD_NOTHING || k->course.stopping)
		return;
	if (news == GUARD_OTHER) {
		give_way(k, &err);
	} else if (options->refused != NULL) {
		refuse(k, options->refused);
	} else if (news != GUARD_FAILED && options->leftover != NULL) {
		course_clear(&k->course, options->leftover,
		    news == GUARD_SHARED);
	} else if (news == GUARD_HELD) {
		course_start(&k->course);
	} else {
		refuse(k, &err);
	}
}

void
keeper_guard_begin(struct keeper *k)
{
	struct work work = k->course.work;
	struct err err = { 0 };

	work.refused = k->options->refused != NULL;
	if (guard_begin(&k->guard, &work, &err) != 0)
		refuse(k, work.refused ? k->options->refused : &err);
}
