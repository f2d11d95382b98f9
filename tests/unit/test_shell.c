/* SPDX-License-Identifier: MIT */
/* The program of a session, as its helper starts it: whose it is, its terminal
 * or pipes, and its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "serve/shell.h"
#include "settings/config.h"

enum { WAIT_MS = 10000, LOOK_MS = 10 };

static struct config cfg;
static struct ask ask;
static struct shell shell;
static struct err err;
static struct shell_in in = { .cfg = &cfg, .region = "eu-west-1", .ask = &ask };

static int
setup(void **state)
{
	(void)state;
	cfg = (struct config){ .env = { environ }, .shell = "/bin/sh" };
	shell = (struct shell){ .pid = 0 };
	err = (struct err){ 0 };
	return 0;
}

static void
task(enum document_kind kind, const char *text, size_t len)
{
	ask_make(&ask, ASK_TASK);
	ask.program = kind;
	ask.elevated = 1;
	ask_say(&ask, slice_make(text, len));
	ask.columns = 91;
	ask.rows = 19;
}

/* Start it, and wait until exec(2) has been tried. */
static enum child_news
start(int *exec_errno)
{
	enum child_news news;

	if (shell_start(&shell, &in, &err) != 0)
		fail_msg("%s", err.msg);
	child_wait(&shell.child, WAIT_MS);
	news = child_look(&shell.child, exec_errno, &err);
	assert_int_not_equal(news, CHILD_PENDING);
	return news;
}

static void
start_well(void)
{
	int exec_errno = 0;

	assert_int_equal(start(&exec_errno), CHILD_RUNS);
}

/* Read until the text is there, or the end. */
static void
expect(int fd, const char *text)
{
	int64_t until = clock_in(WAIT_MS);
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char got[512] = "";
	size_t len = 0;

	while (strstr(got, text) == NULL) {
		ssize_t n;

		assert_true(clock_left(until) > 0);
		assert_true(len + 1 < sizeof got);
		poll(&one, 1, clock_left(until));
		n = read(fd, &got[len], sizeof got - 1 - len);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			fail_msg("\"%s\" is not in \"%s\"", text, got);
		len += n > 0 ? (size_t)n : 0;
		got[len] = '\0';
	}
}

static int
reap(void)
{
	int status = 0;

	assert_int_equal(waitpid(shell.pid, &status, 0), shell.pid);
	shell.pid = 0;
	return child_status(status);
}

static void
test_terminal(void **state)
{
	static const char text[] =
	    "stty size; tty; echo in:$0; read x; echo got-$x; stty size";

	(void)state;
	task(DOCUMENT_INTERACTIVE, text, strlen(text));
	start_well();
	assert_int_equal(shell.count, 1);
	expect(shell.terminal, "19 91\r\n/dev/pts/");
	ask.columns = 100;
	shell_resize(&shell, &ask);
	assert_int_equal(write(shell.terminal, "this\n", 5), 5);
	expect(shell.terminal, "got-this\r\n19 100");
	assert_int_equal(reap(), 0);
	close(shell.terminal);
}

static void
test_pipes(void **state)
{
	static const char words[] =
	    "sh\0-c\0echo out; echo bad >&2; read x; exit 7\0";

	(void)state;
	task(DOCUMENT_COMMAND, words, sizeof words - 1);
	ask.separate = 1;
	start_well();
	assert_int_equal(shell.count, 2);
	assert_int_equal(shell.terminal, 0);
	expect(shell.fds[0], "out\n");
	expect(shell.fds[1], "bad\n");
	assert_int_equal(reap(), 7);
	shell_handed(&shell);
	assert_int_equal(shell.count, 0);
}

/* What does not heed SIGHUP, in the background, too, is killed. */
static void
test_end(void **state)
{
	static const char text[] = "trap '' HUP; sleep 300 & set -m; sleep 301 "
	                           "& echo started; wait";
	int64_t until = clock_in(WAIT_MS);

	(void)state;
	task(DOCUMENT_INTERACTIVE, text, strlen(text));
	start_well();
	expect(shell.terminal, "started");
	shell_hang_up(&shell);
	assert_true(shell_lives(&shell));
	shell_kill(&shell);
	assert_int_equal(reap(), 128 + 9);
	while (shell_lives(&shell)) {
		assert_true(clock_left(until) > 0);
		clock_sleep(clock_in(LOOK_MS));
	}
	close(shell.terminal);
}

static void
test_hang_up(void **state)
{
	static const char text[] = "echo started; sleep 300";

	(void)state;
	task(DOCUMENT_INTERACTIVE, text, strlen(text));
	start_well();
	expect(shell.terminal, "started");
	shell_hang_up(&shell);
	assert_int_equal(reap(), 128 + 1);
	close(shell.terminal);
}

static void
test_no_shell(void **state)
{
	int exec_errno = 0;

	(void)state;
	cfg.shell = "/no/such/shell";
	task(DOCUMENT_SHELL, "", 0);
	assert_int_equal(start(&exec_errno), CHILD_FAILED);
	shell_explain(&in, exec_errno, &err);
	assert_non_null(strstr(err.msg, "this image has no shell"));
	assert_non_null(strstr(err.msg, "SSM_ACTIVATE_SHELL"));
	reap();
	close(shell.terminal);
	/* Of a command the reason is enough. */
	setup(state);
	task(DOCUMENT_COMMAND, "/no/such\0", 9);
	assert_int_equal(start(&exec_errno), CHILD_FAILED);
	shell_explain(&in, exec_errno, &err);
	assert_null(strstr(err.msg, "this image"));
	reap();
	shell_handed(&shell);
}

static void
expect_refused(const char *user, const char *why)
{
	task(DOCUMENT_SHELL, "", 0);
	ask.elevated = 0;
	slice_copy(slice_of(user), ask.user, sizeof ask.user);
	err = (struct err){ 0 };
	assert_int_equal(shell_start(&shell, &in, &err), -1);
	assert_non_null(strstr(err.msg, why));
	assert_int_equal(shell.pid, 0);
}

/* A user that is not root's choice is nobody's. */
static void
test_users(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		expect_refused("daemon", "takes an agent that is root");
		return;
	}
	expect_refused("no-such-user", "does not exist");
	expect_refused("root", "has uid or gid 0");
	expect_refused("0", "has uid or gid 0");
	expect_refused("daemon:root", "does not exist");
	task(DOCUMENT_INTERACTIVE, "id -un; id -u; pwd", 18);
	ask.elevated = 0;
	slice_copy(slice_of("daemon"), ask.user, sizeof ask.user);
	start_well();
	expect(shell.terminal, "daemon\r\n1\r\n/\r\n");
	assert_int_equal(reap(), 0);
	close(shell.terminal);
}

/* Settings of ours and secrets of AWS's are not in it. */
static void
test_environment(void **state)
{
	char *vars[] = { "PATH=/usr/bin:/bin", "SSM_ACTIVATE_CODE=secret",
		"AWS_SECRET_ACCESS_KEY=secret", "OWN=kept", NULL };

	(void)state;
	cfg.env = (struct env){ vars };
	cfg.agent_env = CONFIG_MINIMAL;
	task(DOCUMENT_COMMAND, "env\0", 4);
	start_well();
	expect(shell.fds[0], "TERM=xterm-256color\n");
	assert_int_equal(reap(), 0);
	shell_handed(&shell);
	setup(state);
	cfg.env = (struct env){ vars };
	task(DOCUMENT_COMMAND, "sh\0-c\0env | grep -c secret; env | grep OWN\0",
	    44);
	start_well();
	expect(shell.fds[0], "0\nOWN=kept\n");
	reap();
	shell_handed(&shell);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_terminal, setup),
		cmocka_unit_test_setup(test_pipes, setup),
		cmocka_unit_test_setup(test_end, setup),
		cmocka_unit_test_setup(test_hang_up, setup),
		cmocka_unit_test_setup(test_no_shell, setup),
		cmocka_unit_test_setup(test_users, setup),
		cmocka_unit_test_setup(test_environment, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
