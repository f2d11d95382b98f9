#include "keep/keeper_guard.h"

#include "base/err.h"
#include "keep/keeper.h"
#include "settings/config.h"

void
keeper_leave_disk(struct keeper *k)
{
	if (!guard_holds(&k->guard))
		k->life.close = LIFE_NOTHING;
}

/* There will be no node. */
static void
refuse(struct keeper *k, const struct err *err)
{
	keeper_leave_disk(k);
	life_bar(&k->life, err);
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
		life_clear(&k->life, leftover, news == GUARD_SHARED);
	else
		life_start(&k->life);
}

/* Lock and socket are there, or not: then the life can begin, and ends at
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
	else if (!k->life.stopping)
		begin(k, news);
}

void
keeper_guard_begin(struct keeper *k)
{
	struct work work = k->life.work;
	struct err err = { 0 };

	work.refused = k->options->refused != NULL;
	if (guard_begin(&k->guard, &work, &err) != 0)
		refuse(k, work.refused ? k->options->refused : &err);
}
