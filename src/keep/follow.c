#include "keep/follow.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "keep/supervisor.h"
#include "work/journal.h"
#include "work/work.h"

static void
start(struct follow *follow, const struct work *work)
{
	struct job_spec spec = {
		.name = "follow the agent's log",
		.work = work_log_follow,
		.input = work,
		.tells =
		    JOURNAL_BIT(JOURNAL_READY) | JOURNAL_BIT(JOURNAL_ONLINE) |
		    JOURNAL_BIT(JOURNAL_HIBERNATE) | JOURNAL_BIT(JOURNAL_DOUBT),
		/* One that waits for a volume that does not answer goes on
		 * with it. */
		.deadline = INT64_MAX,
	};

	follow->next = clock_in(supervisor_pause(++follow->deaths));
	job_start(&follow->job, &spec, NULL);
}

void
follow_begin(struct follow *follow, const struct work *work)
{
	if (follow->on)
		return;
	follow->on = true;
	follow->ready = false;
	follow->deaths = 0;
	follow->ready_by = clock_in(FOLLOW_READY_MS);
	start(follow, work);
}

bool
follow_ready(const struct follow *follow)
{
	return follow->ready || clock_ms() >= follow->ready_by;
}

unsigned
follow_step(struct follow *follow, const struct work *work)
{
	struct journal_entry record;
	unsigned news = 0;

	while (job_next(&follow->job, &record) == 1) {
		if (record.type == JOURNAL_READY)
			follow->ready = true;
		else if (record.type == JOURNAL_ONLINE)
			news |= FOLLOW_ONLINE;
		else if (record.type == JOURNAL_HIBERNATE)
			news |= FOLLOW_HIBERNATE;
		else if (record.type == JOURNAL_DOUBT)
			news |= FOLLOW_DOUBT;
		else if (record.type == JOURNAL_FAILED)
			log_debug("%s", record.err.msg);
	}
	if (follow->on && !follow->job.active && clock_ms() >= follow->next)
		start(follow, work);
	return news;
}

void
follow_end(struct follow *follow)
{
	follow->on = false;
	job_kill(&follow->job);
}

int64_t
follow_due(const struct follow *follow)
{
	if (!follow->on)
		return INT64_MAX;
	if (!follow->job.active)
		return follow->next;
	return follow_ready(follow) ? INT64_MAX : follow->ready_by;
}
