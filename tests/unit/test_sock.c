/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/disturb.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/sock.h"

enum { LIMIT_MS = 5000, BULK = 4 * 1024 * 1024 };

static void
open_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX,
	                     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	                     fds),
	    0);
}

static void
close_pair(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void
test_there_and_back(void **state)
{
	int fds[2];
	char data[8] = "";
	size_t got = 0;

	(void)state;
	open_pair(fds);
	assert_true(sock_quiet(fds[1]));
	assert_int_equal(sock_write(fds[0], "hello", 5, clock_in(LIMIT_MS),
	                     NULL),
	    0);
	assert_false(sock_quiet(fds[1]));
	assert_int_equal(sock_read(fds[1], data, 3, &got, clock_in(LIMIT_MS),
	                     NULL),
	    0);
	assert_int_equal(got, 3);
	assert_memory_equal(data, "hel", 3);
	close(fds[0]);
	assert_int_equal(sock_read(fds[1], data, sizeof data, &got,
	                     clock_in(LIMIT_MS), NULL),
	    0);
	assert_int_equal(got, 2);
	/* The end makes a noise, too. */
	assert_false(sock_quiet(fds[1]));
	assert_int_equal(sock_read(fds[1], data, sizeof data, &got,
	                     clock_in(LIMIT_MS), NULL),
	    0);
	assert_int_equal(got, 0);
	close(fds[1]);
}

static void
expect_timed_out(int rc, const struct err *err)
{
	assert_int_equal(rc, -1);
	assert_true(err->timed_out);
	assert_int_equal(err->kind, ERR_KIND_CONNECTION);
	assert_int_equal(err->retry, ERR_TRANSIENT);
	assert_string_equal(err->msg, "timed out");
}

/* A peer that always has something cannot stretch the deadline. */
static void
test_deadline_counts_without_a_wait(void **state)
{
	int fds[2];
	char byte;
	size_t got = 7;
	struct err err = { 0 };

	(void)state;
	open_pair(fds);
	assert_int_equal(sock_write(fds[0], "x", 1, clock_in(LIMIT_MS), NULL),
	    0);
	expect_timed_out(sock_read(fds[1], &byte, 1, &got, clock_ms(), &err),
	    &err);
	assert_int_equal(got, 7);
	err_clear(&err);
	expect_timed_out(sock_write(fds[0], "x", 1, clock_ms(), &err), &err);
	close_pair(fds);
}

static void
test_signals_do_not_matter(void **state)
{
	static char bulk[BULK];
	int fds[2];
	char byte;
	size_t got = 0;
	struct err err = { 0 };
	int64_t start = clock_ms();

	(void)state;
	open_pair(fds);
	disturb(1);
	expect_timed_out(sock_read(fds[1], &byte, 1, &got, start + 100, &err),
	    &err);
	err_clear(&err);
	/* Nobody reads, so it cannot all go. */
	expect_timed_out(sock_write(fds[0], bulk, sizeof bulk, start + 200,
	                     &err),
	    &err);
	err_clear(&err);
	expect_timed_out(sock_wait(fds[0], POLLIN, start + 300, &err), &err);
	disturb(0);
	assert_in_range(clock_ms() - start, 300, 2000);
	close_pair(fds);
}

static void
test_peer_that_is_gone(void **state)
{
	int fds[2];
	struct err err = { 0 };

	(void)state;
	open_pair(fds);
	close(fds[1]);
	/* Without a signal that would end us. */
	assert_int_equal(sock_write(fds[0], "x", 1, clock_in(LIMIT_MS), &err),
	    -1);
	assert_int_equal(err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	assert_false(err.timed_out);
	close(fds[0]);
}

static void
test_errors_may_be_ignored(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(sock_fail(NULL, "x"), -1);
	assert_int_equal(sock_timed_out(NULL), -1);
	assert_int_equal(sock_wrap(NULL, "x", "y"), -1);
	assert_int_equal(sock_fail(&err, "lost"), -1);
	assert_int_equal(sock_wrap(&err, "answer of", "host"), -1);
	assert_string_equal(err.msg, "answer of host: lost");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_deadline_counts_without_a_wait),
		cmocka_unit_test(test_signals_do_not_matter),
		cmocka_unit_test(test_peer_that_is_gone),
		cmocka_unit_test(test_errors_may_be_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
