/* SPDX-License-Identifier: MIT */
/* The helper of a session, with a session worker that was taken over: in place
 * of talk_run() it does what a case says. */
/* NOLINTBEGIN(readability-identifier-naming) */
#define talk_run      worker_run
#define session_start helper_start
/* NOLINTEND(readability-identifier-naming) */
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
#include "serve/session.c"
#include "settings/config.h"
#include "work/job.h"

enum { WAIT_MS = 20000, STEPS_MAX = 4, PAUSE_MS = 10 };

/* What a worker asks for, one after another. */
struct case_step {
	enum ask_kind kind;
	enum document_kind program;
	uint16_t port;
	uint8_t address_size;
	const char *text;
};

static const struct case_step *wanted;
static size_t answers; /* that are waited for */

static void
make_ask(struct ask *ask, const struct case_step *from)
{
	ask_make(ask, from->kind);
	ask->program = from->program;
	ask->port = from->port;
	ask->address_size = from->address_size;
	ask->address[0] = 10;
	ask->id = 3;
	ask->elevated = 1;
	if (from->text != NULL)
		ask_say(ask, slice_of(from->text));
}

/* Tells the test of each record of the helper, until all answers came. */
int
talk_run(const struct work *work, int out, struct err *err)
{
	const struct talk_in *in = (const struct talk_in *)(const void *)work;
	static struct ask ask;
	int fds[PASS_MAX];
	struct pollfd one = { .fd = in->hand, .events = POLLIN };
	size_t count = 0;
	unsigned char kind = 0;

	(void)out;
	(void)err;
	for (const struct case_step *one_step = wanted;
	     one_step->kind != ASK_NOTHING; one_step++) {
		make_ask(&ask, one_step);
		ask_send(in->hand, &ask, NULL, 0);
	}
	for (size_t n = 0; n < answers; n++) {
		poll(&one, 1, WAIT_MS);
		if (ask_take(in->hand, false, &ask, fds, &count) != 1)
			return 0;
		kind = (unsigned char)ask.kind;
		(void)!write(in->line, &kind, 1);
	}
	return 0;
}

/* Run a case to its end: what its worker told, kinds and perhaps the 0. */
static ssize_t
run_case(const struct case_step list[static STEPS_MAX], unsigned char *told,
    size_t size)
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

	wanted = list;
	cfg.session_user = geteuid() == 0 ? "daemon" : NULL;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	                     ends),
	    0);
	in.line = ends[1];
	assert_int_equal(session_start(&job, &in, NULL), 0);
	while (job.active) {
		assert_true(clock_left(until) > 0);
		job_next(&job, &record);
		clock_sleep(clock_in(PAUSE_MS));
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
expect_told(const struct case_step list[static STEPS_MAX], const char *kinds)
{
	unsigned char told[16] = { 0 };
	ssize_t n;

	/* Where none is wanted it is the helper that ends it. */
	answers = *kinds != '\0' ? strlen(kinds) : SIZE_MAX;
	n = run_case(list, told, sizeof told);

	assert_int_equal(n, (ssize_t)strlen(kinds));
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(told[i], kinds[i] == 's'   ? ASK_STARTED
		                          : kinds[i] == 'x' ? ASK_EXITED
		                                            : ASK_FAILED);
	}
}

/* What its task lets is done. */
static void
test_in_order(void **state)
{
	static const struct case_step shell[STEPS_MAX] = {
		{ .kind = ASK_TASK,
		    .program = DOCUMENT_INTERACTIVE,
		    .text = "exit 3" },
		{ .kind = ASK_START },
	};
	static const struct case_step port[STEPS_MAX] = {
		{ .kind = ASK_TASK, .program = DOCUMENT_PORT, .port = 1 },
		{ .kind = ASK_DIAL, .port = 1 },
	};

	(void)state;
	expect_told(shell, "sx");
	expect_told(port, "f");
}

/* Anything else ends it at once, without an answer. */
static void
test_taken_over(void **state)
{
	static const struct case_step cases[][STEPS_MAX] = {
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
		expect_told(cases[i], "");
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
