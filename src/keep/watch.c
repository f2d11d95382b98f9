/* SPDX-License-Identifier: MIT */
#include "keep/watch.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "keep/supervisor.h"
#include "settings/config.h"
#include "work/work.h"

void
watch_begin(struct watch *watch, const struct work *work)
{
	watch->on = getpid() != 1 && work_watch_wanted(work);
}

static void
start(struct watch *watch, const struct work *work)
{
	struct job_spec spec = {
		.name = "watch the task",
		.work = work_watch_run,
		.input = work,
		.deadline = INT64_MAX,
	};

	watch->next = clock_in(supervisor_pause(++watch->deaths));
	job_start(&watch->job, &spec, NULL);
}

bool
watch_step(struct watch *watch, const struct work *work)
{
	struct job_record record;

	while (job_next(&watch->job, &record) == 1) {
		if (record.type == JOURNAL_DONE) {
			watch->on = false;
			return true;
		}
		if (record.type == JOURNAL_FAILED) {
			log_debug("%s", record.err.msg);
			watch->on = record.err.retry != ERR_FINAL;
			watch->next = clock_in(supervisor_pause(watch->deaths));
		}
	}
	if (clock_ms() >= watch_due(watch))
		start(watch, work);
	return false;
}

void
watch_end(struct watch *watch)
{
	watch->on = false;
	job_kill(&watch->job);
}

int64_t
watch_due(const struct watch *watch)
{
	return watch->on && !watch->job.active ? watch->next : INT64_MAX;
}
