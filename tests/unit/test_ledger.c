/* SPDX-License-Identifier: MIT */
/* Sessions as a channel worker knows them: what core, sessions and the service
 * are told, and what outlives a channel worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/slice.h"
#include "mgs/frame.h"
#include "mgs/websocket.h"
#include "serve/ledger.h"

#define NODE "mi-0123456789abcdef0"

enum { ROOM = 64 * 1024, LONG = 2 * RECORDS_PIECE + 100 };

static struct ledger *ledger;
static struct websocket *ws;
static int core;
static struct records_session record;

static void
pair(int ends[static 2])
{
	assert_int_equal(socketpair(AF_UNIX,
	                     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	                     ends),
	    0);
}

static int line;

static int
setup(void **state)
{
	int ends[2];

	(void)state;
	pair(ends);
	core = ends[0];
	line = ends[1];
	assert_int_equal(websocket_open(&ws, ROOM, ROOM, NULL), 0);
	return ledger_open(&ledger, line, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	ledger_free(ledger);
	websocket_free(ws);
	close(core);
	close(line);
	return 0;
}

/* The core heard this of the session, and nothing else. */
static void
expect_core(enum records_kind kind, const char *id)
{
	struct records_core told;

	assert_int_equal(records_hear_core(core, true, &told), RECORDS_ONE);
	assert_int_equal(told.kind, kind);
	assert_string_equal(told.session, id);
	assert_int_equal(records_hear_core(core, true, &told), RECORDS_NONE);
}

static void
expect_core_silent(void)
{
	struct records_core told;

	assert_int_equal(records_hear_core(core, true, &told), RECORDS_NONE);
}

static void
want(const char *id, const char *text)
{
	struct buf task = { 0 };

	buf_puts(&task, text);
	ledger_want(ledger, id, &task);
	buf_free(&task);
}

/* The session's end of its socket. */
static int
seat(const char *id)
{
	int ends[2];

	pair(ends);
	ledger_seat(ledger, id, ends[1]);
	return ends[0];
}

static int
begin(const char *id)
{
	want(id, "{}");
	expect_core(RECORDS_WANTED, id);
	return seat(id);
}

static void
give_credentials(const char *secret)
{
	struct records_session cred = { .part = RECORDS_CRED };

	slice_copy(slice_of("AKIA"), cred.cred.id, sizeof cred.cred.id);
	slice_copy(slice_of(secret), cred.cred.secret, sizeof cred.cred.secret);
	ledger_credentials(ledger, &cred);
}

static enum records_got
hear(int session)
{
	return records_hear_session(session, true, false, &record);
}

static void
say_outcome(int session, enum order_status status, const char *text)
{
	struct records_session told = { .part = RECORDS_OUTCOME };

	told.outcome.status = status;
	slice_copy(slice_of(text), told.outcome.text, sizeof told.outcome.text);
	assert_int_equal(records_tell_session(session, &told), 0);
}

/* Undo the mask of the one message that waits, and read its frame. */
static struct json *
reported(void)
{
	struct slice out = websocket_pending(ws);
	static unsigned char bytes[ROOM];
	const unsigned char *in = (const unsigned char *)out.ptr;
	struct frame frame;
	struct json *doc = NULL;
	size_t len;

	assert_true(out.len > 8);
	assert_int_equal(in[1], 0x80 | 126);
	len = (size_t)in[2] << 8 | in[3];
	assert_int_equal(out.len, 8 + len);
	for (size_t i = 0; i < len; i++)
		bytes[i] = in[8 + i] ^ in[4 + i % 4];
	websocket_sent(ws, out.len);
	assert_int_equal(frame_read(&frame, slice_make((char *)bytes, len),
	                     NULL),
	    0);
	assert_int_equal(frame.type, FRAME_AGENT_TASK_COMPLETE);
	assert_int_equal(json_parse(&doc, frame.payload.ptr, frame.payload.len,
	                     NULL),
	    0);
	return doc;
}

static void
expect_report(const char *id, const char *status, const char *text)
{
	struct json *doc;

	ledger_report(ledger, ws, NODE);
	doc = reported();
	assert_string_equal(json_text(doc, "TaskId"), id);
	assert_string_equal(json_text(doc, "FinalTaskStatus"), status);
	assert_string_equal(json_text(doc, "Output"), text);
	json_free(doc);
}

static void
expect_no_report(void)
{
	ledger_report(ledger, ws, NODE);
	assert_int_equal(websocket_pending(ws).len, 0);
}

/* Task in pieces, then credentials, and those again when they are new. */
static void
test_telling(void **state)
{
	static char text[LONG + 1];
	struct buf got = { 0 };
	int session;

	(void)state;
	memset(text, 'x', LONG);
	want("u-1", text);
	want("u-1", "{}");
	expect_core(RECORDS_WANTED, "u-1");
	session = seat("u-1");
	ledger_move(ledger);
	while (hear(session) == RECORDS_ONE) {
		assert_int_equal(record.part, RECORDS_TASK);
		buf_add(&got, record.task.data, record.task.len);
		assert_int_equal(record.task.last, got.len == LONG);
	}
	assert_string_equal(buf_str(&got), text);
	give_credentials("one");
	ledger_move(ledger);
	assert_int_equal(hear(session), RECORDS_ONE);
	assert_string_equal(record.cred.secret, "one");
	ledger_move(ledger);
	assert_int_equal(hear(session), RECORDS_NONE);
	give_credentials("two");
	ledger_move(ledger);
	assert_int_equal(hear(session), RECORDS_ONE);
	assert_string_equal(record.cred.secret, "two");
	buf_free(&got);
	close(session);
}

/* Told three times on one channel, and again on the next, until the service
 * has heard it; then the same session is not begun again. */
static void
test_outcome(void **state)
{
	int session = begin("u-1");

	(void)state;
	expect_no_report();
	say_outcome(session, ORDER_FAILED, "no shell");
	ledger_acknowledged(ledger, "u-1");
	ledger_move(ledger);
	expect_core_silent();
	for (int i = 0; i < LEDGER_TRIES; i++) {
		expect_report("u-1", "Failed", "no shell");
		expect_no_report();
		ledger->entries[0].next = 0;
	}
	expect_no_report();
	assert_true(ledger_due(ledger) > clock_ms());
	ledger_reopened(ledger);
	expect_report("u-1", "Failed", "no shell");
	ledger_acknowledged(ledger, "u-1");
	expect_core(RECORDS_OVER, "u-1");
	assert_true(ledger_due(ledger) == INT64_MAX);
	want("u-1", "{}");
	expect_core_silent();
	ledger_reopened(ledger);
	expect_no_report();
	close(session);
}

/* A service that is away for good. */
static void
test_giving_up(void **state)
{
	int session = begin("u-1");

	(void)state;
	say_outcome(session, ORDER_SUCCESS, "");
	ledger_move(ledger);
	ledger_report(ledger, NULL, NODE);
	assert_true(ledger_due(ledger) > clock_ms());
	ledger->entries[0].next = ledger->entries[0].give_up_at = 0;
	ledger_report(ledger, NULL, NODE);
	expect_core(RECORDS_OVER, "u-1");
	close(session);
}

/* The next channel worker finds task-less session and outcome. */
static void
test_other_worker(void **state)
{
	int ends[2];

	(void)state;
	pair(ends);
	say_outcome(ends[0], ORDER_SUCCESS, "");
	for (int i = 0; i < 2; i++) {
		int copy = dup(ends[1]);

		ledger_seat(ledger, "u-1", copy);
		ledger_move(ledger);
		expect_report("u-1", "Success", "");
		ledger_free(ledger);
		assert_int_equal(ledger_open(&ledger, line, NULL), 0);
	}
	ledger_seat(ledger, "u-2", dup(ends[1]));
	give_credentials("one");
	ledger_move(ledger);
	assert_int_equal(hear(ends[0]), RECORDS_ONE);
	assert_int_equal(record.part, RECORDS_CRED);
	close(ends[0]);
	close(ends[1]);
}

static void
test_ends(void **state)
{
	int session = begin("u-1");

	(void)state;
	ledger_stop(ledger, "u-1");
	ledger_stop(ledger, "unknown");
	ledger_move(ledger);
	assert_int_equal(hear(session), RECORDS_ONE);
	assert_int_equal(record.part, RECORDS_TASK);
	assert_int_equal(hear(session), RECORDS_ONE);
	assert_int_equal(record.part, RECORDS_STOP);
	say_outcome(session, ORDER_SUCCESS, "");
	ledger_move(ledger);
	expect_report("u-1", "Cancelled", "");
	close(session);
	session = begin("u-2");
	close(session);
	ledger_move(ledger);
	expect_report("u-2", "Failed",
	    "The session's process ended unexpectedly.");
	want("u-3", "{}");
	expect_core(RECORDS_WANTED, "u-3");
	ledger_refused(ledger, "u-3", "no room");
	expect_report("u-3", "Failed", "no room");
}

/* The container stops: whatever else a session says, that is why. */
static void
test_parting(void **state)
{
	int one = begin("u-1"), two = begin("u-2"), three = begin("u-3");

	(void)state;
	ledger->parting = true;
	say_outcome(one, ORDER_CANCELLED, "");
	say_outcome(two, ORDER_FAILED, "no shell");
	close(three);
	ledger_move(ledger);
	ledger->entries[1].next = ledger->entries[2].next = INT64_MAX;
	expect_report("u-1", "Cancelled", "The container stops.");
	ledger->entries[1].next = 0;
	expect_report("u-2", "Failed", "no shell");
	ledger->entries[2].next = 0;
	expect_report("u-3", "Failed", "The container stops.");
	want("u-4", "{}");
	expect_core_silent();
	expect_report("u-4", "Failed", "The container stops.");
	close(one);
	close(two);
}

/* As many as there are; one more is left to the service.  Those that are free
 * are never written to. */
static void
test_many(void **state)
{
	static const struct ledger_entry nothing;
	struct pollfd fds[LEDGER_MAX];
	char id[16];

	(void)state;
	want("u-0", "{}");
	give_credentials("one");
	ledger_reopened(ledger);
	for (size_t i = 1; i < LEDGER_MAX; i++)
		assert_memory_equal(&ledger->entries[i], &nothing,
		    sizeof nothing);
	for (int i = 1; i <= LEDGER_MAX; i++) {
		struct records_core told;

		snprintf(id, sizeof id, "u-%d", i);
		want(id, "{}");
		while (records_hear_core(core, true, &told) == RECORDS_ONE)
			assert_int_equal(told.kind, RECORDS_WANTED);
	}
	assert_int_equal(ledger_poll(ledger, fds), 0);
	for (int i = 0; i < LEDGER_MAX; i++) {
		snprintf(id, sizeof id, "u-%d", i);
		ledger_refused(ledger, id, "no");
		ledger_acknowledged(ledger, id);
		expect_core(RECORDS_OVER, id);
	}
	want("u-new", "{}");
	expect_core(RECORDS_WANTED, "u-new");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_telling),
		TEST(test_outcome), TEST(test_giving_up),
		TEST(test_other_worker), TEST(test_ends), TEST(test_parting),
		TEST(test_many) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
