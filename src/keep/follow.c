/* SPDX-License-Identifier: MIT */
#include "keep/follow.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "keep/supervisor.h"
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
		    JOURNAL_BIT(JOURNAL_OFFLINE) |
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

static unsigned
take(struct follow *follow, const struct job_record *record, unsigned news)
{
	switch ((enum journal)record->type) {
	case JOURNAL_READY:
		follow->ready = true;
		break;
	case JOURNAL_ONLINE:
		return (news & ~(unsigned)FOLLOW_OFFLINE) | FOLLOW_ONLINE;
	case JOURNAL_OFFLINE:
		return (news & ~(unsigned)FOLLOW_ONLINE) | FOLLOW_OFFLINE;
	case JOURNAL_HIBERNATE:
		return news | FOLLOW_HIBERNATE;
	case JOURNAL_DOUBT:
		return news | FOLLOW_DOUBT;
	case JOURNAL_FAILED:
		log_debug("%s", record->err.msg);
		break;
	default:
		break;
	}
	return news;
}

unsigned
follow_step(struct follow *follow, const struct work *work, unsigned news)
{
	struct job_record record;

	while (job_next(&follow->job, &record) == 1)
		news = take(follow, &record, news);
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
