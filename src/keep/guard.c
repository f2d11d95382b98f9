/* SPDX-License-Identifier: MIT */
#include "keep/guard.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/pass.h"
#include "base/slice.h"
#include "settings/config.h"
#include "work/work.h"

enum { LOCK, SOCKET, AGENT };

void
guard_init(struct guard *guard)
{
	*guard = (struct guard){ .from = -1, .fds = { -1, -1, -1 } };
}

int
guard_begin(struct guard *guard, const struct work *work, struct err *err)
{
	struct work input = *work;
	struct job_spec spec = {
		.name = "lock",
		.work = work_guard_take,
		.input = &input,
		.tells =
		    JOURNAL_BIT(JOURNAL_HELD) | JOURNAL_BIT(JOURNAL_MEMORY),
		.keep_count = 1,
		.deadline = clock_in(GUARD_TAKE_MS),
	};
	int ends[2];
	int rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socketpair");
	input.guard_fd = spec.keep[0] = ends[1];
	rc = job_start(&guard->job, &spec, err);
	close(ends[1]);
	guard->from = ends[0];
	if (rc != 0)
		file_close(&guard->from);
	return rc;
}

/* All that the worker has sent, in the order of its work. */
static void
collect(struct guard *guard)
{
	int fds[PASS_MAX];
	size_t count = pass_receive(guard->from, fds);

	while (count > 0) {
		for (size_t i = 0; i < count; i++) {
			if (guard->count < GUARD_FDS)
				guard->fds[guard->count++] = fds[i];
			else
				close(fds[i]);
		}
		count = pass_receive(guard->from, fds);
	}
	file_close(&guard->from);
}

/* A job's own words say that it was late, not what for. */
static void
explain(struct err *err, const struct config *cfg, enum guard_news news)
{
	if (!err->timed_out)
		return;
	err_clear(err);
	/* The state directory has a socket already. */
	if (news == GUARD_SHARED) {
		err_set(err, ERR_KIND_SYSTEM,
		    "no answer from where amazon-ssm-agent is looked for, nor "
		    "from its folders, within %d s",
		    GUARD_TAKE_MS / 1000);
		return;
	}
	err_set(err, ERR_KIND_SYSTEM,
	    "no answer from the volume of %s within %d s", cfg->state_dir,
	    GUARD_TAKE_MS / 1000);
	err_fix(err,
	    "look at the machine's storage, or set SSM_ACTIVATE_STATE_DIR to "
	    "a folder on another volume");
}

bool
guard_pending(const struct guard *guard)
{
	return guard->job.active && !guard->dropped;
}

bool
guard_holds(const struct guard *guard)
{
	return guard->fds[LOCK] >= 0;
}

static enum guard_news
judge(struct guard *guard, const struct job_record *last, int *socket,
    struct err *err)
{
	bool failed = last->type == JOURNAL_FAILED;
	bool listens = false;

	collect(guard);
	listens = guard->fds[SOCKET] >= 0;
	if (listens)
		*socket = guard->fds[SOCKET];
	guard->fds[SOCKET] = -1;
	if (!failed && guard_holds(guard))
		return GUARD_HELD;
	if (failed)
		*err = last->err;
	else
		err_set(err, ERR_KIND_SYSTEM,
		    "recvmsg: the lock could not be taken over");
	return listens ? GUARD_SHARED : GUARD_FAILED;
}

enum guard_news
guard_step(struct guard *guard, const struct config *cfg, int *socket,
    struct err *err)
{
	enum guard_news news = GUARD_NOTHING;
	struct job_record record;

	while (news == GUARD_NOTHING && job_next(&guard->job, &record) == 1) {
		if (guard->dropped)
			continue;
		if (record.type == JOURNAL_HELD) {
			/* A pid of another namespace says nothing. */
			guard->elsewhere = slice_eq(slice_of(record.text), "0");
			err_set(err, ERR_KIND_SYSTEM,
			    "another ssm-activate (pid %s) keeps %s",
			    record.text, cfg->state_dir);
			job_kill(&guard->job);
			file_close(&guard->from);
			return GUARD_OTHER;
		}
		if (record.type == JOURNAL_MEMORY) {
			job_kill(&guard->job);
			file_close(&guard->from);
			return GUARD_NOWHERE;
		}
		news = judge(guard, &record, socket, err);
	}
	explain(err, cfg, news);
	return news;
}

bool
guard_drop(struct guard *guard, const struct work *work)
{
	struct job_spec spec = {
		.name = "unlock",
		.work = work_guard_drop,
		.input = work,
		.deadline = clock_in(GUARD_DROP_MS),
	};

	/* A worker that takes it has nothing of value yet. */
	if (!guard_holds(guard))
		return true;
	if (!guard->dropped && job_start(&guard->job, &spec, NULL) != 0)
		return true;
	guard->dropped = true;
	return !guard->job.active;
}

void
guard_end(struct guard *guard)
{
	job_kill(&guard->job);
	file_close(&guard->from);
	file_close(&guard->fds[SOCKET]);
	/* Free before the other one is. */
	file_close(&guard->fds[AGENT]);
	file_close(&guard->fds[LOCK]);
}
