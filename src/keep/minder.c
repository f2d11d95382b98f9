#include "keep/minder.h"

#include <poll.h>
#include <signal.h>

#include "agent/procs.h"
#include "agent/spec.h"
#include "base/clock.h"
#include "base/log.h"

int64_t
minder_pause(int n)
{
	return clock_backoff(MINDER_FIRST_MS, MINDER_PAUSE_MAX_MS, n, 1);
}

static struct procs_entry list[PROCS_MAX];

enum { LOOK_MS = 5 };

/* Kill what belongs to the agent; sessions only where all is to end.  True if
 * there was something. */
static bool
kill_tree(bool sessions)
{
	size_t count = procs_ours(list, PROCS_MAX);
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		bool core =
		    list[i].role == PROCS_CORE || list[i].role == PROCS_WORKER;

		if ((core || sessions) && !list[i].zombie)
			any |= kill(list[i].pid, SIGKILL) == 0;
	}
	return any;
}

static int
start(struct minder *minder, struct err *err)
{
	struct child_options options = {
		.argv = (const char *const *)minder->spec->argv,
		.envp = minder->spec->envp,
		.dir = "/",
		.new_group = true,
		.agent = true,
		.with_parent = true,
		.null_stdin = true,
		.null_stdout = true,
		/* It greets every start there; what matters is in its log. */
		.null_stderr = !log_enabled(LOG_DEBUG),
	};

	if (child_begin(&minder->child, &options, err) != 0)
		return -1;
	minder->pid = minder->child.pid;
	minder->phase = MINDER_FORKED;
	minder->next = clock_in(MINDER_EXEC_MS);
	return 0;
}

int
minder_start(struct minder *minder, const struct spec *spec, struct err *err)
{
	*minder = (struct minder){ .spec = spec };
	return start(minder, err) == 0 ? 0 : err_wrap(err, "start the agent");
}

static void
pause_or_give_up(struct minder *minder)
{
	if (++minder->crashes >= MINDER_TRIES) {
		minder->phase = MINDER_LOST;
		err_clear(&minder->why);
		err_set(&minder->why, ERR_KIND_SYSTEM,
		    "amazon-ssm-agent does not stay alive");
		log_event(LOG_ERROR, "agent_lost",
		    "amazon-ssm-agent ended %d times in a row: given up; its "
		    "own log is in /var/log/amazon/ssm",
		    minder->crashes);
		return;
	}
	minder->phase = MINDER_PAUSING;
	minder->next = clock_in(minder_pause(minder->crashes));
}

/* One that never ran is not tried again. */
static void
start_failed(struct minder *minder, struct err *err)
{
	minder->pid = 0;
	err_wrap(err, "start the agent");
	if (minder->restarts == 0) {
		minder->phase = MINDER_LOST;
		minder->why = *err;
		return;
	}
	log_err(LOG_WARN, "agent_ended", err);
	pause_or_give_up(minder);
}

/* Whether it is the agent by now. */
static void
look_at_start(struct minder *minder)
{
	struct err err = { 0 };
	int exec_errno = 0;

	switch (child_look(&minder->child, &exec_errno, &err)) {
	case CHILD_RUNS:
		minder->phase = MINDER_STARTING;
		minder->since = clock_ms();
		minder->next = minder->since + MINDER_ALIVE_MS;
		break;
	case CHILD_FAILED:
		start_failed(minder, &err);
		break;
	case CHILD_PENDING:
		if (clock_ms() < minder->next)
			return;
		child_drop(&minder->child);
		kill(minder->pid, SIGKILL);
		err_set(&err, ERR_KIND_SYSTEM,
		    "no answer from the volume of %s within %d s",
		    minder->spec->argv[0], MINDER_EXEC_MS / 1000);
		start_failed(minder, &err);
		break;
	}
}

/* Its start is not waited for any more. */
static void
forget_start(struct minder *minder)
{
	if (minder->phase == MINDER_FORKED)
		child_drop(&minder->child);
}

bool
minder_reaped(struct minder *minder, pid_t pid, int status)
{
	if (minder->pid == 0 || minder->pid != pid)
		return false;
	if (minder->phase == MINDER_FORKED)
		look_at_start(minder);
	minder->pid = 0;
	if (minder->phase != MINDER_STARTING && minder->phase != MINDER_RUNNING)
		return true; /* It was us. */
	if (clock_ms() - minder->since >= MINDER_STEADY_MS)
		minder->crashes = 0;
	/* A worker without its core would go on as a second agent. */
	kill_tree(false);
	pause_or_give_up(minder);
	if (minder->phase == MINDER_PAUSING) {
		log_event(LOG_WARN, "agent_ended",
		    "amazon-ssm-agent ended (status %d); starting it again "
		    "in %d s",
		    child_status(status),
		    (int)(minder_pause(minder->crashes) / 1000));
	}
	return true;
}

void
minder_tick(struct minder *minder)
{
	struct err err = { 0 };

	if (minder->phase == MINDER_FORKED)
		look_at_start(minder);
	if (minder_due(minder) > clock_ms())
		return;
	switch (minder->phase) {
	case MINDER_STARTING:
		minder->phase = MINDER_RUNNING;
		if (minder->restarts > 0)
			log_event(LOG_INFO, "agent_restarted",
			    "amazon-ssm-agent runs again");
		break;
	case MINDER_PAUSING:
		minder->restarts++;
		if (start(minder, &err) != 0)
			start_failed(minder, &err);
		break;
	case MINDER_STOPPING:
		minder_kill(minder);
		break;
	case MINDER_FORKED:
	case MINDER_OFF:
	case MINDER_RUNNING:
	case MINDER_LOST:
		break;
	}
}

size_t
minder_poll(const struct minder *minder, struct pollfd *fds)
{
	if (minder->phase != MINDER_FORKED)
		return 0;
	fds[0] = (struct pollfd){ .fd = minder->child.fd, .events = POLLIN };
	return 1;
}

int64_t
minder_due(const struct minder *minder)
{
	switch (minder->phase) {
	case MINDER_FORKED:
	case MINDER_STARTING:
	case MINDER_PAUSING:
	case MINDER_STOPPING:
		return minder->next;
	case MINDER_OFF:
	case MINDER_RUNNING:
	case MINDER_LOST:
		break;
	}
	return INT64_MAX;
}

void
minder_hibernates(struct minder *minder)
{
	if (minder->phase != MINDER_RUNNING && minder->phase != MINDER_STARTING)
		return;
	kill_tree(false);
	pause_or_give_up(minder);
	if (minder->phase == MINDER_PAUSING) {
		log_event(LOG_WARN, "agent_hibernates",
		    "amazon-ssm-agent went to sleep because its first "
		    "heartbeat failed; starting it again in %d s",
		    (int)(minder_pause(minder->crashes) / 1000));
	}
}

void
minder_stop(struct minder *minder, int64_t ms)
{
	if (minder->phase == MINDER_STOPPING || minder->phase == MINDER_OFF)
		return;
	forget_start(minder);
	minder->phase = MINDER_STOPPING;
	minder->next = clock_in(ms);
	if (minder->pid > 0)
		kill(minder->pid, SIGTERM);
}

bool
minder_busy(void)
{
	size_t count = procs_ours(list, PROCS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (list[i].role == PROCS_SESSION && !list[i].zombie)
			return true;
	}
	return false;
}

void
minder_kill(struct minder *minder)
{
	int64_t until = clock_in(MINDER_DIES_MS);

	if (minder->phase == MINDER_OFF)
		return;
	forget_start(minder);
	minder->phase = MINDER_OFF;
	/* Without /proc the tree is not seen; the core is known. */
	if (minder->pid > 0)
		kill(minder->pid, SIGKILL);
	while (kill_tree(true) && clock_left(until) > 0)
		clock_sleep(clock_in(LOOK_MS));
}
