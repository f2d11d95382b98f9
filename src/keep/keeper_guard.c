#include "keep/keeper_guard.h"

#include "base/err.h"
#include "keep/keeper.h"
#include "settings/config.h"

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
	k->over_told = keeper_report(k, JOURNAL_REFUSED);
	refuse(k, err);
}

static void
begin(struct keeper *k, enum guard_news news)
{
	const struct state *leftover = k->options->leftover;

	if (leftover != NULL)
		course_clear(&k->course, leftover, news == GUARD_SHARED);
	else
		course_start(&k->course);
}

/* Lock and socket are there, or not: then the course can begin, and ends at
 * once in all cases but one.  Where the application has ended already there is
 * nothing to begin, but why there would have been no node is still said. */
void
keeper_guard_take(struct keeper *k)
{
	const struct keeper_options *options = k->options;
	struct err err = { 0 };
	enum guard_news news =
	    guard_step(&k->guard, k->cfg, &k->listener.fd, &err);
	bool begins = news == GUARD_HELD ||
	              (news == GUARD_SHARED && options->leftover != NULL);

	if (news == GUARD_NOTHING)
		return;
	if (news == GUARD_OTHER)
		give_way(k, &err);
	else if (options->refused != NULL)
		refuse(k, options->refused);
	else if (!begins)
		refuse(k, &err);
	else if (!k->course.stopping)
		begin(k, news);
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
