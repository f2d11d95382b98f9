/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grp.h>

#include <cmocka.h>

#include "agent/child.h"
#include "agent/user.h"
#include "base/err.h"
#include "base/exec.h"
#include "unit/sandbox.h"

enum { TEXT_MAX = 4096 };

/* Started again by its own tests, this program tells how it was started. */
static char self[256];

static int
tell(const char *what)
{
	char text[TEXT_MAX] = "", *line;
	FILE *status = fopen("/proc/self/status", "r");
	size_t len = strlen(what);

	while (status != NULL && fgets(text, sizeof(text), status) != NULL) {
		if (strncmp(text, what, len) != 0 || text[len] != ':')
			continue;
		line = text + len + 1 + strspn(text + len + 1, "\t ");
		line[strcspn(line, "\n")] = '\0';
		(void)printf("%s", line);
		(void)fclose(status);
		return 0;
	}
	return 9;
}

static int
tell_more(int argc, char **argv)
{
	char folder[TEXT_MAX];

	if (strcmp(argv[1], "cwd") == 0)
		(void)printf("%s", getcwd(folder, sizeof(folder)));
	else if (strcmp(argv[1], "args") == 0) {
		for (int i = 0; i < argc; i++)
			(void)printf("%s|", argv[i]);
	} else if (strcmp(argv[1], "env") == 0) {
		(void)printf("%s", getenv("X") != NULL ? getenv("X") : "-");
	} else if (strcmp(argv[1], "group") == 0) {
		(void)printf("%d", getpgrp() == getpid());
	} else if (strcmp(argv[1], "front") == 0) {
		(void)printf("%d", tcgetpgrp(0) == getpid());
	} else if (strcmp(argv[1], "stdin") == 0) {
		(void)printf("%zd", read(0, folder, 1));
	} else if (strcmp(argv[1], "exit") == 0) {
		return 42;
	} else if (strcmp(argv[1], "die") == 0) {
		(void)raise(SIGKILL);
	} else {
		return tell(argv[1]);
	}
	return 0;
}

static char *no_env[] = { NULL };

/* child_begin() to its outcome in one call; a child that failed is reaped. */
static int
start(pid_t *pid, const struct child_options *options, int *exec_errno,
    struct err *err)
{
	enum child_news news = CHILD_PENDING;
	struct child child = { .fd = -1 };

	*exec_errno = 0;
	if (child_begin(&child, options, err) != 0)
		return -1;
	while (news == CHILD_PENDING) {
		child_wait(&child, -1);
		news = child_look(&child, exec_errno, err);
	}
	if (news == CHILD_RUNS) {
		*pid = child.pid;
		return 0;
	}
	while (waitpid(child.pid, NULL, 0) < 0 && errno == EINTR)
		;
	return -1;
}

/* Start it with its output in a pipe; give what it said and its status. */
static int
run(const struct child_options *options, char text[static TEXT_MAX])
{
	struct err err = { 0 };
	int ends[2], saved = dup(1), status, why = -1;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	(void)fflush(stdout);
	SANDBOX_CHECK(saved >= 0 && pipe(ends) == 0);
	SANDBOX_CHECK(fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0);
	SANDBOX_CHECK(dup2(ends[1], 1) == 1 && close(ends[1]) == 0);
	if (start(&pid, options, &why, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.msg);
		SANDBOX_CHECK(false);
	}
	SANDBOX_CHECK(dup2(saved, 1) == 1 && close(saved) == 0);
	while ((n = read(ends[0], text + len, TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	SANDBOX_CHECK(close(ends[0]) == 0);
	SANDBOX_CHECK(waitpid(pid, &status, 0) == pid);
	SANDBOX_CHECK(why == 0);
	return child_status(status);
}

static void
says(struct child_options options, const char *what, const char *expected)
{
	const char *argv[] = { self, what, NULL };
	char text[TEXT_MAX];

	options.argv = argv;
	if (options.envp == NULL)
		options.envp = no_env;
	SANDBOX_CHECK(run(&options, text) == 0);
	if (strcmp(text, expected) != 0)
		(void)fprintf(stderr, "%s: '%s'\n", what, text);
	SANDBOX_CHECK(strcmp(text, expected) == 0);
}

static void
handler(int number)
{
	(void)number;
}

static void
signals(void)
{
	sigset_t all;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGRTMIN + 3, SIG_IGN);
	(void)signal(SIGTERM, handler);
	(void)sigfillset(&all);
	SANDBOX_CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	says((struct child_options){ 0 }, "SigBlk", "0000000000000000");
	says((struct child_options){ 0 }, "SigIgn", "0000000000000000");
	SANDBOX_CHECK(sigprocmask(SIG_BLOCK, NULL, &all) == 0);
	SANDBOX_CHECK(sigismember(&all, SIGUSR1) == 1);
}

static void
signals_as_before(void)
{
	struct exec_signals before = { .child = { .sa_handler = SIG_IGN } };
	sigset_t all;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&before.mask);
	(void)sigaddset(&before.mask, SIGUSR1);
	(void)sigfillset(&all);
	SANDBOX_CHECK(sigprocmask(SIG_SETMASK, &all, NULL) == 0);
	says((struct child_options){ .signals = &before }, "SigBlk",
	    "0000000000000200");
	/* PIPE and CHLD. */
	says((struct child_options){ .signals = &before }, "SigIgn",
	    "0000000000011000");
}

static void
test_starts_with_signals_as_before(void **state)
{
	(void)state;
	assert_true(sandbox_fork(signals_as_before));
}

static void
test_starts_with_default_signals(void **state)
{
	(void)state;
	assert_true(sandbox_fork(signals));
}

static void
surroundings(void)
{
	char *envp[] = { "X=1", "Y=2", NULL };

	says((struct child_options){ .dir = "/" }, "cwd", "/");
	says((struct child_options){ .envp = envp }, "env", "1");
	says((struct child_options){ 0 }, "group", "0");
	says((struct child_options){ .new_group = true }, "group", "1");
	says((struct child_options){ .null_stdin = true }, "stdin", "0");
	says((struct child_options){ .null_stdout = true }, "cwd", "");
}

static void
test_folder_environment_group_and_stdio(void **state)
{
	(void)state;
	assert_true(sandbox_fork(surroundings));
}

static void
statuses(void)
{
	const char *exits[] = { self, "exit", NULL };
	const char *dies[] = { self, "die", NULL };
	struct child_options options = { .argv = exits, .envp = no_env };
	char text[TEXT_MAX];

	SANDBOX_CHECK(run(&options, text) == 42);
	options.argv = dies;
	SANDBOX_CHECK(run(&options, text) == 128 + SIGKILL);
}

static void
test_reports_the_status_as_a_shell(void **state)
{
	(void)state;
	assert_true(sandbox_fork(statuses));
}

/* The start fails; exec's errno, or 0 when it was something before. */
static void
fails(const struct child_options *options, int expected, const char *part)
{
	struct err err = { 0 };
	pid_t pid = -7;
	int why = -1;

	SANDBOX_CHECK(start(&pid, options, &why, &err) == -1);
	if (why != expected || strstr(err.msg, part) == NULL)
		(void)fprintf(stderr, "%d %s\n", why, err.msg);
	SANDBOX_CHECK(why == expected && pid == -7);
	SANDBOX_CHECK(strstr(err.msg, part) != NULL);
	/* Nothing is left to be waited for. */
	SANDBOX_CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
}

static void
failures(void)
{
	const char *argv[] = { "/nothing/here", NULL };
	const char *words[] = { "nothing-here", NULL };
	const char *none[] = { "", NULL };
	char *envp[] = { "PATH=/etc:/dev", NULL };
	struct child_options options = { .argv = argv, .envp = envp };

	fails(&options, ENOENT, "cannot run /nothing/here: No such file");
	argv[0] = "/etc";
	fails(&options, EACCES, "cannot run /etc");
	options.argv = words;
	options.search = true;
	fails(&options, ENOENT, "nothing-here");
	words[0] = "passwd";
	fails(&options, EACCES, "passwd: Permission denied");
	options.argv = none;
	fails(&options, ENOENT, "cannot run");
	argv[0] = self;
	options = (struct child_options){
		.argv = argv, .envp = envp, .dir = "/nothing"
	};
	fails(&options, 0, "change folder: No such file");
}

static void
test_says_why_it_did_not_start(void **state)
{
	(void)state;
	assert_true(sandbox_fork(failures));
}

/* In folder a it may not be run, b is no folder, in c it is this program. */
static void
make_folders(char folder[static 64])
{
	char path[128];

	(void)snprintf(folder, 64, "/tmp/test_child.XXXXXX");
	SANDBOX_CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
	(void)snprintf(path, sizeof(path), "%s/a/prog", folder);
	sandbox_file(path, 0644, "");
	(void)snprintf(path, sizeof(path), "%s/b", folder);
	sandbox_file(path, 0644, "");
	SANDBOX_CHECK(mkdir("c", 0755) == 0);
	SANDBOX_CHECK(symlink(self, "c/prog") == 0);
}

static void
remove_folders(const char *folder)
{
	SANDBOX_CHECK(chdir(folder) == 0 && unlink("c/prog") == 0);
	SANDBOX_CHECK(rmdir("c") == 0 && unlink("b") == 0);
	SANDBOX_CHECK(unlink("a/prog") == 0 && rmdir("a") == 0);
	SANDBOX_CHECK(rmdir(folder) == 0);
}

static void
search(void)
{
	const char *argv[] = { "prog", "args", "x y", NULL };
	char folder[64], path[512], text[TEXT_MAX];
	char *envp[] = { path, NULL };
	struct child_options options = {
		.argv = argv, .envp = envp, .search = true
	};

	make_folders(folder);
	(void)snprintf(path, sizeof(path), "PATH=%s/a:%s/b:/none:%s/c", folder,
	    folder, folder);
	SANDBOX_CHECK(run(&options, text) == 0);
	SANDBOX_CHECK(strcmp(text, "prog|args|x y|") == 0);
	(void)snprintf(path, sizeof(path), "PATH=%s/a:%s/b", folder, folder);
	fails(&options, EACCES, "prog: Permission denied");
	/* An empty part of PATH is the current folder. */
	SANDBOX_CHECK(chdir("c") == 0);
	(void)snprintf(path, sizeof(path), "PATH=:%s/a", folder);
	SANDBOX_CHECK(run(&options, text) == 0);
	/* A name with a slash is not looked up. */
	argv[0] = "./prog";
	(void)snprintf(path, sizeof(path), "PATH=/none");
	SANDBOX_CHECK(run(&options, text) == 0);
	remove_folders(folder);
}

static void
test_searches_as_execvp_does(void **state)
{
	(void)state;
	assert_true(sandbox_fork(search));
}

/* A script without a first line that names its shell. */
static void
script(void)
{
	char path[] = "/tmp/test_child.XXXXXX";
	const char *argv[] = { path, "one", "two words", NULL };
	struct child_options options = { .argv = argv, .envp = no_env };
	char text[TEXT_MAX], expected[TEXT_MAX];
	int fd = mkstemp(path);

	SANDBOX_CHECK(fd >= 0 && fchmod(fd, 0755) == 0);
	SANDBOX_CHECK(write(fd, "echo \"$0/$1/$2/$#\"\n", 19) == 19);
	SANDBOX_CHECK(close(fd) == 0);
	(void)snprintf(expected, sizeof(expected), "%s/one/two words/2\n",
	    path);
	SANDBOX_CHECK(run(&options, text) == 0);
	(void)unlink(path);
	SANDBOX_CHECK(strcmp(text, expected) == 0);
}

static void
test_gives_a_bare_script_to_sh(void **state)
{
	(void)state;
	assert_true(sandbox_fork(script));
}

static void
users(void)
{
	struct user_ids ids = { .uid = 1234,
		.gid = 5678,
		.groups = { 5678, 42, 43 },
		.group_count = 3 };
	struct child_options options = { .user = &ids };
	int fd = open(self, O_RDONLY);

	/* The folders above may be closed to the user. */
	SANDBOX_CHECK(fd >= 0);
	(void)snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	SANDBOX_CHECK(setgroups(1, (gid_t[]){ 77 }) == 0);
	says(options, "Uid", "1234\t1234\t1234\t1234");
	says(options, "Gid", "5678\t5678\t5678\t5678");
	says(options, "Groups", "42 43 5678 ");
	says(options, "CapEff", "0000000000000000");
	SANDBOX_CHECK(geteuid() == 0);
}

static void
test_changes_to_a_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(sandbox_fork(users));
}

static void
users_without_rights(void)
{
	const char *argv[] = { self, "cwd", NULL };
	struct user_ids ids = { .uid = 1235, .gid = 5678 };
	struct child_options options = {
		.argv = argv, .envp = no_env, .user = &ids
	};

	if (geteuid() == 0)
		SANDBOX_CHECK(setresuid(1234, 1234, 1234) == 0);
	fails(&options, 0, "change user: Operation not permitted");
}

static void
test_does_not_start_as_somebody_else(void **state)
{
	(void)state;
	assert_true(sandbox_fork(users_without_rights));
}

static void
terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	sigset_t stop;

	SANDBOX_CHECK(master >= 0 && grantpt(master) == 0);
	SANDBOX_CHECK(unlockpt(master) == 0 && setsid() > 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	SANDBOX_CHECK(slave >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0);
	SANDBOX_CHECK(dup2(slave, 0) == 0 && close(slave) == 0);
	says((struct child_options){ .new_group = true }, "front", "0");
	/* Now from the background, where SIGTTOU would stop us. */
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTTOU);
	SANDBOX_CHECK(sigprocmask(SIG_BLOCK, &stop, NULL) == 0);
	says((struct child_options){ .new_group = true, .foreground = true },
	    "front", "1");
	says((struct child_options){ .new_group = true, .foreground = true },
	    "front", "1");
	/* And without a terminal. */
	SANDBOX_CHECK(dup2(open("/dev/null", O_RDONLY), 0) == 0);
	says((struct child_options){ .new_group = true, .foreground = true },
	    "group", "1");
}

static void
test_brings_it_to_the_terminals_front(void **state)
{
	(void)state;
	assert_true(sandbox_fork(terminal));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starts_with_default_signals),
		cmocka_unit_test(test_starts_with_signals_as_before),
		cmocka_unit_test(test_folder_environment_group_and_stdio),
		cmocka_unit_test(test_reports_the_status_as_a_shell),
		cmocka_unit_test(test_says_why_it_did_not_start),
		cmocka_unit_test(test_searches_as_execvp_does),
		cmocka_unit_test(test_gives_a_bare_script_to_sh),
		cmocka_unit_test(test_changes_to_a_user),
		cmocka_unit_test(test_does_not_start_as_somebody_else),
		cmocka_unit_test(test_brings_it_to_the_terminals_front),
	};

	if (argc > 1)
		return tell_more(argc, argv);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
