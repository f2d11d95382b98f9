/* SPDX-License-Identifier: MIT */
#include "keep/builtin.h"

#include <signal.h>

#include "base/log.h"
#include "keep/follow.h"
#include "serve/serve.h"
#include "work/work.h"

int
builtin_start(struct builtin *builtin, struct err *err)
{
	struct job_spec spec = {
		.name = "agent",
		.work = serve_run,
		.input = builtin->work,
		.tells = JOURNAL_BIT(JOURNAL_ONLINE) |
		         JOURNAL_BIT(JOURNAL_OFFLINE) |
		         JOURNAL_BIT(JOURNAL_BUSY) | JOURNAL_BIT(JOURNAL_IDLE) |
		         JOURNAL_BIT(JOURNAL_DOUBT),
		.keep = { builtin->work->key_fd },
		.keep_count = builtin->work->key_fd > 0,
		.deadline = INT64_MAX,
	};

	builtin->busy = false;
	return job_start(&builtin->job, &spec, err);
}

static unsigned
take(struct builtin *builtin, const struct job_record *record, unsigned news)
{
	switch ((enum journal)record->type) {
	case JOURNAL_ONLINE:
		return (news & ~(unsigned)FOLLOW_OFFLINE) | FOLLOW_ONLINE;
	case JOURNAL_OFFLINE:
		return (news & ~(unsigned)FOLLOW_ONLINE) | FOLLOW_OFFLINE;
	case JOURNAL_DOUBT:
		return news | FOLLOW_DOUBT;
	case JOURNAL_BUSY:
	case JOURNAL_IDLE:
		builtin->busy = record->type == JOURNAL_BUSY;
		break;
	case JOURNAL_FAILED:
		log_err(LOG_WARN, "agent_ended", &record->err);
		break;
	default:
		break;
	}
	return news;
}

unsigned
builtin_step(struct builtin *builtin, unsigned news)
{
	struct job_record record;

	while (job_next(&builtin->job, &record) == 1)
		news = take(builtin, &record, news);
	return news;
}

void
builtin_ended(struct builtin *builtin, pid_t pid)
{
	struct job_record record;

	job_reaped(&builtin->job, pid);
	while (job_next(&builtin->job, &record) == 1)
		take(builtin, &record, 0);
	job_kill(&builtin->job);
	builtin->busy = false;
}

bool
builtin_part(const struct builtin *builtin)
{
	return builtin->busy && builtin->job.pid > 0 &&
	       kill(builtin->job.pid, SIGHUP) == 0;
}
