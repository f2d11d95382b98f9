/* SPDX-License-Identifier: MIT */
/* The helper of a session, with a session worker that was taken over: here it
 * is talk_run() that does what a case says, in place of serve/talk.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "serve/ask.h"
#include "serve/session.h"
#include "serve/talk.h"
#include "settings/config.h"
#include "work/job.h"

enum { WAIT_MS = 20000, CALM_MS = 300, STEPS_MAX = 4 };

/* What a worker asks for, one after another. */
struct step {
	enum ask_kind kind;
	enum document_kind program;
	uint16_t port;
	uint8_t address_size;
	const char *text;
};

static const struct step *steps;

static void
ask_for(struct ask *ask, const struct step *step)
{
	ask_make(ask, step->kind);
	ask->program = step->program;
	ask->port = step->port;
	ask->address_size = step->address_size;
	ask->address[0] = 10;
	ask->id = 3;
	ask->elevated = 1;
	if (step->text != NULL)
		ask_say(ask, slice_of(step->text));
}

/* Tell the test of each record of the helper; a 0 says that it is still there
 * after a while. */
int
talk_run(const struct work *work, int out, struct err *err)
{
	const struct talk_in *in = (const struct talk_in *)(const void *)work;
	static struct ask ask;
	int fds[PASS_MAX], got = 0;
	struct pollfd one = { .fd = in->hand, .events = POLLIN };
	size_t count = 0;
	unsigned char kind = 0;

	(void)out;
	(void)err;
	for (const struct step *step = steps; step->kind != ASK_NOTHING;
	     step++) {
		ask_for(&ask, step);
		ask_send(in->hand, &ask, NULL, 0);
	}
	while (poll(&one, 1, CALM_MS) > 0 &&
	       (got = ask_take(in->hand, false, &ask, fds, &count)) == 1) {
		kind = (unsigned char)ask.kind;
		(void)!write(in->line, &kind, 1);
	}
	kind = 0;
	if (got == 0)
		(void)!write(in->line, &kind, 1);
	return 0;
}

/* Run a case to its end: what its worker told, kinds and perhaps the 0. */
static ssize_t
run(const struct step list[static STEPS_MAX], unsigned char *told, size_t size)
{
	struct config cfg = { .shell = "/bin/sh" };
	struct state state = { .region = "eu-west-1" };
	struct work work = { .cfg = &cfg, .state = &state };
	struct session_in in = { .work = &work, .id = "u-1" };
	int64_t until = clock_in(WAIT_MS);
	int ends[2];
	struct job job = { .pid = 0 };
	struct job_record record;
	ssize_t n = 0;

	steps = list;
	cfg.session_user = geteuid() == 0 ? "daemon" : NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	                     ends),
	    0);
	in.line = ends[1];
	assert_int_equal(session_start(&job, &in, NULL), 0);
	while (job.active) {
		assert_true(clock_left(until) > 0);
		job_next(&job, &record);
		clock_sleep(clock_in(10));
	}
	if (job.pid > 0)
		assert_int_equal(waitpid(job.pid, NULL, 0), job.pid);
	while ((size_t)n < size && read(ends[0], &told[n], 1) == 1)
		n++;
	close(ends[0]);
	close(ends[1]);
	return n;
}

static void
expect(const struct step list[static STEPS_MAX], const char *kinds)
{
	unsigned char told[16] = { 0 };
	ssize_t n = run(list, told, sizeof told);

	assert_int_equal(n, (ssize_t)strlen(kinds));
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(told[i], kinds[i] == '0'   ? 0
		                          : kinds[i] == 's' ? ASK_STARTED
		                          : kinds[i] == 'x' ? ASK_EXITED
		                                            : ASK_FAILED);
}

/* What its task lets is done. */
static void
test_in_order(void **state)
{
	static const struct step shell[STEPS_MAX] = {
		{ .kind = ASK_TASK,
		    .program = DOCUMENT_INTERACTIVE,
		    .text = "exit 3" },
		{ .kind = ASK_START },
	};
	static const struct step port[STEPS_MAX] = {
		{ .kind = ASK_TASK, .program = DOCUMENT_PORT, .port = 1 },
		{ .kind = ASK_DIAL, .port = 1 },
	};

	(void)state;
	expect(shell, "sx0");
	expect(port, "f0");
}

/* Anything else ends it at once, without an answer. */
static void
test_taken_over(void **state)
{
	static const struct step cases[][STEPS_MAX] = {
		/* No task at all. */
		{ { .kind = ASK_START } },
		{ { .kind = ASK_DIAL, .port = 1 } },
		/* Another one. */
		{ { .kind = ASK_TASK, .program = DOCUMENT_SHELL },
		    { .kind = ASK_TASK,
		        .program = DOCUMENT_INTERACTIVE,
		        .text = "id" } },
		/* A program in place of a port, and the other way round. */
		{ { .kind = ASK_TASK, .program = DOCUMENT_PORT, .port = 1 },
		    { .kind = ASK_START } },
		{ { .kind = ASK_TASK, .program = DOCUMENT_SHELL },
		    { .kind = ASK_DIAL, .port = 1 } },
		/* Another port, another host. */
		{ { .kind = ASK_TASK, .program = DOCUMENT_PORT, .port = 1 },
		    { .kind = ASK_DIAL, .port = 2 } },
		{ { .kind = ASK_TASK, .program = DOCUMENT_PORT, .port = 1 },
		    { .kind = ASK_DIAL, .port = 1, .address_size = 4 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect(cases[i], "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
