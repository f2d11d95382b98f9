/* SPDX-License-Identifier: MIT */
/* What workers tell: over a pipe, checked, and taken into the state. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "work/job.h"

#define UUID_A "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define NODE   "mi-0123456789abcdef0"

static int ends[2];

static int
open_pipe(void **unused)
{
	(void)unused;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	return 0;
}

static int
close_pipe(void **unused)
{
	(void)unused;
	assert_int_equal(close(ends[0]), 0);
	if (ends[1] >= 0)
		assert_int_equal(close(ends[1]), 0);
	return 0;
}

/* One that was sent and received, and so is valid. */
static struct job_record
sent(enum journal type, const char *text)
{
	struct job_record record;

	assert_int_equal(job_send(ends[1], type, text, NULL, NULL), 0);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_true(job_valid(&record));
	return record;
}

static void
test_round_trip(void **unused)
{
	struct state state = { .node = NODE, .since = 5, .unsettled = true };
	struct err err = { 0 };
	struct job_record record;

	(void)unused;
	assert_true(sizeof record <= PIPE_BUF);
	err_set(&err, ERR_KIND_API, "told");
	assert_int_equal(job_receive(ends[0], &record), 0);
	assert_int_equal(job_send(ends[1], JOURNAL_STATE, "reuse", &state,
	                     NULL),
	    0);
	assert_int_equal(job_send(ends[1], JOURNAL_FAILED, NULL, NULL, &err),
	    0);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_int_equal(record.type, JOURNAL_STATE);
	assert_string_equal(record.text, "reuse");
	assert_string_equal(record.state.node, NODE);
	assert_true(record.state.unsettled);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_string_equal(record.err.msg, "told");
	assert_int_equal(record.err.kind, ERR_KIND_API);
	assert_int_equal(job_receive(ends[0], &record), 0);
	assert_int_equal(close(ends[1]), 0);
	ends[1] = -1;
	assert_int_equal(job_receive(ends[0], &record), -1);
}

static void
test_length_of_the_text(void **unused)
{
	char text[JOB_TEXT_SIZE + 1];
	struct job_record record;

	(void)unused;
	memset(text, 'r', sizeof text);
	text[JOB_TEXT_SIZE] = '\0';
	assert_int_equal(job_send(ends[1], JOURNAL_STATE, text, NULL, NULL),
	    -1);
	assert_int_equal(job_receive(ends[0], &record), 0);
	text[JOB_TEXT_SIZE - 1] = '\0';
	assert_int_equal(job_send(ends[1], JOURNAL_STATE, text, NULL, NULL), 0);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_string_equal(record.text, text);
}

static bool
apply(struct state *state, const struct job_record *record)
{
	return state_apply(state, (enum journal)record->type, record->text,
	    &record->state);
}

/* A worker learns that nobody listens. */
static void
test_nobody_reads(void **unused)
{
	struct err err = { 0 };
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);

	(void)unused;
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(job_tell(ends[1], JOURNAL_NODE, NODE, &err), -1);
	assert_non_null(strstr(err.msg, "the keeper is gone"));
	assert_int_equal(close(ends[1]), 0);
	signal(SIGPIPE, before);
	open_pipe(NULL);
}

/* What is damaged is dropped, and what comes after it is read. */
static void
dropped(const struct job_record *damaged)
{
	struct job_record record;

	assert_false(job_valid(damaged));
	assert_int_equal(write(ends[1], damaged, sizeof *damaged),
	    sizeof *damaged);
	assert_int_equal(job_tell(ends[1], JOURNAL_DONE, NULL, NULL), 0);
	assert_int_equal(job_receive(ends[0], &record), 0);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_int_equal(record.type, JOURNAL_DONE);
}

static void
test_damaged_heads(void **unused)
{
	struct job_record good = sent(JOURNAL_NODE, NODE), odd = good;

	(void)unused;
	odd.magic ^= 1;
	dropped(&odd);
	odd = good;
	odd.type = JOURNAL_NONE;
	dropped(&odd);
	odd.type = JOURNAL_TYPES;
	dropped(&odd);
	odd.type = UINT32_MAX;
	dropped(&odd);
}

static void
test_damaged_texts(void **unused)
{
	struct job_record good = sent(JOURNAL_NODE, NODE), odd = good;

	(void)unused;
	memset(odd.text, 'a', sizeof odd.text);
	dropped(&odd);
	odd = good;
	strcpy(odd.text, "mi-0123456789abcdef0 x");
	dropped(&odd);
	odd = good;
	odd.text[0] = '\0';
	dropped(&odd);
	odd = sent(JOURNAL_ACTIVATION, UUID_A);
	odd.text[0] = 'x';
	dropped(&odd);
	odd = good;
	strcpy(odd.state.node, "nothing");
	dropped(&odd);
	odd = good;
	memset(odd.state.region, 'r', sizeof odd.state.region);
	dropped(&odd);
}

static void
test_damaged_errors(void **unused)
{
	struct job_record good = sent(JOURNAL_DONE, NULL), odd = good;
	const unsigned many = 1000;

	(void)unused;
	memset(odd.err.msg, 'm', sizeof odd.err.msg);
	dropped(&odd);
	odd = good;
	memset(odd.err.fix, 'm', sizeof odd.err.fix);
	dropped(&odd);
	odd = good;
	memset(odd.err.peer_code, 'm', sizeof odd.err.peer_code);
	dropped(&odd);
	odd = good;
	memset(odd.err.peer_text, 'm', sizeof odd.err.peer_text);
	dropped(&odd);
	odd = good;
	memset(odd.err.request_id, 'm', sizeof odd.err.request_id);
	dropped(&odd);
	odd = good;
	memcpy(&odd.err.kind, &many, sizeof odd.err.kind);
	dropped(&odd);
	odd = good;
	memcpy(&odd.err.code, &many, sizeof odd.err.code);
	dropped(&odd);
	odd = good;
	memcpy(&odd.err.retry, &many, sizeof odd.err.retry);
	dropped(&odd);
	/* A failure without an error is none. */
	odd = good;
	odd.type = JOURNAL_FAILED;
	dropped(&odd);
}

/* A byte that is neither false nor true; using it is undefined. */
static void
test_damaged_booleans(void **unused)
{
	static const size_t flags[] = {
		offsetof(struct job_record, state.unsettled),
		offsetof(struct job_record, state.installed),
		offsetof(struct job_record, state.begun),
		offsetof(struct job_record, err.timed_out),
		offsetof(struct job_record, err.ambiguous),
	};
	const unsigned char two = 2;

	(void)unused;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		struct job_record odd = sent(JOURNAL_DONE, NULL);

		memcpy((char *)&odd + flags[i], &two, 1);
		dropped(&odd);
	}
}

static void
test_part_of_a_record(void **unused)
{
	struct job_record good = sent(JOURNAL_NODE, NODE), record;

	(void)unused;
	assert_int_equal(write(ends[1], &good, sizeof good - 1),
	    sizeof good - 1);
	assert_int_equal(job_receive(ends[0], &record), 0);
	assert_int_equal(job_receive(ends[0], &record), 0);
}

static void
test_what_changes_the_state(void **unused)
{
	struct state state = { .unsettled = true };
	struct job_record record = sent(JOURNAL_REGION, "eu-west-1");

	(void)unused;
	assert_true(apply(&state, &record));
	assert_string_equal(state.region, "eu-west-1");
	record = sent(JOURNAL_ACTIVATION, UUID_A);
	assert_true(apply(&state, &record));
	assert_string_equal(state.activation, UUID_A);
	record = sent(JOURNAL_NODE, NODE);
	assert_true(apply(&state, &record));
	assert_string_equal(state.node, NODE);
	assert_true(state.since > 0 && state.since <= clock_now());
	record = sent(JOURNAL_SETTLED, "");
	assert_true(apply(&state, &record));
	assert_false(state.unsettled);
	record = sent(JOURNAL_NO_ACTIVATION, UUID_A);
	assert_true(apply(&state, &record));
	assert_string_equal(state.activation, "");
	assert_string_equal(state.node, NODE);
	record = sent(JOURNAL_NO_NODE, NODE);
	assert_true(apply(&state, &record));
	assert_string_equal(state.node, "");
	assert_string_equal(state.region, "eu-west-1");
	assert_true(state_settled(&state));
}

static void
test_what_replaces_the_state(void **unused)
{
	struct state disk = { .node = NODE, .installed = true }, state = { 0 };
	struct job_record record;

	(void)unused;
	assert_int_equal(job_send(ends[1], JOURNAL_STATE, NULL, &disk, NULL),
	    0);
	assert_int_equal(job_receive(ends[0], &record), 1);
	assert_true(apply(&state, &record));
	assert_string_equal(state.node, NODE);
	assert_true(state.installed);
}

static void
test_what_leaves_the_state_alone(void **unused)
{
	static const enum journal types[] = { JOURNAL_HANDED_OVER,
		JOURNAL_ACCEPTED, JOURNAL_REFUSED, JOURNAL_DONE };
	struct state state = { .node = NODE, .unsettled = true };

	(void)unused;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		struct job_record record = sent(types[i], "x");

		assert_false(apply(&state, &record));
		assert_string_equal(state.node, NODE);
		assert_true(state.unsettled);
	}
}

/* A region that no state may hold must not get into one, or what is saved
 * cannot be loaded again and the node in it is forgotten. */
static void
odd_region(const char *text)
{
	struct state state = { .region = "eu-west-1" };
	struct job_record record;

	assert_int_equal(job_send(ends[1], JOURNAL_REGION, text, NULL, NULL),
	    0);
	if (job_receive(ends[0], &record) != 1)
		return;
	(void)apply(&state, &record);
	assert_true(state_valid(&state));
	assert_string_not_equal(state.region, "");
}

static void
test_regions_that_are_none(void **unused)
{
	char text[JOB_TEXT_SIZE];

	(void)unused;
	odd_region("eu\nwest");
	odd_region("\033[2J");
	odd_region("\xc3\xa9");
	odd_region("");
	memset(text, 'r', sizeof text);
	text[sizeof(((struct state *)0)->region)] = '\0';
	odd_region(text);
}

#define PIPE_TEST(f) cmocka_unit_test_setup_teardown(f, open_pipe, close_pipe)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PIPE_TEST(test_round_trip),
		PIPE_TEST(test_length_of_the_text),
		PIPE_TEST(test_nobody_reads),
		PIPE_TEST(test_damaged_heads),
		PIPE_TEST(test_damaged_texts),
		PIPE_TEST(test_damaged_errors),
		PIPE_TEST(test_damaged_booleans),
		PIPE_TEST(test_part_of_a_record),
		PIPE_TEST(test_what_changes_the_state),
		PIPE_TEST(test_what_replaces_the_state),
		PIPE_TEST(test_what_leaves_the_state_alone),
		PIPE_TEST(test_regions_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
