/* SPDX-License-Identifier: MIT */
#include "keep/supervisor.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/procs.h"
#include "agent/spec.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

int64_t
supervisor_pause(int n)
{
	return clock_backoff(SUPERVISOR_FIRST_MS, SUPERVISOR_PAUSE_MAX_MS, n,
	    1);
}

static struct procs_entry list[PROCS_MAX];

enum { LOOK_MS = 5 };

/* The agent of our own, while it is kept. */
static const struct builtin *own;

static const char *
name(void)
{
	return own != NULL ? "the builtin agent" : "amazon-ssm-agent";
}

/* Kill what belongs to the agent; sessions only where all is to end.  True if
 * there was something.  Of our own agent nothing outlives its core but what
 * sessions have started. */
static bool
kill_tree(bool sessions)
{
	size_t count = own == NULL ? procs_ours(list, PROCS_MAX)
	                           : procs_below(own->job.pid, list, PROCS_MAX);
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		bool core =
		    list[i].role == PROCS_CORE || list[i].role == PROCS_WORKER;

		if ((core || sessions) && !list[i].zombie)
			any |= kill(list[i].pid, SIGKILL) == 0;
	}
	return any;
}

/* The worker of that core, 0 = none; -1 where even the core is not known for
 * what it is: without /proc, or under an emulator. */
static pid_t
find_worker(pid_t core)
{
	size_t count = procs_ours(list, PROCS_MAX);
	pid_t found = -1;

	for (size_t i = 0; i < count; i++) {
		if (list[i].role == PROCS_WORKER && list[i].ppid == core &&
		    !list[i].zombie)
			return list[i].pid;
		if (list[i].role == PROCS_CORE && list[i].pid == core)
			found = 0;
	}
	return found;
}

static bool
is_watched(const struct supervisor *supervisor)
{
	return supervisor->phase == SUPERVISOR_RUNNING &&
	       supervisor->worker != 0 && supervisor->worker_fd >= 0;
}

static void
forget_worker(struct supervisor *supervisor)
{
	if (supervisor->worker != 0)
		file_close(&supervisor->worker_fd);
	supervisor->worker = 0;
	supervisor->worked = false;
	supervisor->looks = 0;
}

static int
start_builtin(struct supervisor *supervisor, struct err *err)
{
	if (builtin_start(&supervisor->builtin, err) != 0)
		return -1;
	supervisor->pid = supervisor->builtin.job.pid;
	supervisor->phase = SUPERVISOR_STARTING;
	supervisor->since = supervisor->next = clock_ms();
	return 0;
}

static int
start(struct supervisor *supervisor, struct err *err)
{
	struct child_options options = {
		.dir = "/",
		.new_group = true,
		.agent = true,
		.with_parent = true,
		.null_stdin = true,
		.null_stdout = true,
		/* It greets every start there; what matters is in its log. */
		.null_stderr = !log_enabled(LOG_DEBUG),
	};

	if (supervisor->spec == NULL)
		return start_builtin(supervisor, err);
	options.argv = (const char *const *)supervisor->spec->argv;
	options.envp = supervisor->spec->envp;
	if (child_begin(&supervisor->child, &options, err) != 0)
		return -1;
	supervisor->pid = supervisor->child.pid;
	supervisor->phase = SUPERVISOR_FORKED;
	supervisor->next = clock_in(SUPERVISOR_EXEC_MS);
	return 0;
}

int
supervisor_start(struct supervisor *supervisor, const struct spec *spec,
    struct err *err)
{
	*supervisor = (struct supervisor){ .spec = spec };
	own = NULL;
	return start(supervisor, err) == 0 ? 0
	                                   : err_wrap(err, "start the agent");
}

int
supervisor_start_builtin(struct supervisor *supervisor, const struct work *work,
    struct err *err)
{
	*supervisor = (struct supervisor){ .builtin.work = work };
	own = &supervisor->builtin;
	return start(supervisor, err) == 0 ? 0
	                                   : err_wrap(err, "start the agent");
}

static void
pause_or_give_up(struct supervisor *supervisor)
{
	forget_worker(supervisor);
	if (++supervisor->crashes >= SUPERVISOR_TRIES) {
		supervisor->phase = SUPERVISOR_LOST;
		err_clear(&supervisor->why);
		err_set(&supervisor->why, ERR_KIND_SYSTEM,
		    "%s does not stay alive", name());
		log_event(LOG_ERROR, "agent_lost",
		    "%s ended %d times in a row: given up%s", name(),
		    supervisor->crashes,
		    own != NULL ? ""
		                : "; its own log is agent.log in the state "
		                  "directory, or where seelog.xml says");
		return;
	}
	supervisor->phase = SUPERVISOR_PAUSING;
	supervisor->next = clock_in(supervisor_pause(supervisor->crashes));
}

/* Crashes before a long life do not count any more. */
static void
forgive(struct supervisor *supervisor)
{
	if (clock_ms() - supervisor->since >= SUPERVISOR_STEADY_MS)
		supervisor->crashes = 0;
}

/* It runs, but is of no use.  Gives the seconds until its next start, -1 when
 * it is given up. */
static int
end_and_pause(struct supervisor *supervisor)
{
	forgive(supervisor);
	kill_tree(false);
	pause_or_give_up(supervisor);
	if (supervisor->phase != SUPERVISOR_PAUSING)
		return -1;
	return (int)(supervisor_pause(supervisor->crashes) / 1000);
}

/* One that never ran is not tried again. */
static void
start_failed(struct supervisor *supervisor, struct err *err)
{
	supervisor->pid = 0;
	err_wrap(err, "start the agent");
	if (supervisor->restarts == 0) {
		supervisor->phase = SUPERVISOR_LOST;
		supervisor->why = *err;
		return;
	}
	log_err(LOG_WARN, "agent_ended", err);
	pause_or_give_up(supervisor);
}

/* Whether it is the agent by now. */
static void
look_at_start(struct supervisor *supervisor)
{
	struct err err = { 0 };
	int exec_errno = 0;

	switch (child_look(&supervisor->child, &exec_errno, &err)) {
	case CHILD_RUNS:
		supervisor->phase = SUPERVISOR_STARTING;
		supervisor->since = clock_ms();
		supervisor->next = supervisor->since + SUPERVISOR_ALIVE_MS;
		break;
	case CHILD_FAILED:
		start_failed(supervisor, &err);
		break;
	case CHILD_PENDING:
		if (clock_ms() < supervisor->next)
			return;
		child_drop(&supervisor->child);
		kill(supervisor->pid, SIGKILL);
		err_set(&err, ERR_KIND_SYSTEM,
		    "no answer from the volume of %s within %d s",
		    supervisor->spec->argv[0], SUPERVISOR_EXEC_MS / 1000);
		start_failed(supervisor, &err);
		break;
	}
}

/* Its start is not waited for any more. */
static void
forget_start(struct supervisor *supervisor)
{
	if (supervisor->phase == SUPERVISOR_FORKED)
		child_drop(&supervisor->child);
}

bool
supervisor_runs(const struct supervisor *supervisor)
{
	return supervisor->phase == SUPERVISOR_STARTING ||
	       supervisor->phase == SUPERVISOR_RUNNING;
}

bool
supervisor_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	if (supervisor->pid == 0 || supervisor->pid != pid)
		return false;
	if (supervisor->phase == SUPERVISOR_FORKED)
		look_at_start(supervisor);
	supervisor->pid = 0;
	builtin_ended(&supervisor->builtin, pid);
	if (!supervisor_runs(supervisor))
		return true; /* It was us. */
	forgive(supervisor);
	/* A worker without its core would go on as a second agent. */
	kill_tree(false);
	pause_or_give_up(supervisor);
	if (supervisor->phase == SUPERVISOR_PAUSING) {
		log_event(LOG_WARN, "agent_ended",
		    "%s ended (status %d); starting it again in %d s", name(),
		    child_status(status),
		    (int)(supervisor_pause(supervisor->crashes) / 1000));
	}
	return true;
}

/* Its end is seen at once where there is a descriptor of it, else by looking
 * for it now and then. */
static void
look_at_worker(struct supervisor *supervisor)
{
	struct pollfd end = { .fd = supervisor->worker_fd, .events = POLLIN };
	bool watched = is_watched(supervisor), gone = false;
	pid_t seen = 0;
	int pause;

	if (watched ? poll(&end, 1, 0) != 1 : clock_ms() < supervisor->next)
		return;
	if (!watched)
		seen = find_worker(supervisor->pid);
	gone = supervisor->worker != 0 ? seen != supervisor->worker
	                               : seen == 0 && supervisor->worked;
	if (gone && seen >= 0) {
		pause = end_and_pause(supervisor);
		if (pause >= 0) {
			log_event(LOG_WARN, "agent_ended",
			    "ssm-agent-worker ended; starting the agent again "
			    "in %d s",
			    pause);
		}
		return;
	}
	if (seen > 0 && supervisor->worker == 0) {
		supervisor->worker = seen;
		supervisor->worker_fd = (int)syscall(SYS_pidfd_open, seen, 0);
	}
	supervisor->next =
	    clock_in(seen == 0 && ++supervisor->looks < SUPERVISOR_LOOKS
	                 ? SUPERVISOR_LOOK_MS
	                 : SUPERVISOR_LOOK_LATER_MS);
}

void
supervisor_tick(struct supervisor *supervisor)
{
	struct err err = { 0 };

	if (supervisor->phase == SUPERVISOR_FORKED)
		look_at_start(supervisor);
	else if (supervisor->phase == SUPERVISOR_RUNNING && own == NULL)
		look_at_worker(supervisor);
	/* What is over for its job is gone. */
	if (supervisor->pid > 0 && own != NULL && !own->job.active)
		supervisor_reaped(supervisor, supervisor->pid, 0);
	if (supervisor_due(supervisor) > clock_ms())
		return;
	switch (supervisor->phase) {
	case SUPERVISOR_STARTING:
		supervisor->phase = SUPERVISOR_RUNNING;
		supervisor->next =
		    clock_in(supervisor->worked ? 0 : SUPERVISOR_LOOK_MS);
		if (supervisor->restarts > 0)
			log_event(LOG_INFO, "agent_restarted", "%s runs again",
			    name());
		break;
	case SUPERVISOR_PAUSING:
		supervisor->restarts++;
		if (start(supervisor, &err) != 0)
			start_failed(supervisor, &err);
		break;
	case SUPERVISOR_STOPPING:
		supervisor_kill(supervisor);
		break;
	case SUPERVISOR_FORKED:
	case SUPERVISOR_OFF:
	case SUPERVISOR_RUNNING:
	case SUPERVISOR_LOST:
		break;
	}
}

size_t
supervisor_poll(const struct supervisor *supervisor, struct pollfd *fds)
{
	int fd = -1;

	if (supervisor->builtin.job.active)
		return job_poll(&supervisor->builtin.job, fds);
	if (supervisor->phase == SUPERVISOR_FORKED)
		fd = supervisor->child.fd;
	else if (is_watched(supervisor))
		fd = supervisor->worker_fd;
	fds[0] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return fd >= 0;
}

int64_t
supervisor_due(const struct supervisor *supervisor)
{
	switch (supervisor->phase) {
	case SUPERVISOR_FORKED:
	case SUPERVISOR_STARTING:
	case SUPERVISOR_PAUSING:
	case SUPERVISOR_STOPPING:
		return supervisor->next;
	case SUPERVISOR_RUNNING:
		return own != NULL || is_watched(supervisor) ? INT64_MAX
		                                             : supervisor->next;
	case SUPERVISOR_OFF:
	case SUPERVISOR_LOST:
		break;
	}
	return INT64_MAX;
}

void
supervisor_works(struct supervisor *supervisor)
{
	if (supervisor->worked || !supervisor_runs(supervisor))
		return;
	supervisor->worked = true;
	if (supervisor->phase == SUPERVISOR_RUNNING)
		supervisor->next = clock_ms();
}

void
supervisor_hibernates(struct supervisor *supervisor)
{
	int pause;

	if (!supervisor_runs(supervisor))
		return;
	pause = end_and_pause(supervisor);
	if (pause >= 0) {
		log_event(LOG_WARN, "agent_hibernates",
		    "amazon-ssm-agent went to sleep because its first "
		    "heartbeat failed; starting it again in %d s",
		    pause);
	}
}

void
supervisor_stop(struct supervisor *supervisor, int64_t ms)
{
	if (supervisor->phase == SUPERVISOR_STOPPING ||
	    supervisor->phase == SUPERVISOR_OFF)
		return;
	forget_start(supervisor);
	forget_worker(supervisor);
	supervisor->phase = SUPERVISOR_STOPPING;
	supervisor->next = clock_in(ms);
	if (supervisor->pid > 0)
		kill(supervisor->pid, SIGTERM);
}

bool
supervisor_busy(void)
{
	size_t count = 0;

	if (own != NULL)
		return own->busy;
	count = procs_ours(list, PROCS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (list[i].role == PROCS_SESSION && !list[i].zombie)
			return true;
	}
	return false;
}

static bool
is_session(pid_t pid, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].pid == pid)
			return list[i].role == PROCS_SESSION;
	}
	return false;
}

bool
supervisor_hang_up(void)
{
	size_t count = 0;
	bool any = false;

	if (own != NULL)
		return builtin_part(own);
	count = procs_ours(list, PROCS_MAX);

	for (size_t i = 0; i < count; i++) {
		if (!list[i].zombie && is_session(list[i].ppid, count))
			any |= kill(list[i].pid, SIGHUP) == 0;
	}
	return any;
}

void
supervisor_kill(struct supervisor *supervisor)
{
	int64_t until = clock_in(SUPERVISOR_DIES_MS);

	if (supervisor->phase == SUPERVISOR_OFF)
		return;
	forget_start(supervisor);
	forget_worker(supervisor);
	supervisor->phase = SUPERVISOR_OFF;
	/* Without /proc the tree is not seen; the core is known.  Our own is
	 * what the tree hangs on. */
	if (supervisor->pid > 0)
		kill(supervisor->pid, own == NULL ? SIGKILL : SIGSTOP);
	while (kill_tree(true) && clock_left(until) > 0)
		clock_sleep(clock_in(LOOK_MS));
	if (own == NULL)
		return;
	builtin_ended(&supervisor->builtin, 0);
	supervisor->pid = 0;
	own = NULL;
}
