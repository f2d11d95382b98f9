/* SPDX-License-Identifier: MIT */
/* A session with a program, between its client and a helper that the test
 * plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "serve/program.h"
#include "unit/plugin.h"

enum { STEPS = 2000, STEP_MS = 5, BULK = 400000 };

/* They are big. */
static struct plugin p;
static struct ask ask, heard;
static struct program program;
static struct document doc;
static struct err err;
static int helper, ends[2]; /* of the program */

static int
setup(void **state)
{
	int hand[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX,
	                     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	                     hand),
	    0);
	helper = hand[0];
	doc = (struct document){ .kind = DOCUMENT_SHELL };
	err = (struct err){ 0 };
	program = (struct program){ .doc = &doc, .hand = hand[1], .ask = &ask };
	ends[0] = ends[1] = -1;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	program_close(&program);
	close(helper);
	close(program.hand);
	if (ends[0] >= 0)
		close(ends[0]);
	plugin_close(&p);
	memset(&p, 0, sizeof p);
	return 0;
}

static void
connect_client(void)
{
	plugin_open(&p, doc.kind, true);
	program.flow = p.flow;
}

/* One round of a session worker; what it would do with 1 or -1. */
static int
step(void)
{
	struct flow_event event = { .kind = FLOW_READY };
	int rc = 0;

	plugin_run(&p, STEP_MS);
	while (rc == 0 && flow_next(p.flow, &event, p.now, &err) == 1) {
		rc = program_event(&program, &event, &err);
		if (event.kind == FLOW_INPUT)
			break;
	}
	return rc != 0 ? rc : program_move(&program, p.now, &err);
}

/* Until it is over. */
static int
run(void)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < STEPS; i++)
		rc = step();
	for (int i = 0; i < 4; i++)
		plugin_run(&p, STEP_MS);
	return rc;
}

/* The next request is of that kind. */
static void
expect_ask(enum ask_kind kind)
{
	int fds[PASS_MAX];
	size_t count = 0;

	for (int i = 0; i < STEPS; i++) {
		int got = ask_take(helper, true, &heard, fds, &count);

		assert_int_not_equal(got, -1);
		if (got == 1) {
			assert_int_equal(heard.kind, kind);
			return;
		}
		assert_int_equal(step(), 0);
	}
	fail_msg("no request came");
}

static int
tell(enum ask_kind kind, int number, const int *fds, size_t count)
{
	ask_make(&heard, kind);
	heard.number = number;
	if (kind == ASK_FAILED)
		ask_say(&heard, slice_of("no \x1b shell"));
	return program_told(&program, &heard, fds, count, &err);
}

/* The program is there: its end of a terminal, which is a socket here. */
static void
start_program(void)
{
	int pair[2];

	connect_client();
	expect_ask(ASK_START);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	                     pair),
	    0);
	ends[0] = pair[0];
	assert_int_equal(tell(ASK_STARTED, 0, &pair[1], 1), 0);
}

static void
expect_typed(const char *text)
{
	char got[256] = "";
	size_t len = 0;

	for (int i = 0; i < STEPS && len < strlen(text); i++) {
		ssize_t n = read(ends[0], &got[len], sizeof got - 1 - len);

		len += n > 0 ? (size_t)n : 0;
		assert_int_equal(step(), 0);
	}
	assert_string_equal(got, text);
}

static void
test_binding(void **state)
{
	char commands[] = "sh -c 'exit 7'", user[] = "app";

	(void)state;
	doc.kind = DOCUMENT_COMMAND;
	doc.commands = commands;
	doc.separate = doc.elevated = true;
	slice_copy(slice_of(user), doc.user, sizeof doc.user);
	assert_int_equal(program_bind(&doc, program.hand, &ask, &err), 0);
	expect_ask(ASK_TASK);
	assert_int_equal(heard.program, DOCUMENT_COMMAND);
	assert_int_equal(heard.elevated, 1);
	assert_int_equal(heard.separate, 1);
	assert_string_equal(heard.user, "app");
	assert_int_equal(heard.len, 13);
	assert_memory_equal(heard.text, "sh\0-c\0exit 7\0", 13);
	doc = (struct document){ .kind = DOCUMENT_INTERACTIVE };
	doc.commands = commands;
	assert_int_equal(program_bind(&doc, program.hand, &ask, &err), 0);
	expect_ask(ASK_TASK);
	assert_memory_equal(heard.text, commands, heard.len);
	doc = (struct document){ .kind = DOCUMENT_PORT, .port = 22 };
	slice_copy(slice_of("db"), doc.host, sizeof doc.host);
	assert_int_equal(program_bind(&doc, program.hand, &ask, &err), 0);
	expect_ask(ASK_TASK);
	assert_int_equal(heard.port, 22);
	assert_int_equal(heard.remote, 1);
	connect_client();
}

static void
test_bad_commands(void **state)
{
	static char words[] = "'open";
	static char none[] = "''  ";
	char *const texts[] = { words, none };

	(void)state;
	doc.kind = DOCUMENT_COMMAND;
	connect_client();
	for (size_t i = 0; i < 2; i++) {
		int fds[PASS_MAX];
		size_t count = 0;

		err = (struct err){ 0 };
		doc.commands = texts[i];
		if (program_bind(&doc, program.hand, &ask, &err) == 0) {
			/* An empty word is one. */
			assert_int_equal(i, 1);
			expect_ask(ASK_TASK);
			continue;
		}
		assert_int_not_equal(err.kind, ERR_KIND_NONE);
		assert_int_equal(ask_take(helper, true, &heard, fds, &count),
		    0);
	}
}

/* The size is there at the start. */
static void
test_size(void **state)
{
	(void)state;
	connect_client();
	plugin_run(&p, STEP_MS);
	plugin_send(&p, FRAME_SIZE, "{\"cols\":91,\"rows\":19}", 21);
	expect_ask(ASK_START);
	assert_int_equal(heard.columns, 91);
	assert_int_equal(heard.rows, 19);
}

/* What is typed early waits for the terminal, behind the profile. */
static void
test_shell(void **state)
{
	char profile[] = "cd /srv";

	(void)state;
	doc.profile = profile;
	start_program();
	plugin_send(&p, FRAME_OUTPUT, "id\r", 3);
	expect_typed("cd /srv\nid\r");
	plugin_send(&p, FRAME_SIZE, "{\"cols\":9,\"rows\":1}", 19);
	expect_ask(ASK_RESIZE);
	assert_int_equal(heard.columns, 9);
	assert_int_equal(write(ends[0], "root\r\n", 6), 6);
	assert_int_equal(tell(ASK_EXITED, 0, NULL, 0), 0);
	assert_int_equal(run(), 1);
	assert_string_equal(buf_str(&p.output), "root\r\n");
}

/* More than the client has acknowledged waits with the program. */
static void
test_much_output(void **state)
{
	static char data[BULK];
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)('a' + i % 26);
	start_program();
	p.faults.lose_output = 3;
	for (int i = 0; i < 20 * STEPS && p.output.len < BULK; i++) {
		ssize_t n = write(ends[0], &data[at], sizeof data - at);

		at += n > 0 ? (size_t)n : 0;
		assert_int_equal(step(), 0);
	}
	assert_int_equal(p.output.len, BULK);
	assert_memory_equal(p.output.data, data, BULK);
}

/* Somebody who was left behind holds the terminal. */
static void
test_grace(void **state)
{
	int64_t began;

	(void)state;
	start_program();
	assert_int_equal(step(), 0);
	assert_int_equal(tell(ASK_EXITED, 0, NULL, 0), 0);
	began = p.now;
	assert_int_equal(run(), 1);
	assert_in_range(p.now - began, PROGRAM_GRACE_MS,
	    PROGRAM_GRACE_MS + 10 * STEP_MS);
}

static void
test_command(void **state)
{
	int out[2], errors[2];

	(void)state;
	doc.kind = DOCUMENT_COMMAND;
	doc.separate = true;
	slice_copy(slice_of("O:"), doc.out_prefix, sizeof doc.out_prefix);
	connect_client();
	expect_ask(ASK_START);
	assert_int_equal(pipe2(out, O_NONBLOCK), 0);
	assert_int_equal(pipe2(errors, O_NONBLOCK), 0);
	assert_int_equal(tell(ASK_STARTED, 0,
	                     (const int[]){ out[0], errors[0] }, 2),
	    0);
	plugin_send(&p, FRAME_OUTPUT, "\x03", 1);
	expect_ask(ASK_SIGNAL);
	assert_int_equal(heard.number, SIGINT);
	plugin_send(&p, FRAME_OUTPUT, "\x1c", 1);
	expect_ask(ASK_SIGNAL);
	assert_int_equal(heard.number, SIGQUIT);
	assert_int_equal(write(out[1], "one\ntw", 6), 6);
	assert_int_equal(write(errors[1], "bad", 3), 3);
	for (int i = 0; i < 10; i++)
		assert_int_equal(step(), 0);
	assert_int_equal(write(out[1], "o\n", 2), 2);
	close(out[1]);
	close(errors[1]);
	assert_int_equal(tell(ASK_EXITED, 7, NULL, 0), 0);
	assert_int_equal(run(), 1);
	assert_string_equal(buf_str(&p.output), "O:one\ntwo\n");
	assert_string_equal(buf_str(&p.errors), "bad");
	assert_string_equal(p.exit_code, "EXIT_CODE: 7");
}

/* What the user reads has no control characters. */
static void
test_not_started(void **state)
{
	(void)state;
	connect_client();
	expect_ask(ASK_START);
	assert_int_equal(tell(ASK_FAILED, 0, NULL, 0), -1);
	assert_null(strchr(err.msg, '\x1b'));
	assert_non_null(strstr(err.msg, "shell"));
}

static void
test_command_not_started(void **state)
{
	(void)state;
	doc.kind = DOCUMENT_COMMAND;
	doc.separate = true;
	connect_client();
	expect_ask(ASK_START);
	assert_int_equal(tell(ASK_FAILED, 0, NULL, 0), -1);
	for (int i = 0; i < 10; i++)
		plugin_run(&p, STEP_MS);
	assert_non_null(strstr(buf_str(&p.errors), "shell"));
	assert_string_equal(p.exit_code, "EXIT_CODE: 1");
}

/* Descriptors that nobody has room for do not stay open. */
static void
test_too_many_descriptors(void **state)
{
	int pair[2], more[2], fds[3];

	(void)state;
	connect_client();
	expect_ask(ASK_START);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(pipe(more), 0);
	fds[0] = pair[0];
	fds[1] = pair[1];
	fds[2] = more[0];
	assert_int_equal(tell(ASK_STARTED, 0, fds, 3), 0);
	assert_int_equal(fcntl(more[0], F_GETFD), -1);
	close(more[1]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_binding),
		TEST(test_bad_commands), TEST(test_size), TEST(test_shell),
		TEST(test_much_output), TEST(test_grace), TEST(test_command),
		TEST(test_not_started), TEST(test_command_not_started),
		TEST(test_too_many_descriptors) };

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
