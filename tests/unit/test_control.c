/* SPDX-License-Identifier: MIT */
/* Commands talk to a keeper over its socket. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keep/listener.h"
#include "settings/config.h"
#include "unit/sandbox.h"
#include "work/control.h"

enum { LONG_MS = 10000, SHORT_MS = 200, STEP_MS = 20, NOBODY = 65534 };

static char folder[64], path[96];
static struct config cfg;
static struct listener listener;
static struct err failure;

static const struct control_status status = {
	.keeper = 4711,
	.agent = 4712,
	.since = 1700000000,
	.restarts = 3,
	.up = true,
	.phase = "up",
	.node = "mi-0123456789abcdef0",
	.region = "eu-west-1",
};

static int
make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/control", folder);
	cfg = (struct config){ .state_dir = folder };
	listener = (struct listener){ .fd = -1 };
	listener_init(&listener);
	err_clear(&failure);
	return control_bind(&listener.fd, &cfg, &failure);
}

static int
clean(void **state)
{
	(void)state;
	listener_close(&listener);
	control_unbind(&cfg);
	assert_int_equal(listener.fd, -1);
	/* Nothing is left, the socket neither. */
	return rmdir(folder);
}

/* A client that can be held in any stage. */
static int
knock(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
	    strlen(text));
}

/* 1 = an answer, 0 = closed, -1 = nothing yet. */
static int
hear(int fd, struct control_status *out)
{
	ssize_t n = recv(fd, out, sizeof *out, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return -1;
	if (n <= 0)
		return 0;
	assert_int_equal(n, sizeof *out);
	return 1;
}

/* Serve often enough for all that are there. */
static bool
serve(void)
{
	bool down = false;

	for (int i = 0; i < 2 * LISTENER_CLIENTS; i++)
		down |= listener_serve(&listener, &status);
	return down;
}

static void
is_status(const struct control_status *got)
{
	assert_int_equal(got->keeper, 4711);
	assert_int_equal(got->agent, 4712);
	assert_int_equal(got->since, 1700000000);
	assert_int_equal(got->restarts, 3);
	assert_true(got->up);
	assert_string_equal(got->phase, "up");
	assert_string_equal(got->node, "mi-0123456789abcdef0");
}

/* Ask from a process of its own, while this one keeps; what it ends with:
 * 0 answered, 1 no keeper, 2 failed. */
static int
ask(enum control_request request, int64_t ms, uid_t uid)
{
	struct control_status got = { 0 };
	int64_t until = clock_in(LONG_MS);
	int ended = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		int rc;

		if (uid != 0 && setresuid(uid, uid, uid) != 0)
			_exit(3);
		rc = control_ask(&cfg, request, clock_in(ms), &got, &err);
		if (rc == 0 && strcmp(got.node, status.node) != 0)
			rc = 4;
		if (rc == -1 && err.kind == ERR_KIND_NONE)
			rc = 5;
		_exit(rc == -1 ? 2 : rc);
	}
	/* By then it has connected and asked. */
	clock_sleep(clock_in(STEP_MS));
	while (waitpid(pid, &ended, WNOHANG) == 0 && clock_ms() < until) {
		struct pollfd fds[LISTENER_CLIENTS + 1];

		(void)poll(fds, listener_poll(&listener, fds), STEP_MS);
		if (listener_serve(&listener, &status))
			listener_finish(&listener, &status);
	}
	if (!WIFEXITED(ended)) {
		kill(pid, SIGKILL);
		fail_msg("the client did not end");
	}
	return WEXITSTATUS(ended);
}

static void
test_status(void **state)
{
	struct control_status got = { 0 };
	struct pollfd fds[LISTENER_CLIENTS + 1];
	int fd;

	(void)state;
	assert_int_equal(listener_poll(&listener, fds), 1);
	assert_false(serve());
	fd = knock();
	assert_false(serve());
	assert_int_equal(listener_poll(&listener, fds), 2);
	assert_int_equal(hear(fd, &got), -1);
	say(fd, "s");
	assert_false(serve());
	assert_int_equal(hear(fd, &got), 1);
	is_status(&got);
	assert_int_equal(hear(fd, &got), 0);
	/* The same with a wish. */
	close(fd);
	fd = knock();
	say(fd, "u");
	assert_int_equal(listener_serve(&listener, &status) |
	                     listener_serve(&listener, &status),
	    LISTENER_UP);
	assert_int_equal(hear(fd, &got), 1);
	is_status(&got);
	assert_int_equal(listener_poll(&listener, fds), 1);
	close(fd);
	assert_int_equal(ask(CONTROL_STATUS, LONG_MS, 0), 0);
}

static void
test_down_waits_for_the_end(void **state)
{
	struct control_status got = { 0 };
	int fd = knock(), other = knock();

	(void)state;
	say(fd, "d");
	assert_true(serve());
	assert_int_equal(hear(fd, &got), -1);
	/* Somebody else may ask meanwhile, and is not an end. */
	say(other, "s");
	assert_false(serve());
	assert_int_equal(hear(other, &got), 1);
	assert_int_equal(hear(fd, &got), -1);
	listener_finish(&listener, &status);
	assert_int_equal(hear(fd, &got), 1);
	is_status(&got);
	assert_int_equal(hear(fd, &got), 0);
	close(fd);
	close(other);
	assert_int_equal(ask(CONTROL_DOWN, LONG_MS, 0), 0);
}

/* Those who ask for something else are not answered by the end. */
static void
test_end_is_told_to_those_who_wait(void **state)
{
	struct control_status got = { 0 };
	int fd = knock();

	(void)state;
	assert_false(serve());
	listener_finish(&listener, &status);
	assert_int_equal(hear(fd, &got), -1);
	close(fd);
}

static void
test_odd_clients_are_dropped(void **state)
{
	static const char *const words[] = { "x", "status", "S" };
	struct control_status got = { 0 };
	struct pollfd fds[LISTENER_CLIENTS + 1];
	int fd;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		fd = knock();
		say(fd, words[2 * i]);
		assert_false(serve());
		assert_int_equal(hear(fd, &got), 0);
		close(fd);
	}
	/* One that goes while it waits. */
	fd = knock();
	say(fd, "d");
	assert_true(serve());
	close(fd);
	assert_false(serve());
	assert_int_equal(listener_poll(&listener, fds), 1);
	/* One that goes at once. */
	fd = knock();
	close(fd);
	assert_false(serve());
	assert_int_equal(listener_poll(&listener, fds), 1);
}

static void
test_too_many_clients(void **state)
{
	struct control_status got = { 0 };
	int fds[LISTENER_CLIENTS], late;

	(void)state;
	for (int i = 0; i < LISTENER_CLIENTS; i++) {
		fds[i] = knock();
		say(fds[i], "d");
		assert_true(serve());
	}
	late = knock();
	say(late, "d");
	assert_false(serve());
	assert_int_equal(hear(late, &got), 0);
	for (int i = 0; i < LISTENER_CLIENTS; i++)
		assert_int_equal(hear(fds[i], &got), -1);
	listener_finish(&listener, &status);
	for (int i = 0; i < LISTENER_CLIENTS; i++) {
		assert_int_equal(hear(fds[i], &got), 1);
		close(fds[i]);
	}
	close(late);
	assert_int_equal(ask(CONTROL_STATUS, LONG_MS, 0), 0);
}

/* Who is turned away must not take it for the lack of a keeper: `down` would
 * begin to clean up behind the back of the one that is there. */
static void
test_turned_away(void **state)
{
	int fds[LISTENER_CLIENTS], rc;

	(void)state;
	for (int i = 0; i < LISTENER_CLIENTS; i++) {
		fds[i] = knock();
		say(fds[i], "d");
		assert_true(serve());
	}
	rc = ask(CONTROL_STATUS, LONG_MS, 0);
	for (int i = 0; i < LISTENER_CLIENTS; i++)
		close(fds[i]);
	assert_int_equal(rc, 2);
}

static struct control_status
fine(void)
{
	return (struct control_status){ .keeper = 1,
		.phase = "up",
		.node = "mi-0123456789abcdef0",
		.region = "eu-west-1" };
}

static void
test_only_what_a_keeper_says_is_valid(void **state)
{
	struct control_status s = fine();

	(void)state;
	assert_true(control_valid(&s));
	s.node[0] = s.region[0] = '\0';
	assert_true(control_valid(&s));
	memset(s.node, 'a', sizeof s.node);
	assert_false(control_valid(&s));
	s = fine();
	memset(s.region, 'a', sizeof s.region);
	assert_false(control_valid(&s));
	s = fine();
	memset(s.phase, 'a', sizeof s.phase);
	assert_false(control_valid(&s));
	s = fine();
	memset(s.last.fix, 'a', sizeof s.last.fix);
	assert_false(control_valid(&s));
	s = fine();
	strcpy(s.node, "mi-\033[2J");
	assert_false(control_valid(&s));
	s = fine();
	strcpy(s.region, "eu-west-1\nfix run this");
	assert_false(control_valid(&s));
	s = fine();
	strcpy(s.phase, "up\033");
	assert_false(control_valid(&s));
	s = fine();
	memset(&s.online, 2, 1);
	assert_false(control_valid(&s));
	s = fine();
	s.restarts = -1;
	assert_false(control_valid(&s));
}

/* "A client that does not read or write is dropped": clients that say nothing
 * must not keep others out for good. */
static void
test_silent_clients(void **state)
{
	int fds[LISTENER_CLIENTS];
	int64_t until = clock_in(LONG_MS);
	int rc = 2;

	(void)state;
	for (int i = 0; i < LISTENER_CLIENTS; i++) {
		fds[i] = knock();
		assert_false(serve());
	}
	while (rc != 0 && clock_ms() < until)
		rc = ask(CONTROL_STATUS, SHORT_MS, 0);
	for (int i = 0; i < LISTENER_CLIENTS; i++)
		close(fds[i]);
	assert_int_equal(rc, 0);
}

static void
test_keeper_that_does_not_answer(void **state)
{
	struct control_status got = { .restarts = 9 };
	int64_t begin = clock_ms();

	(void)state;
	assert_int_equal(control_ask(&cfg, CONTROL_STATUS, clock_in(SHORT_MS),
	                     &got, &failure),
	    -1);
	assert_int_equal(failure.kind, ERR_KIND_SYSTEM);
	assert_true(clock_ms() - begin >= SHORT_MS);
	assert_true(clock_ms() - begin < LONG_MS);
	assert_int_equal(got.restarts, 9);
}

static void
ask_many_times(void)
{
	struct control_status got;

	alarm(LONG_MS / 1000);
	for (int i = 0; i < 4 * LISTENER_CLIENTS; i++) {
		struct err err = { 0 };

		SANDBOX_CHECK(control_ask(&cfg, CONTROL_STATUS,
		                  clock_in(SHORT_MS), &got, &err) == -1);
	}
}

/* Those who gave up fill the keeper's queue; the next one has a deadline,
 * too. */
static void
test_keeper_that_never_answers(void **state)
{
	(void)state;
	assert_true(sandbox_fork(ask_many_times));
}

static void
test_no_keeper(void **state)
{
	struct control_status got = { .restarts = 9 };
	struct config nowhere = { .state_dir = "/nonexistent/folder" };

	(void)state;
	assert_int_equal(control_ask(&nowhere, CONTROL_STATUS,
	                     clock_in(SHORT_MS), &got, &failure),
	    1);
	listener_close(&listener);
	assert_int_equal(control_ask(&cfg, CONTROL_DOWN, clock_in(SHORT_MS),
	                     &got, &failure),
	    1);
	assert_int_equal(failure.kind, ERR_KIND_NONE);
	assert_int_equal(got.restarts, 9);
	/* It may be closed twice, and serves nobody then. */
	listener_close(&listener);
	assert_false(listener_serve(&listener, &status));
}

/* What a keeper that was killed left. */
static void
test_stale_socket(void **state)
{
	struct control_status got;

	(void)state;
	close(listener.fd);
	assert_int_equal(control_ask(&cfg, CONTROL_STATUS, clock_in(SHORT_MS),
	                     &got, &failure),
	    1);
	assert_int_equal(control_bind(&listener.fd, &cfg, &failure), 0);
	assert_int_equal(ask(CONTROL_STATUS, LONG_MS, 0), 0);
}

static void
test_rights(void **state)
{
	(void)state;
	assert_int_equal(sandbox_mode(path), 0600);
	if (geteuid() != 0)
		skip();
	assert_int_not_equal(ask(CONTROL_STATUS, LONG_MS, NOBODY), 0);
	/* Also where the file system would let them in. */
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_not_equal(ask(CONTROL_STATUS, LONG_MS, NOBODY), 0);
	assert_int_not_equal(ask(CONTROL_DOWN, LONG_MS, NOBODY), 0);
	assert_int_equal(ask(CONTROL_STATUS, LONG_MS, 0), 0);
}

/* An answer of another length, or with another mark. */
static void
test_other_version(void **state)
{
	struct control_status odd = { .magic = 1 }, got = { .restarts = 9 };

	(void)state;
	for (size_t size = 1; size <= sizeof odd; size += sizeof odd - 1) {
		pid_t pid = fork();
		char byte;
		int fd;

		assert_true(pid >= 0);
		if (pid == 0) {
			struct pollfd wait = { listener.fd, POLLIN, 0 };

			(void)poll(&wait, 1, LONG_MS);
			fd = accept(listener.fd, NULL, NULL);
			(void)recv(fd, &byte, 1, 0);
			(void)send(fd, &odd, size, MSG_NOSIGNAL);
			_exit(0);
		}
		err_clear(&failure);
		assert_int_equal(control_ask(&cfg, CONTROL_STATUS,
		                     clock_in(LONG_MS), &got, &failure),
		    -1);
		assert_int_equal(failure.kind, ERR_KIND_SYSTEM);
		assert_int_equal(got.restarts, 9);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
}

static void
test_longest_folder(void **state)
{
	char text[CONFIG_DIR_MAX + 1];
	struct config deep = { .state_dir = text };
	struct listener other = { .fd = -1 };
	int len = snprintf(text, sizeof text, "%s/", folder);

	(void)state;
	memset(text + len, 'd', sizeof text - (size_t)len);
	text[CONFIG_DIR_MAX] = '\0';
	assert_int_equal(mkdir(text, 0700), 0);
	listener_init(&other);
	assert_int_equal(control_bind(&other.fd, &deep, &failure), 0);
	listener_close(&other);
	control_unbind(&deep);
	assert_int_equal(rmdir(text), 0);
	strcpy(text, "/proc/nothing/here");
	assert_int_equal(control_bind(&other.fd, &deep, &failure), -1);
	assert_int_equal(failure.kind, ERR_KIND_SYSTEM);
	assert_int_equal(other.fd, -1);
}

/* Its mode is there with the socket, whatever the umask is. */
static void
test_mode_from_the_beginning(void **state)
{
	struct listener other = { .fd = -1 };
	mode_t before = umask(0);

	(void)state;
	listener_init(&other);
	assert_int_equal(control_bind(&other.fd, &cfg, &failure), 0);
	assert_int_equal(umask(before), 0);
	assert_int_equal(sandbox_mode(path), 0600);
	listener_close(&other);
}

#define CONTROL_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_a_keeper_says_is_valid),
		CONTROL_TEST(test_status),
		CONTROL_TEST(test_down_waits_for_the_end),
		CONTROL_TEST(test_end_is_told_to_those_who_wait),
		CONTROL_TEST(test_odd_clients_are_dropped),
		CONTROL_TEST(test_too_many_clients),
		CONTROL_TEST(test_turned_away),
		CONTROL_TEST(test_silent_clients),
		CONTROL_TEST(test_keeper_that_does_not_answer),
		CONTROL_TEST(test_keeper_that_never_answers),
		CONTROL_TEST(test_no_keeper),
		CONTROL_TEST(test_stale_socket),
		CONTROL_TEST(test_rights),
		CONTROL_TEST(test_other_version),
		CONTROL_TEST(test_longest_folder),
		CONTROL_TEST(test_mode_from_the_beginning),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
