/* SPDX-License-Identifier: MIT */
/* What session worker and helper tell each other, and what neither takes. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "serve/ask.h"

static struct ask ask, got;
static int ends[2];

static int
setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends);
}

static int
teardown(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static size_t
length(void)
{
	return ASK_HEAD + (size_t)ask.len;
}

static bool
is_asked(void)
{
	return ask_valid(&ask, length(), true);
}

static bool
is_told(void)
{
	return ask_valid(&ask, length(), false);
}

static void
task(enum document_kind kind, const char *text, size_t len)
{
	ask_make(&ask, ASK_TASK);
	ask.program = kind;
	ask_say(&ask, slice_make(text, len));
}

static void
test_programs(void **state)
{
	(void)state;
	task(DOCUMENT_SHELL, "", 0);
	assert_true(is_asked());
	assert_false(is_told());
	task(DOCUMENT_INTERACTIVE, "ls", 2);
	assert_true(is_asked());
	task(DOCUMENT_INTERACTIVE, "l\0s", 3);
	assert_false(is_asked());
	task(DOCUMENT_COMMAND, "ls\0-l", 6);
	assert_true(is_asked());
	task(DOCUMENT_COMMAND, "ls\0-l", 5);
	assert_false(is_asked());
	task(DOCUMENT_COMMAND, "", 0);
	assert_false(is_asked());
	task(DOCUMENT_PORT, "", 0);
	assert_false(is_asked());
	ask.port = 22;
	assert_true(is_asked());
	ask_say(&ask, slice_of("ls"));
	assert_false(is_asked());
}

static void
test_fields_of_a_task(void **state)
{
	(void)state;
	ask_make(&ask, ASK_START);
	ask.columns = ASK_SIDE_MAX + 1;
	assert_false(is_asked());
	ask.columns = ASK_SIDE_MAX;
	assert_true(is_asked());
	task(DOCUMENT_SHELL, "", 0);
	ask.remote = 2;
	assert_false(is_asked());
	task(DOCUMENT_SHELL, "", 0);
	ask.elevated = 2;
	assert_false(is_asked());
	task(DOCUMENT_SHELL, "", 0);
	ask.separate = 2;
	assert_false(is_asked());
	task(DOCUMENT_SHELL, "", 0);
	memset(ask.user, 'u', sizeof(ask.user));
	assert_false(is_asked());
	ask.user[sizeof(ask.user) - 1] = '\0';
	assert_true(is_asked());
}

static void
test_other_requests(void **state)
{
	(void)state;
	ask_make(&ask, ASK_RESIZE);
	assert_false(is_asked());
	ask.columns = ask.rows = ASK_SIDE_MAX;
	assert_true(is_asked());
	ask_make(&ask, ASK_SIGNAL);
	ask.number = SIGKILL;
	assert_false(is_asked());
	ask.number = SIGQUIT;
	assert_true(is_asked());
	ask_make(&ask, ASK_DIAL);
	ask.id = 3;
	assert_false(is_asked());
	ask.port = 80;
	assert_true(is_asked());
	ask.address_size = 5;
	assert_false(is_asked());
	ask.address_size = 16;
	assert_true(is_asked());
	ask.id = 0;
	assert_false(is_asked());
	ask_make(&ask, ASK_CLOSE);
	assert_false(is_asked());
}

static bool
is_within(const struct ask *bound, enum ask_kind kind)
{
	ask_make(&ask, kind);
	ask.port = 22;
	ask.id = 3;
	return ask_within(bound, &ask);
}

/* Who takes a worker over has no other choice than its task. */
static void
test_what_a_task_lets(void **state)
{
	static struct ask shell, port;

	(void)state;
	shell.program = DOCUMENT_SHELL;
	port.program = DOCUMENT_PORT;
	port.port = 22;
	for (enum ask_kind kind = ASK_START; kind <= ASK_CLOSE; kind++) {
		bool ports = kind == ASK_DIAL || kind == ASK_CLOSE;

		assert_false(is_within(NULL, kind));
		assert_true(is_within(&shell, kind) == !ports);
		assert_true(is_within(&port, kind) == ports);
	}
	assert_true(is_within(NULL, ASK_TASK));
	assert_false(is_within(&shell, ASK_TASK));
	ask_make(&ask, ASK_DIAL);
	ask.port = 23;
	assert_false(ask_within(&port, &ask));
	ask.port = 22;
	ask.address_size = 4;
	assert_false(ask_within(&port, &ask));
	port.remote = 1;
	assert_true(ask_within(&port, &ask));
	ask.address_size = 0;
	assert_false(ask_within(&port, &ask));
}

static void
test_answers(void **state)
{
	(void)state;
	ask_make(&ask, ASK_EXITED);
	ask.number = 256;
	assert_false(is_told());
	ask.number = 255;
	assert_true(is_told());
	assert_false(is_asked());
	ask_make(&ask, ASK_CONNECTED);
	assert_false(is_told());
	ask_make(&ask, ASK_FAILED);
	ask_say(&ask, slice_of("why"));
	assert_true(is_told());
	ask_say(&ask, slice_make("w\0y", 3));
	assert_false(is_told());
	ask_make(&ask, ASK_PART);
	assert_true(is_told());
	ask_say(&ask, slice_of("a text"));
	assert_false(is_told());
}

static void
test_lengths(void **state)
{
	(void)state;
	task(DOCUMENT_INTERACTIVE, "ls", 2);
	assert_false(ask_valid(&ask, length() - 1, true));
	assert_false(ask_valid(&ask, length() + 1, true));
	assert_false(ask_valid(&ask, ASK_HEAD - 1, true));
	ask.len = UINT32_MAX;
	assert_false(ask_valid(&ask, ASK_HEAD + 2, true));
	task(DOCUMENT_INTERACTIVE, "ls", 2);
	ask.magic++;
	assert_false(is_asked());
	ask_make(&ask, ASK_KINDS);
	assert_false(is_asked());
}

static int
take(bool from_worker, size_t *count)
{
	int fds[PASS_MAX], rc;

	rc = ask_take(ends[1], from_worker, &got, fds, count);
	for (size_t i = 0; i < *count; i++)
		close(fds[i]);
	return rc;
}

/* The longest text passes whole; descriptors go one way only. */
static void
test_passing(void **state)
{
	size_t count = 7;

	(void)state;
	assert_int_equal(take(true, &count), 0);
	assert_int_equal(count, 0);
	task(DOCUMENT_INTERACTIVE, NULL, 0);
	memset(ask.text, 'x', sizeof(ask.text));
	ask.len = sizeof(ask.text);
	assert_int_equal(ask_send(ends[0], &ask, &ends[0], 1), 0);
	assert_int_equal(take(true, &count), 1);
	assert_int_equal(count, 0);
	assert_memory_equal(got.text, ask.text, sizeof(ask.text));
	ask_make(&ask, ASK_STARTED);
	assert_int_equal(ask_send(ends[0], &ask, ends, 2), 0);
	assert_int_equal(take(false, &count), 1);
	assert_int_equal(count, 2);
	assert_int_equal(ask_send(ends[0], &ask, ends, 2), 0);
	assert_int_equal(take(true, &count), -1);
	assert_int_equal(count, 0);
	assert_int_equal(send(ends[0], "x", 1, 0), 1);
	assert_int_equal(take(true, &count), -1);
	shutdown(ends[0], SHUT_RDWR);
	assert_int_equal(take(true, &count), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_fields_of_a_task),
		cmocka_unit_test(test_what_a_task_lets),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test_setup_teardown(test_passing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
