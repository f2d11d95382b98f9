/* SPDX-License-Identifier: MIT */
#include "serve/session.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "serve/ask.h"
#include "serve/dialer.h"
#include "serve/shell.h"
#include "serve/talk.h"
#include "settings/config.h"
#include "work/job.h"
#include "work/work.h"

/* A shell gets so long from SIGHUP to SIGKILL. */
enum { HANG_UP_MS = 300, LOOK_MS = 10, RECORDS_MAX = 64, FIXED_FDS = 3 };

struct helper {
	const struct talk_in *in;
	int signals, hand;
	struct job job;   /* the session worker */
	struct ask *ask;  /* what it asked for last */
	struct ask *task; /* NULL = it was not told yet */
	bool started;
	struct shell shell;
	struct dialer dialer;
	int status;  /* of the program; -1 = it runs, or there is none */
	bool told;   /* the worker was told of the status */
	bool parted; /* the container stops */
	bool over;
};

/* Room is there for all that a worker can be waiting for; one that does not
 * take it is not ours any more. */
static void
tell(struct helper *helper, struct ask *ask, const int *fds, size_t count)
{
	if (ask_send(helper->hand, ask, fds, count) != 0)
		helper->over = true;
}

static void
tell_failure(struct helper *helper, uint32_t id, const struct err *err)
{
	ask_make(helper->ask, ASK_FAILED);
	helper->ask->id = id;
	ask_say(helper->ask, slice_of(err->msg));
	tell(helper, helper->ask, NULL, 0);
}

static struct shell_in
shell_of(const struct helper *helper)
{
	return (struct shell_in){
		.cfg = helper->in->work.cfg,
		.region = helper->in->work.state->region,
		.ask = helper->task,
	};
}

static void
keep_task(struct helper *helper)
{
	struct ask *other = calloc(1, sizeof *other);

	helper->over = other == NULL;
	if (other == NULL)
		return;
	helper->task = helper->ask;
	helper->ask = other;
}

/* Once: a second one is what only a worker that was taken over asks for. */
static void
start(struct helper *helper)
{
	struct shell_in in = shell_of(helper);
	struct ask *task = helper->task;
	struct err err = { 0 };

	helper->over = helper->started || task == NULL;
	if (helper->over)
		return;
	helper->started = true;
	task->columns = helper->ask->columns;
	task->rows = helper->ask->rows;
	if (shell_start(&helper->shell, &in, &err) != 0)
		tell_failure(helper, 0, &err);
}

static void
dial(struct helper *helper)
{
	uint32_t id = helper->ask->id;
	struct err err = { 0 };

	if (dialer_begin(&helper->dialer, helper->ask, &err) != 0)
		tell_failure(helper, id, &err);
}

static void
obey(struct helper *helper)
{
	const struct ask *ask = helper->ask;

	if (!ask_within(helper->task, ask)) {
		log_event(LOG_WARN, "agent_session",
		    "a session's process asked for what its task does not "
		    "want, and was ended");
		helper->over = true;
		return;
	}
	switch ((enum ask_kind)ask->kind) {
	case ASK_TASK:
		keep_task(helper);
		break;
	case ASK_START:
		start(helper);
		break;
	case ASK_RESIZE:
		shell_resize(&helper->shell, ask);
		break;
	case ASK_SIGNAL:
		if (helper->shell.pid > 0)
			kill(helper->shell.pid, ask->number);
		break;
	case ASK_DIAL:
		dial(helper);
		break;
	default: /* ASK_CLOSE */
		dialer_drop(&helper->dialer, ask->id);
		break;
	}
}

static void
hear(struct helper *helper)
{
	int fds[PASS_MAX], got = 1;
	size_t count = 0;

	for (int i = 0; i < RECORDS_MAX && got == 1 && !helper->over; i++) {
		got = ask_take(helper->hand, true, helper->ask, fds, &count);
		if (got == 1)
			obey(helper);
	}
	helper->over |= got < 0;
}

/* Has the program come to run? */
static void
look_at_start(struct helper *helper)
{
	struct shell *shell = &helper->shell;
	struct shell_in in = shell_of(helper);
	struct err err = { 0 };
	int exec_errno = 0;

	if (shell->count == 0 || shell->pid == 0)
		return;
	switch (child_look(&shell->child, &exec_errno, &err)) {
	case CHILD_PENDING:
		return;
	case CHILD_FAILED:
		helper->told = true;
		shell_explain(&in, exec_errno, &err);
		tell_failure(helper, 0, &err);
		break;
	default: /* CHILD_RUNS */
		ask_make(helper->ask, ASK_STARTED);
		tell(helper, helper->ask, shell->fds, shell->count);
	}
	shell_handed(shell);
}

static void
look_at_end(struct helper *helper)
{
	if (helper->status < 0 || helper->told || helper->shell.count > 0)
		return;
	ask_make(helper->ask, ASK_EXITED);
	helper->ask->number = helper->status & 0xff;
	helper->told = true;
	tell(helper, helper->ask, NULL, 0);
}

static void
look_at_dials(struct helper *helper)
{
	struct err err = { 0 };
	uint32_t id = 0;
	int fd = -1;

	while (!helper->over && dialer_next(&helper->dialer, &id, &fd, &err)) {
		if (fd < 0) {
			tell_failure(helper, id, &err);
			err_clear(&err);
			continue;
		}
		ask_make(helper->ask, ASK_CONNECTED);
		helper->ask->id = id;
		tell(helper, helper->ask, &fd, 1);
		file_close(&fd);
	}
}

static void
reap(struct helper *helper)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		job_reaped(&helper->job, pid);
		if (pid != helper->shell.pid)
			continue;
		helper->shell.pid = 0;
		helper->status = child_status(status);
	}
}

/* The container stops: the worker tells its client while the shell ends. */
static void
part(struct helper *helper)
{
	helper->parted = true;
	ask_make(helper->ask, ASK_PART);
	tell(helper, helper->ask, NULL, 0);
	shell_hang_up(&helper->shell);
}

static void
hear_signals(struct helper *helper)
{
	int number;

	while ((number = signals_next(helper->signals)) != 0) {
		if (number == SIGHUP)
			part(helper);
		else if (number == SIGTERM)
			helper->over = true;
	}
	look_at_start(helper);
	reap(helper);
}

static void
wait_for_news(const struct helper *helper)
{
	struct pollfd fds[FIXED_FDS + JOB_FDS + DIALER_MAX];
	int64_t due =
	    clock_min(job_due(&helper->job), dialer_due(&helper->dialer));
	size_t n = 0;

	fds[n++] = (struct pollfd){ helper->signals, POLLIN, 0 };
	fds[n++] = (struct pollfd){ helper->hand, POLLIN, 0 };
	fds[n++] = (struct pollfd){
		.fd = helper->shell.count > 0 ? helper->shell.child.fd : -1,
		.events = POLLIN,
	};
	n += job_poll(&helper->job, &fds[n]);
	n += dialer_poll(&helper->dialer, &fds[n]);
	signals_wait(fds, n, due == INT64_MAX ? -1 : clock_left(due));
}

static void
step(struct helper *helper)
{
	struct job_record record;

	wait_for_news(helper);
	hear_signals(helper);
	if (!helper->over)
		hear(helper);
	look_at_start(helper);
	look_at_end(helper);
	look_at_dials(helper);
	/* Its end is the last thing that is heard of it. */
	while (job_next(&helper->job, &record) == 1) {
		if (record.type == JOURNAL_FAILED)
			log_err(LOG_WARN, "agent_session", &record.err);
		helper->over = true;
	}
}

/* What a session that is ended from outside has left running has HANG_UP_MS to
 * end; what outlives a shell that ended by itself was meant to. */
static void
end_program(struct helper *helper)
{
	int64_t until = clock_in(HANG_UP_MS);

	if (helper->shell.pid == 0 && !helper->parted)
		return;
	shell_hang_up(&helper->shell);
	while (shell_lives(&helper->shell) && clock_left(until) > 0) {
		clock_sleep(clock_in(LOOK_MS));
		reap(helper);
	}
	shell_kill(&helper->shell);
	reap(helper);
}

static int
start_worker(struct helper *helper, int theirs, struct err *err)
{
	struct talk_in input = *helper->in;
	struct job_spec spec = {
		.name = "session",
		.work = talk_run,
		.input = &input.work,
		.keep = { input.line, theirs },
		.keep_count = 2,
		.deadline = INT64_MAX,
	};

	input.hand = theirs;
	return job_start(&helper->job, &spec, err);
}

static int
open_helper(struct helper *helper, struct err *err)
{
	struct exec_signals before;
	int ends[2], rc;

	helper->ask = calloc(1, sizeof *helper->ask);
	if (helper->ask == NULL)
		return err_memory(err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	        0, ends) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socketpair");
	helper->hand = ends[0];
	rc = signals_open(&helper->signals, &before, err);
	if (rc == 0)
		rc = start_worker(helper, ends[1], err);
	close(ends[1]);
	/* The session worker's end is the end of the line. */
	close(helper->in->line);
	return rc;
}

/* The helper; its end takes worker and program with it. */
static int
help(const struct work *work, int out, struct err *err)
{
	struct helper helper = {
		.in = (const struct talk_in *)(const void *)work,
		.signals = -1,
		.hand = -1,
		.status = -1,
	};
	int rc;

	(void)out;
	rc = open_helper(&helper, err);
	while (rc == 0 && !helper.over)
		step(&helper);
	job_kill(&helper.job);
	end_program(&helper);
	free(helper.ask);
	free(helper.task);
	return rc;
}

int
session_start(struct job *job, const struct session_in *in, struct err *err)
{
	struct talk_in input = {
		.work = *in->work,
		.id = in->id,
		.line = in->line,
	};
	struct job_spec spec = {
		.name = "session",
		.work = help,
		.input = &input.work,
		.keep = { in->line },
		.keep_count = 1,
		.deadline = INT64_MAX,
	};

	shell_reserve(in->work->cfg);
	return job_start(job, &spec, err);
}
