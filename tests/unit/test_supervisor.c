/* SPDX-License-Identifier: MIT */
/* Keeping an agent: copies of the shell under the names of its programs. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/spec.h"
#include "base/clock.h"
#include "base/err.h"
#include "keep/supervisor.h"
#include "unit/folder.h"

enum {
	LONG_MS = 20000,
	STEP_MS = 20,
	STOP_MS = 1000,
	PATH_SIZE = 128,
	SCRIPT_MAX = 1024
};

/* A process that stays, ends on TERM, or does not even do that. */
#define STAYS   "kill -STOP $$; :"
#define ENDS    "trap 'exit 3' TERM; : >$d/ready; while :; do sleep 0.05; done"
#define RESISTS "trap '' TERM; : >$d/ready; while :; do sleep 0.05; done"

static const char *const programs[] = { "amazon-ssm-agent", "ssm-agent-worker",
	"ssm-session-worker" };
static const char *const files[] = { "amazon-ssm-agent", "ssm-agent-worker",
	"ssm-session-worker", "worker", "session", "ready" };

static char home[64], agent[PATH_SIZE], script[SCRIPT_MAX], d[PATH_SIZE];
static char path_var[] = "PATH=/usr/bin:/bin", dash_c[] = "-c";
static char *argv[] = { agent, dash_c, script, NULL };
static char *envp[] = { path_var, d, NULL };
static const struct spec spec = { argv, envp };
static struct supervisor supervisor;
static struct err failure;

static void
copy_shell(const char *name)
{
	char command[PATH_SIZE * 2];

	snprintf(command, sizeof command, "cp -L /bin/sh %s/%s", home, name);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
}

static int
make(void **state)
{
	(void)state;
	strcpy(home, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(home));
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		copy_shell(programs[i]);
	snprintf(agent, sizeof agent, "%s/amazon-ssm-agent", home);
	snprintf(d, sizeof d, "d=%s", home);
	err_clear(&failure);
	supervisor = (struct supervisor){ .spec = NULL };
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int
clean(void **state)
{
	(void)state;
	supervisor_kill(&supervisor);
	return folder_drop(home, files, sizeof files / sizeof files[0]);
}

/* Until it is known whether the agent can be run. */
static void
wait_start(void)
{
	struct pollfd fd;

	while (supervisor.phase == SUPERVISOR_FORKED) {
		assert_int_equal(supervisor_poll(&supervisor, &fd), 1);
		assert_true(supervisor_due(&supervisor) <=
		            clock_in(SUPERVISOR_EXEC_MS));
		assert_int_equal(poll(&fd, 1, LONG_MS), 1);
		supervisor_tick(&supervisor);
	}
	assert_int_equal(supervisor_poll(&supervisor, &fd), 0);
}

static void
start(const char *text)
{
	assert_true(strlen(text) < sizeof script);
	snprintf(script, sizeof script, "%s", text);
	assert_int_equal(supervisor_start(&supervisor, &spec, &failure), 0);
	assert_true(supervisor.pid > 0);
	assert_int_equal(supervisor.phase, SUPERVISOR_FORKED);
	wait_start();
	assert_int_equal(supervisor.phase, SUPERVISOR_STARTING);
}

/* Wait until a file of the folder has something in it, a pid perhaps. */
static pid_t
wait_for(const char *name, bool text)
{
	int64_t until = clock_in(LONG_MS);
	char path[PATH_SIZE], line[32] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", home, name);
	while (clock_ms() < until) {
		file = fopen(path, "r");
		if (file != NULL) {
			(void)!fgets(line, sizeof line, file);
			(void)fclose(file);
			if (!text || strchr(line, '\n') != NULL)
				return (pid_t)strtol(line, NULL, 10);
		}
		clock_sleep(clock_in(STEP_MS));
	}
	fail_msg("no %s", path);
	return 0;
}

static int
reap(pid_t pid)
{
	int64_t until = clock_in(LONG_MS);
	int status = 0;
	pid_t got = 0;

	while ((got = waitpid(pid, &status, WNOHANG)) == 0 &&
	       clock_ms() < until)
		clock_sleep(clock_in(STEP_MS));
	assert_int_equal(got, pid);
	return status;
}

/* The core has ended, and the supervisor is told. */
static void
core_ends(void)
{
	pid_t pid = supervisor.pid;

	assert_true(supervisor_reaped(&supervisor, pid, reap(pid)));
	assert_int_equal(supervisor.pid, 0);
}

/* It has been killed, and nobody needs to wait for its end. */
static void
assert_killed(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool
lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static void
test_pauses(void **state)
{
	(void)state;
	assert_int_equal(supervisor_pause(1), SUPERVISOR_FIRST_MS);
	assert_int_equal(supervisor_pause(2), 2 * SUPERVISOR_FIRST_MS);
	assert_int_equal(supervisor_pause(3), 4 * SUPERVISOR_FIRST_MS);
	assert_int_equal(supervisor_pause(6), 32 * SUPERVISOR_FIRST_MS);
	assert_int_equal(supervisor_pause(7), SUPERVISOR_PAUSE_MAX_MS);
	assert_int_equal(supervisor_pause(1000000), SUPERVISOR_PAUSE_MAX_MS);
}

static void
test_runs_after_a_while(void **state)
{
	(void)state;
	assert_true(supervisor_due(&supervisor) == INT64_MAX);
	start(STAYS);
	assert_int_equal(supervisor.phase, SUPERVISOR_STARTING);
	assert_int_equal(supervisor_due(&supervisor),
	    supervisor.since + SUPERVISOR_ALIVE_MS);
	/* However slow this machine is. */
	supervisor.next = clock_in(LONG_MS);
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_STARTING);
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_RUNNING);
	/* It looks for the worker, which this one has not. */
	assert_true(supervisor_due(&supervisor) <=
	            clock_in(SUPERVISOR_LOOK_MS));
	assert_int_equal(supervisor.restarts, 0);
	assert_false(supervisor_reaped(&supervisor, getpid(), 0));
	assert_false(supervisor_reaped(&supervisor, 0, 0));
}

static void
test_is_started_again(void **state)
{
	pid_t first;

	(void)state;
	/* Its status says nothing: 0 is a crash, too. */
	start("exit 0");
	first = supervisor.pid;
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	assert_int_equal(supervisor.crashes, 1);
	assert_true(supervisor_due(&supervisor) > clock_ms());
	assert_true(supervisor_due(&supervisor) <=
	            clock_in(SUPERVISOR_FIRST_MS));
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	clock_sleep(supervisor_due(&supervisor));
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_FORKED);
	wait_start();
	assert_int_equal(supervisor.phase, SUPERVISOR_STARTING);
	assert_int_equal(supervisor.restarts, 1);
	assert_true(supervisor.pid > 0 && supervisor.pid != first);
	core_ends();
	assert_int_equal(supervisor.crashes, 2);
	assert_true(supervisor_due(&supervisor) >
	            clock_in(SUPERVISOR_FIRST_MS));
}

static void
test_steady_life_forgets(void **state)
{
	(void)state;
	start("exit 1");
	supervisor.crashes = SUPERVISOR_TRIES - 1;
	supervisor.since = clock_ms() - SUPERVISOR_STEADY_MS;
	core_ends();
	assert_int_equal(supervisor.crashes, 1);
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
}

static void
test_gives_up(void **state)
{
	(void)state;
	start("exit 1");
	supervisor.crashes = SUPERVISOR_TRIES - 2;
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	start("exit 1");
	supervisor.crashes = SUPERVISOR_TRIES - 1;
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_LOST);
	assert_true(supervisor_due(&supervisor) == INT64_MAX);
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_LOST);
	assert_int_equal(supervisor.pid, 0);
}

static void
test_cannot_be_started(void **state)
{
	(void)state;
	assert_int_equal(unlink(agent), 0);
	assert_int_equal(supervisor_start(&supervisor, &spec, &failure), 0);
	wait_start();
	assert_int_equal(supervisor.phase, SUPERVISOR_LOST);
	assert_int_equal(supervisor.pid, 0);
	assert_non_null(strstr(supervisor.why.msg, "start the agent"));
	/* Later it is a crash like others. */
	supervisor.phase = SUPERVISOR_PAUSING;
	supervisor.crashes = 1;
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	wait_start();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	assert_int_equal(supervisor.crashes, 2);
	assert_true(supervisor_due(&supervisor) >
	            clock_in(SUPERVISOR_FIRST_MS));
}

/* A start that hangs in execve(2), as far as its keeper can see. */
static void
hang(int *end)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	supervisor = (struct supervisor){
		.phase = SUPERVISOR_FORKED,
		.spec = &spec,
		.child = { .fd = ends[0], .program = agent },
		.pid = fork(),
		.next = clock_in(LONG_MS),
	};
	if (supervisor.pid == 0) {
		(void)pause();
		_exit(1);
	}
	*end = ends[1];
}

static void
test_volume_does_not_answer(void **state)
{
	pid_t pid;
	int end;

	(void)state;
	hang(&end);
	pid = supervisor.pid;
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_FORKED);
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_LOST);
	assert_int_equal(supervisor.pid, 0);
	assert_non_null(strstr(supervisor.why.msg,
	    "no answer from the volume"));
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	(void)close(end);
	/* Once it ran before, the next start may do better. */
	hang(&end);
	supervisor.restarts = 1;
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	assert_int_equal(supervisor.crashes, 1);
	(void)close(end);
}

static void
test_stop_of_a_start_that_hangs(void **state)
{
	pid_t pid;
	int end;

	(void)state;
	hang(&end);
	pid = supervisor.pid;
	supervisor_stop(&supervisor, LONG_MS);
	assert_int_equal(supervisor.phase, SUPERVISOR_STOPPING);
	assert_true(supervisor_reaped(&supervisor, pid, reap(pid)));
	(void)close(end);
	supervisor_kill(&supervisor);
	hang(&end);
	pid = supervisor.pid;
	supervisor_kill(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	assert_int_equal(WTERMSIG(reap(pid)), SIGKILL);
	(void)close(end);
}

/* A core with a worker and a session; it stays or ends.  These tell their pids
 * once they are what their names say. */
#define FAMILY                                                            \
	"$d/ssm-agent-worker -c 'echo $$ >$d/worker; kill -STOP $$; :' &" \
	"$d/ssm-session-worker -c 'echo $$ >$d/session; kill -STOP $$; :' &"

static void
test_crash_leaves_sessions_alone(void **state)
{
	pid_t worker, session;

	(void)state;
	start(FAMILY STAYS);
	worker = wait_for("worker", true);
	session = wait_for("session", true);
	assert_int_equal(kill(supervisor.pid, SIGKILL), 0);
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	assert_int_equal(WTERMSIG(reap(worker)), SIGKILL);
	assert_true(lives(session));
	supervisor_kill(&supervisor);
	assert_killed(session);
}

/* Have it seen: through its descriptor, or, where a policy denies that, by
 * looking. */
static void
check_worker_ends(bool denied)
{
	pid_t worker, session;
	struct pollfd fd;

	start(FAMILY STAYS);
	worker = wait_for("worker", true);
	session = wait_for("session", true);
	supervisor.phase = SUPERVISOR_RUNNING;
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.worker, worker);
	assert_true(supervisor_due(&supervisor) == INT64_MAX);
	assert_int_equal(supervisor_poll(&supervisor, &fd), 1);
	if (denied) {
		(void)close(supervisor.worker_fd);
		supervisor.worker_fd = -1;
		assert_int_equal(supervisor_poll(&supervisor, &fd), 0);
		assert_true(supervisor_due(&supervisor) <=
		            clock_in(SUPERVISOR_LOOK_LATER_MS));
		supervisor.next = clock_ms();
	}
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_RUNNING);
	assert_int_equal(kill(worker, SIGKILL), 0);
	if (denied) {
		clock_sleep(clock_in(STEP_MS));
		supervisor.next = clock_ms();
	} else {
		assert_int_equal(poll(&fd, 1, LONG_MS), 1);
	}
	supervisor_tick(&supervisor);
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	assert_int_equal(supervisor.crashes, 1);
	assert_int_equal(supervisor.worker, 0);
	assert_true(lives(session));
	supervisor_kill(&supervisor);
	assert_killed(session);
	assert_killed(worker);
}

static void
test_worker_ends(void **state)
{
	(void)state;
	check_worker_ends(false);
}

static void
test_worker_ends_unseen(void **state)
{
	(void)state;
	check_worker_ends(true);
}

/* It was heard of, and is not there at the first look. */
static void
test_worker_ended_before(void **state)
{
	pid_t core = 0;

	(void)state;
	start(STAYS);
	supervisor.phase = SUPERVISOR_RUNNING;
	supervisor.next = clock_ms();
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_RUNNING);
	supervisor_works(&supervisor);
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	core_ends();
	/* Where nothing can be seen that is no news. */
	start(STAYS);
	supervisor.phase = SUPERVISOR_RUNNING;
	supervisor_works(&supervisor);
	core = supervisor.pid;
	supervisor.pid = getppid();
	supervisor_tick(&supervisor);
	supervisor.pid = core;
	assert_int_equal(supervisor.phase, SUPERVISOR_RUNNING);
}

static void
test_hibernation(void **state)
{
	pid_t worker, session;

	(void)state;
	start(FAMILY STAYS);
	worker = wait_for("worker", true);
	session = wait_for("session", true);
	supervisor.phase = SUPERVISOR_RUNNING;
	supervisor_hibernates(&supervisor);
	core_ends();
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
	(void)reap(worker);
	assert_true(lives(session));
	/* There is nobody to wake. */
	supervisor_hibernates(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_PAUSING);
}

static void
test_stops(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	start(ENDS);
	(void)wait_for("ready", false);
	pid = supervisor.pid;
	supervisor_stop(&supervisor, LONG_MS);
	assert_int_equal(supervisor.phase, SUPERVISOR_STOPPING);
	status = reap(pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	assert_true(supervisor_reaped(&supervisor, pid, status));
	assert_int_equal(supervisor.phase, SUPERVISOR_STOPPING);
	assert_int_equal(supervisor.crashes, 0);
}

static void
test_stop_has_an_end(void **state)
{
	pid_t session;

	(void)state;
	start("$d/ssm-session-worker -c 'echo $$ >$d/session; "
	      "kill -STOP $$; :' &" RESISTS);
	session = wait_for("session", true);
	(void)wait_for("ready", false);
	supervisor_stop(&supervisor, STOP_MS);
	assert_true(supervisor_due(&supervisor) <= clock_in(STOP_MS));
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_STOPPING);
	clock_sleep(supervisor_due(&supervisor));
	assert_int_equal(kill(session, 0), 0);
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	core_ends();
	(void)reap(session);
	/* And it stays down. */
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	assert_true(supervisor_due(&supervisor) == INT64_MAX);
}

static void
test_kill(void **state)
{
	pid_t core, worker, session;

	(void)state;
	start(FAMILY STAYS);
	worker = wait_for("worker", true);
	session = wait_for("session", true);
	core = supervisor.pid;
	supervisor_kill(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	assert_killed(core);
	assert_true(supervisor_reaped(&supervisor, core, SIGKILL));
	assert_killed(worker);
	assert_killed(session);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	/* Nothing runs: both do nothing. */
	supervisor_kill(&supervisor);
	supervisor_stop(&supervisor, STEP_MS);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
}

/* In the pause there is nothing to stop, but it must not start again. */
static void
test_stop_in_the_pause(void **state)
{
	(void)state;
	start("exit 1");
	core_ends();
	supervisor_stop(&supervisor, 0);
	assert_int_equal(supervisor.phase, SUPERVISOR_STOPPING);
	supervisor_tick(&supervisor);
	assert_int_equal(supervisor.phase, SUPERVISOR_OFF);
	assert_int_equal(supervisor.pid, 0);
}

/* Only our own descendants are signalled. */
static void
test_somebody_elses_agent(void **state)
{
	pid_t other = 0;

	(void)state;
	start("exit 1");
	core_ends();
	/* A child of ours that is none of the agent's programs. */
	other = fork();
	assert_true(other >= 0);
	if (other == 0)
		for (;;)
			(void)pause();
	supervisor_kill(&supervisor);
	clock_sleep(clock_in(STEP_MS));
	assert_true(lives(other));
	assert_int_equal(kill(other, SIGKILL), 0);
	(void)reap(other);
}

#define AGENT_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses),
		AGENT_TEST(test_runs_after_a_while),
		AGENT_TEST(test_is_started_again),
		AGENT_TEST(test_steady_life_forgets),
		AGENT_TEST(test_gives_up),
		AGENT_TEST(test_cannot_be_started),
		AGENT_TEST(test_volume_does_not_answer),
		AGENT_TEST(test_stop_of_a_start_that_hangs),
		AGENT_TEST(test_crash_leaves_sessions_alone),
		AGENT_TEST(test_worker_ends),
		AGENT_TEST(test_worker_ends_unseen),
		AGENT_TEST(test_worker_ended_before),
		AGENT_TEST(test_hibernation),
		AGENT_TEST(test_stops),
		AGENT_TEST(test_stop_has_an_end),
		AGENT_TEST(test_kill),
		AGENT_TEST(test_stop_in_the_pause),
		AGENT_TEST(test_somebody_elses_agent),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
