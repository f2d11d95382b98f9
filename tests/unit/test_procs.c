/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/procs.h"
#include "unit/sandbox.h"

/*
 * Copies of this program under the agent's names stand for its processes.
 * Each one says on its descriptor 3 that it runs, starts the next of its
 * arguments, and sleeps until it is ended with the test.
 */
enum { READY = 3, LIST_MAX = 64, CROWD = PROCS_MAX + 1000 };

static char folder[64];

static int
play(int argc, char **argv)
{
	if (argc > 1) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)execv(argv[1], argv + 1);
			_exit(1);
		}
	} else if (write(READY, "x", 1) != 1) {
		return 1;
	}
	/* At most as long as any test may take. */
	(void)sleep(60);
	return 0;
}

static void
copy_self(const char *name)
{
	static char data[65536];
	char path[128];
	int from = open("/proc/self/exe", O_RDONLY), to;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	SANDBOX_CHECK(from >= 0 && to >= 0);
	while ((n = read(from, data, sizeof(data))) > 0)
		SANDBOX_CHECK(write(to, data, (size_t)n) == n);
	SANDBOX_CHECK(n == 0 && close(from) == 0 && close(to) == 0);
}

static void
learn(const char *agent)
{
	struct procs_files files;

	procs_look(&files, agent);
	procs_learn(&files);
}

static void
make_programs(void)
{
	char agent[128];

	(void)snprintf(folder, sizeof(folder), "/tmp/test_procs.XXXXXX");
	SANDBOX_CHECK(mkdtemp(folder) != NULL);
	copy_self("amazon-ssm-agent");
	copy_self("ssm-agent-worker");
	copy_self("ssm-session-worker");
	copy_self("shell");
	(void)snprintf(agent, sizeof(agent), "%s/amazon-ssm-agent", folder);
	learn(agent);
}

static void
remove_programs(void)
{
	static const char *const names[] = { "amazon-ssm-agent",
		"ssm-agent-worker", "ssm-session-worker", "shell" };
	char path[128];

	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

/* Start a chain of programs, each the child of the one before; gives the pid
 * of the first when the last one runs. */
static pid_t
start(const char *const *names, bool own_mounts)
{
	char paths[5][128];
	char *argv[6] = { NULL };
	int ends[2];
	char byte;
	pid_t pid;

	for (size_t i = 0; names[i] != NULL; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", folder,
		    names[i]);
		argv[i] = paths[i];
	}
	SANDBOX_CHECK(pipe2(ends, O_CLOEXEC) == 0);
	pid = fork();
	SANDBOX_CHECK(pid >= 0);
	if (pid == 0) {
		if (setpgid(0, 0) != 0 ||
		    (own_mounts && unshare(CLONE_NEWNS) != 0) ||
		    dup2(ends[1], READY) != READY ||
		    fcntl(READY, F_SETFD, 0) != 0)
			_exit(77);
		(void)execv(argv[0], argv);
		_exit(1);
	}
	(void)close(ends[1]);
	SANDBOX_CHECK(read(ends[0], &byte, 1) == 1);
	(void)close(ends[0]);
	return pid;
}

static size_t
count_role(const struct procs_entry *list, size_t count, enum procs_role role)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].role == role && !list[i].zombie)
			n++;
	return n;
}

static void
end_all(const struct procs_entry *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)kill(list[i].pid, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static const char *const chain[] = { "amazon-ssm-agent", "ssm-agent-worker",
	"ssm-session-worker", "shell", NULL };

static void
ours(void)
{
	struct procs_entry list[LIST_MAX];
	size_t count;
	pid_t core;

	make_programs();
	SANDBOX_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 0);
	core = start(chain, false);
	count = procs_ours(list, LIST_MAX);
	SANDBOX_CHECK(count == 4);
	SANDBOX_CHECK(count_role(list, count, PROCS_CORE) == 1);
	SANDBOX_CHECK(count_role(list, count, PROCS_WORKER) == 1);
	SANDBOX_CHECK(count_role(list, count, PROCS_SESSION) == 1);
	SANDBOX_CHECK(count_role(list, count, PROCS_OTHER) == 1);
	SANDBOX_CHECK(procs_ours(list, 2) == 2);

	/* The files may go while the processes live. */
	remove_programs();
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 4);
	for (size_t i = 0; i < 4; i++) {
		if (list[i].role == PROCS_CORE)
			SANDBOX_CHECK(list[i].pid == core &&
			              list[i].ppid == getpid());
	}

	/* The core dies: its worker is ours by adoption, its zombie counts. */
	SANDBOX_CHECK(kill(core, SIGKILL) == 0);
	SANDBOX_CHECK(waitid(P_PID, (id_t)core, NULL, WEXITED | WNOWAIT) == 0);
	count = procs_ours(list, LIST_MAX);
	SANDBOX_CHECK(count == 4);
	SANDBOX_CHECK(count_role(list, count, PROCS_CORE) == 0);
	for (size_t i = 0; i < count; i++)
		if (list[i].role == PROCS_CORE)
			SANDBOX_CHECK(list[i].zombie && list[i].pid == core);
	SANDBOX_CHECK(waitpid(core, NULL, 0) == core);
	count = procs_ours(list, LIST_MAX);
	SANDBOX_CHECK(count == 3);
	end_all(list, count);
}

static void
test_finds_the_tree_of_our_agent(void **state)
{
	(void)state;
	assert_true(sandbox_fork(ours));
}

static void
application(void)
{
	static const char *const names[] = { "shell", "shell", NULL };
	struct procs_entry list[LIST_MAX];
	pid_t pid;

	make_programs();
	SANDBOX_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	pid = start(names, false);
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 0);
	remove_programs();
	/* The second one is ours by adoption then. */
	SANDBOX_CHECK(kill(pid, SIGKILL) == 0);
	SANDBOX_CHECK(waitpid(pid, NULL, 0) == pid);
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 0);
	SANDBOX_CHECK(kill(-pid, SIGKILL) == 0 && wait(NULL) > 0);
}

static void
test_leaves_the_application_out(void **state)
{
	(void)state;
	assert_true(sandbox_fork(application));
}

/* What a process sees that did not start the agent. */
static pid_t
ask_stranger(void)
{
	int ends[2];
	pid_t pid, answer = -1;

	SANDBOX_CHECK(pipe(ends) == 0);
	pid = fork();
	SANDBOX_CHECK(pid >= 0);
	if (pid == 0) {
		answer = procs_foreign();
		_exit(write(ends[1], &answer, sizeof(answer)) !=
		      (ssize_t)sizeof(answer));
	}
	SANDBOX_CHECK(read(ends[0], &answer, sizeof(answer)) ==
	              (ssize_t)sizeof(answer));
	SANDBOX_CHECK(waitpid(pid, NULL, 0) == pid);
	(void)close(ends[0]);
	(void)close(ends[1]);
	return answer;
}

static void
foreign(void)
{
	struct procs_entry list[LIST_MAX];
	pid_t before = ask_stranger(), core, worker;

	make_programs();
	/* So that end_all() waits for all of them. */
	SANDBOX_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	/* With somebody's agent on this machine there is nothing to see. */
	SANDBOX_CHECK(before == 0);
	core = start(chain, false);
	SANDBOX_CHECK(procs_foreign() == 0);
	SANDBOX_CHECK(ask_stranger() == core);
	end_all(list, procs_ours(list, LIST_MAX));
	SANDBOX_CHECK(ask_stranger() == 0);
	worker = start(chain + 1, false);
	SANDBOX_CHECK(ask_stranger() == worker);
	end_all(list, procs_ours(list, LIST_MAX));
	/* A session-worker alone is no agent. */
	(void)start(chain + 2, false);
	SANDBOX_CHECK(ask_stranger() == 0);
	end_all(list, procs_ours(list, LIST_MAX));
	remove_programs();
}

static void
test_sees_an_agent_that_is_not_ours(void **state)
{
	(void)state;
	if (procs_foreign() != 0)
		skip();
	assert_true(sandbox_fork(foreign));
}

static void
foreign_elsewhere(void)
{
	struct procs_entry list[LIST_MAX];

	make_programs();
	(void)start(chain, true);
	SANDBOX_CHECK(ask_stranger() == 0);
	end_all(list, procs_ours(list, LIST_MAX));
	remove_programs();
}

static void
test_an_agent_of_another_container_is_no_matter(void **state)
{
	(void)state;
	if (geteuid() != 0 || procs_foreign() != 0)
		skip();
	assert_true(sandbox_fork(foreign_elsewhere));
}

/* /proc as it would be: a process with that parent, user and file. */
static void
make_process(int pid, int ppid, uid_t uid, const char *file)
{
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)snprintf(text, sizeof(text), "%d (%.15s) S %d 0 0", pid,
	    strrchr(file, '/') + 1, ppid);
	sandbox_file(path, 0444, text);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	(void)snprintf(text, sizeof(text), "Name:\tx\nUid:\t%u\t%u\t%u\t%u\n",
	    uid, uid, uid, uid);
	sandbox_file(path, 0444, text);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (access(file, F_OK) == 0)
		SANDBOX_CHECK(symlink(file, path) == 0);
}

#define AGENT_IN "/opt/ssm/"

/* Those of the agent are found among more than any table would hold, and in
 * whatever order; what only has a name of theirs is not. */
static void
crowd(void)
{
	struct procs_entry list[LIST_MAX];
	int self = getpid();
	size_t count;

	SANDBOX_CHECK(mount("proc", "/proc", "tmpfs", 0, "mode=755") == 0);
	sandbox_file(AGENT_IN "amazon-ssm-agent", 0755, "");
	sandbox_file(AGENT_IN "ssm-agent-worker", 0755, "");
	sandbox_file(AGENT_IN "ssm-session-worker", 0755, "");
	sandbox_file("/app/ssm-session-worker", 0755, "");
	sandbox_file("/app/sh", 0755, "");
	learn(AGENT_IN "amazon-ssm-agent");
	for (int i = 0; i < CROWD; i++)
		make_process(1000000 + i, i == 0 ? self : 1000000 + i - 1, 1000,
		    "/app/sh");
	make_process(3000009, self, 0, AGENT_IN "amazon-ssm-agent");
	make_process(3000007, 3000009, 0, AGENT_IN "ssm-agent-worker");
	make_process(3000005, 3000007, 0, AGENT_IN "ssm-session-worker");
	make_process(3000003, 3000005, 1001, "/app/sh");
	make_process(3000011, self, 0, "/app/ssm-session-worker");
	make_process(3000012, self, 1000, AGENT_IN "ssm-session-worker");
	make_process(3000013, self, 1000, "/none/ssm-session-worker");
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 4);
	SANDBOX_CHECK(list[0].pid == 3000003 && list[3].pid == 3000009);
	SANDBOX_CHECK(list[0].role == PROCS_OTHER);
	SANDBOX_CHECK(list[1].role == PROCS_SESSION);
	/* It shows no file: then the name counts, of a process of ours. */
	make_process(3000014, self, 0, "/none/ssm-session-worker");
	count = procs_ours(list, LIST_MAX);
	SANDBOX_CHECK(count == 5 && list[4].pid == 3000014);
	_exit(0);
}

static void
test_nobody_hides_in_a_crowd(void **state)
{
	(void)state;
	assert_true(sandbox_run(crowd));
}

static void
no_proc(void)
{
	struct procs_entry list[LIST_MAX];

	SANDBOX_CHECK(chroot("/dev") == 0);
	SANDBOX_CHECK(procs_ours(list, LIST_MAX) == 0);
	SANDBOX_CHECK(procs_foreign() == 0);
	/* The sanitizer's look for leaks needs /proc. */
	_exit(0);
}

static void
test_without_proc_nothing_is_found(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(sandbox_fork(no_proc));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_the_tree_of_our_agent),
		cmocka_unit_test(test_leaves_the_application_out),
		cmocka_unit_test(test_sees_an_agent_that_is_not_ours),
		cmocka_unit_test(
		    test_an_agent_of_another_container_is_no_matter),
		cmocka_unit_test(test_nobody_hides_in_a_crowd),
		cmocka_unit_test(test_without_proc_nothing_is_found),
	};

	if (strstr(argv[0], "/test_procs.") != NULL)
		return play(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
