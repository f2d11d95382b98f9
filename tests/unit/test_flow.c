/* SPDX-License-Identifier: MIT */
/* The data channel of a session, with a client that is lossy, late or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "mgs/flow.h"
#include "mgs/websocket.h"
#include "unit/plugin.h"
#include "unit/vectors.h"

enum { BULK = 1000000 };

/* It is big. */
static struct plugin p;

static void
open_ready(enum document_kind kind)
{
	struct flow_event event;

	plugin_open(&p, kind, true);
	plugin_run(&p, 5);
	if (kind != DOCUMENT_PORT)
		plugin_send(&p, FRAME_SIZE, "{\"cols\":100,\"rows\":30}", 22);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_READY);
	if (kind != DOCUMENT_PORT)
		assert_int_equal(plugin_event(&p, &event, NULL), FLOW_RESIZE);
	plugin_run(&p, 5);
}

/* Send the bytes, as many at once as are taken but step at most; the time
 * that passes is bounded. */
static void
send_all(const char *data, size_t len, size_t step)
{
	for (size_t at = 0, idle = 0; at < len; idle++) {
		size_t room = flow_room(p.flow);
		size_t n = len - at < step ? len - at : step;
		size_t taken;

		assert_true(idle < 100000);
		n = n < room ? n : room;
		taken = flow_send(p.flow, FRAME_OUTPUT, &data[at], n);
		assert_int_equal(taken, n);
		at += taken;
		plugin_run(&p, 1);
	}
}

static char *
pattern(size_t len)
{
	char *data = malloc(len);

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 1000);
	return data;
}

/* All of it arrives, once and in order. */
static void
expect_output(const struct plugin_faults *faults, size_t step, int cut)
{
	char *data = pattern(BULK);

	open_ready(DOCUMENT_PORT);
	p.faults = *faults;
	for (int part = 0; part <= cut; part++) {
		size_t len = BULK / (size_t)(cut + 1);

		send_all(&data[(size_t)part * len], len, step);
		if (part < cut) {
			/* What was under way is lost. */
			struct slice gone = websocket_pending(p.ws);

			websocket_sent(p.ws, gone.len);
			flow_resume(p.flow);
		}
	}
	for (int i = 0; i < 1000 && p.output.len < BULK; i++)
		plugin_run(&p, 100);
	assert_int_equal(p.output.len, BULK);
	assert_memory_equal(p.output.data, data, BULK);
	assert_in_range(p.longest, step < FLOW_PAYLOAD ? step : FLOW_PAYLOAD,
	    FLOW_PAYLOAD);
	free(data);
	plugin_close(&p);
}

static void
test_output_arrives(void **state)
{
	static const struct plugin_faults rows[] = {
		{ .twice = 0 },
		{ .lose_output = 3 },
		{ .lose_output = 2 },
		{ .lose_client_ack = 3 },
		{ .lose_output = 3, .lose_client_ack = 3 },
		{ .lose_output = 7,
		    .lose_client_ack = 5,
		    .twice = 4,
		    .swap = 3 },
		{ .twice = 2 },
		{ .swap = 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_output(&rows[i], 16384, 0);
		expect_output(&rows[i], 700, 0);
	}
	expect_output(&rows[0], 50000, 9);
	expect_output(&rows[5], 50000, 9);
}

/* What is not lost is not sent again, and takes no time. */
static void
test_nothing_in_vain(void **state)
{
	char *data = pattern(BULK);
	int64_t began;

	(void)state;
	open_ready(DOCUMENT_PORT);
	began = p.now;
	send_all(data, BULK, BULK);
	while (p.output.len < BULK)
		plugin_run(&p, 1);
	/* As soon as there is room in the buffer of the connection. */
	assert_true(p.now - began < 40);
	assert_int_equal(flow_counts(p.flow).again, 0);
	assert_in_range(flow_counts(p.flow).sent, BULK / FLOW_PAYLOAD,
	    BULK / FLOW_PAYLOAD + 20);
	assert_true(flow_deadline(p.flow) == INT64_MAX);
	plugin_run(&p, 5000);
	assert_int_equal(flow_counts(p.flow).again, 0);
	free(data);
	plugin_close(&p);
}

/* A lost word of a frame does not keep that frame for ever, once others
 * follow; while nothing follows, it is repeated now and then. */
static void
test_lost_acknowledgement(void **state)
{
	(void)state;
	open_ready(DOCUMENT_PORT);
	p.faults.lose_client_ack = 1;
	send_all("a", 1, 1);
	p.faults.lose_client_ack = 0;
	plugin_run(&p, 10000);
	assert_in_range(flow_counts(p.flow).again, 5, 60);
	assert_int_equal(flow_counts(p.flow).given_up, 0);
	for (int i = 0; i < 1000; i++)
		send_all("b", 1, 1);
	plugin_run(&p, 60000);
	assert_int_equal(flow_counts(p.flow).given_up, 1);
	assert_true(flow_deadline(p.flow) == INT64_MAX);
	plugin_close(&p);
}

/* A client that loses its own connection loses as many acknowledgements as
 * frames may be under way, and never says so. */
static void
test_all_acknowledgements_lost(void **state)
{
	char *data = pattern(BULK);
	size_t len = 0;

	(void)state;
	open_ready(DOCUMENT_PORT);
	p.faults.lose_client_ack = 1;
	while (flow_room(p.flow) > 0) {
		len += flow_send(p.flow, FRAME_OUTPUT, &data[len], 5000);
		plugin_run(&p, 1);
	}
	plugin_run(&p, 10000);
	assert_int_equal(p.output.len, len);
	p.faults.lose_client_ack = 0;
	send_all(&data[len], BULK - len, BULK);
	plugin_run(&p, 1000);
	assert_int_equal(p.output.len, BULK);
	assert_memory_equal(p.output.data, data, BULK);
	plugin_run(&p, 5000);
	assert_true(flow_counts(p.flow).given_up > FLOW_OUT / 2);
	free(data);
	plugin_close(&p);
}

/* Somebody who is not there gets a bounded number of frames. */
static void
test_window(void **state)
{
	char *data = pattern(BULK);
	uint64_t again;
	size_t taken = 0;

	(void)state;
	open_ready(DOCUMENT_PORT);
	p.mute = true;
	for (int i = 0; i < 1000; i++) {
		taken += flow_send(p.flow, FRAME_OUTPUT, data, 4096);
		plugin_run(&p, 10);
	}
	assert_in_range(taken, FLOW_OUT * FLOW_PAYLOAD - 20000,
	    FLOW_OUT * FLOW_PAYLOAD);
	assert_int_equal(flow_room(p.flow), 0);
	/* And each of them less and less often. */
	again = flow_counts(p.flow).again;
	assert_true(again < UINT64_C(7) * FLOW_OUT);
	plugin_run(&p, 100000);
	assert_true(flow_counts(p.flow).again - again <
	            UINT64_C(10) * FLOW_OUT);
	/* There is room for a last word. */
	assert_int_equal(flow_exit_code(p.flow, 7), 0);
	assert_int_equal(flow_flag(p.flow, FLOW_CONNECT_ERROR), 0);
	p.mute = false;
	for (int i = 0; i < 200 && p.output.len < taken; i++)
		plugin_run(&p, 100);
	assert_int_equal(p.output.len, taken);
	plugin_run(&p, 5000);
	assert_string_equal(p.exit_code, "EXIT_CODE: 7");
	assert_int_equal(p.flag, FLOW_CONNECT_ERROR);
	free(data);
	plugin_close(&p);
}

static void
test_pause(void **state)
{
	(void)state;
	open_ready(DOCUMENT_SHELL);
	plugin_deliver(&p, FRAME_PAUSE_PUBLICATION, 0, 0, slice_of(NULL));
	send_all("hello", 5, 5);
	plugin_run(&p, 5000);
	assert_int_equal(p.output.len, 0);
	assert_true(flow_deadline(p.flow) == INT64_MAX);
	plugin_deliver(&p, FRAME_START_PUBLICATION, 0, 0, slice_of(NULL));
	plugin_run(&p, 5);
	assert_string_equal(buf_str(&p.output), "hello");
	/* Whoever sends is there. */
	plugin_deliver(&p, FRAME_PAUSE_PUBLICATION, 0, 0, slice_of(NULL));
	send_all(" you", 4, 4);
	plugin_send(&p, FRAME_OUTPUT, "x", 1);
	plugin_run(&p, 5);
	assert_string_equal(buf_str(&p.output), "hello you");
	plugin_close(&p);
}

/* Small pieces that wait share a frame; a character is never cut. */
static void
test_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
	struct buf all = { .max = BULK };

	(void)state;
	open_ready(DOCUMENT_SHELL);
	for (int i = 0; i < 1000; i++)
		buf_puts(&all, text);
	for (size_t step = 1; step < 1400; step = step * 2 + 1) {
		buf_free(&p.output);
		send_all(all.data, all.len, step);
		plugin_run(&p, 10);
		assert_int_equal(p.output.len, all.len);
		assert_memory_equal(p.output.data, all.data, all.len);
	}
	/* Half of one waits; what is none goes as it is. */
	buf_free(&p.output);
	send_all("\xe2\x82", 2, 1);
	plugin_run(&p, 10);
	assert_int_equal(p.output.len, 0);
	send_all("\xac\xff\xc3", 3, 3);
	plugin_run(&p, 10);
	assert_string_equal(buf_str(&p.output), "\xe2\x82\xac\xff");
	flow_finish(p.flow, true, p.now);
	plugin_run(&p, 10);
	assert_string_equal(buf_str(&p.output), "\xe2\x82\xac\xff\xc3");
	assert_true(flow_finished(p.flow, p.now));
	buf_free(&all);
	plugin_close(&p);
}

/* Stdout and stderr take turns, in order within themselves. */
static void
test_two_outputs(void **state)
{
	(void)state;
	open_ready(DOCUMENT_COMMAND);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(flow_send(p.flow, FRAME_OUTPUT, "out\xc3", 4),
		    4);
		assert_int_equal(flow_send(p.flow, FRAME_STDERR, "err", 3), 3);
	}
	plugin_run(&p, 10);
	assert_int_equal(p.output.len, 400);
	assert_int_equal(p.errors.len, 300);
	assert_int_equal(flow_exit_code(p.flow, -1), 0);
	plugin_run(&p, 10);
	assert_string_equal(p.exit_code, "EXIT_CODE: -1");
	plugin_close(&p);
}

/* Take what is there, step bytes at a time. */
static void
take_input(struct buf *out, size_t step)
{
	struct flow_event event;

	while (flow_next(p.flow, &event, p.now, NULL) == 1) {
		size_t n = event.data.len < step ? event.data.len : step;

		assert_int_equal(event.kind, FLOW_INPUT);
		buf_add(out, event.data.ptr, n);
		flow_taken(p.flow, n);
	}
}

static void
expect_input(const struct plugin_faults *faults, size_t step)
{
	char *data = pattern(BULK / 10);
	struct buf got = { .max = BULK };

	open_ready(DOCUMENT_PORT);
	p.faults = *faults;
	for (size_t at = 0; at < BULK / 10; at += 500) {
		plugin_send(&p, FRAME_OUTPUT, &data[at], 500);
		if (at % 20000 == 0) {
			plugin_run(&p, 1);
			take_input(&got, step);
		}
	}
	for (int i = 0; i < 5000 && got.len < BULK / 10; i++) {
		plugin_run(&p, 10);
		take_input(&got, step);
	}
	assert_int_equal(got.len, BULK / 10);
	assert_memory_equal(got.data, data, got.len);
	/* In the end all was acknowledged. */
	for (int i = 0; i < 5000 && p.first < p.next; i++)
		plugin_run(&p, 10);
	assert_int_equal(p.first, p.next);
	buf_free(&got);
	free(data);
	plugin_close(&p);
}

static void
test_input_arrives(void **state)
{
	static const struct plugin_faults rows[] = {
		{ .twice = 0 },
		{ .lose_input = 3 },
		{ .lose_ack = 3 },
		{ .lose_input = 4, .lose_ack = 3, .twice = 3, .swap = 5 },
		{ .swap = 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect_input(&rows[i], 10000);
		expect_input(&rows[i], 7);
	}
}

/* Input that nobody takes is bounded, and says so. */
static void
test_back_pressure(void **state)
{
	struct buf got = { .max = BULK };
	char data[FLOW_PAYLOAD] = { 'x' };

	(void)state;
	open_ready(DOCUMENT_PORT);
	assert_false(flow_full(p.flow));
	for (int i = 0; i < 300; i++)
		plugin_send(&p, FRAME_OUTPUT, data, sizeof data);
	plugin_run(&p, 5);
	assert_true(flow_full(p.flow));
	assert_in_range(flow_counts(p.flow).received, FLOW_IN, FLOW_IN + 1);
	assert_in_range(p.acks, FLOW_IN, FLOW_IN + 1);
	/* Whoever waits for acknowledgements has to read. */
	p.mute = true;
	while (flow_room(p.flow) > 0)
		assert_true(flow_send(p.flow, FRAME_OUTPUT, data, sizeof data) >
		            0);
	assert_false(flow_full(p.flow));
	p.mute = false;
	for (int i = 0; i < 5000 && got.len < 300 * sizeof data; i++) {
		take_input(&got, 10000);
		plugin_run(&p, 10);
	}
	assert_int_equal(got.len, 300 * sizeof data);
	assert_false(flow_full(p.flow));
	buf_free(&got);
	plugin_close(&p);
}

static void
deliver_input(int64_t sequence, uint32_t part, const char *text)
{
	plugin_deliver(&p, FRAME_INPUT_STREAM_DATA, sequence, part,
	    slice_of(text));
}

/* Nothing of this is an event, and what is right goes on. */
static void
test_hostile_frames(void **state)
{
	static const char *const acks[] = { "", "{", "[]", "null", "{}",
		"{\"AcknowledgedMessageSequenceNumber\":\"x\"}",
		"{\"AcknowledgedMessageSequenceNumber\":-1}",
		"{\"AcknowledgedMessageSequenceNumber\":1e300}",
		"{\"AcknowledgedMessageSequenceNumber\":9007199254740993}",
		"{\"AcknowledgedMessageSequenceNumber\":77}" };
	char big[FLOW_INPUT_MAX + 1];
	struct flow_event event;
	size_t before;

	(void)state;
	open_ready(DOCUMENT_SHELL);
	plugin_run(&p, 5);
	before = p.acks;
	for (size_t i = 0; i < sizeof acks / sizeof acks[0]; i++)
		plugin_deliver(&p, FRAME_ACKNOWLEDGE, 0, 0, slice_of(acks[i]));
	deliver_input(-1, FRAME_OUTPUT, "x");
	deliver_input(INT64_MAX, FRAME_OUTPUT, "x");
	deliver_input(INT64_MIN, FRAME_OUTPUT, "x");
	deliver_input(2 + FLOW_IN, FRAME_OUTPUT, "x");
	memset(big, 'x', sizeof big);
	plugin_deliver(&p, FRAME_INPUT_STREAM_DATA, 2, FRAME_OUTPUT,
	    slice_make(big, sizeof big));
	plugin_deliver(&p, FRAME_CHANNEL_CLOSED, 0, 0, slice_of("{"));
	plugin_deliver(&p, FRAME_CHANNEL_CLOSED, 0, 0,
	    slice_of("{\"SessionId\":\"another\"}"));
	plugin_deliver(&p, FRAME_AGENT_JOB, 0, 0, slice_of("x"));
	plugin_run(&p, 5);
	assert_int_equal(p.acks, before);
	assert_int_equal(flow_counts(p.flow).dropped, 5);
	assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 0);
	/* Of unknown parts, and of known ones that say nothing. */
	deliver_input(2, 0xffffffff, "x");
	deliver_input(3, FRAME_SIZE, "{\"cols\":\"x\"}");
	deliver_input(4, FRAME_FLAG, "\1");
	deliver_input(5, FRAME_FLAG, "abcd");
	deliver_input(6, FRAME_OUTPUT, "");
	deliver_input(7, FRAME_HANDSHAKE_RESPONSE, "{");
	deliver_input(8, FRAME_SIZE, "{\"cols\":-5,\"rows\":1e9}");
	assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 1);
	assert_int_equal(event.kind, FLOW_RESIZE);
	assert_int_equal(event.columns, 1);
	assert_int_equal(event.rows, 32767);
	assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 0);
	plugin_close(&p);
}

static void
test_events(void **state)
{
	static const char flags[] = "\0\0\0\1\0\0\0\2\0\0\0\3";
	struct flow_event event;

	(void)state;
	open_ready(DOCUMENT_PORT);
	plugin_send(&p, FRAME_OUTPUT, "in", 2);
	plugin_send(&p, FRAME_FLAG, &flags[0], 4);
	plugin_send(&p, FRAME_FLAG, &flags[8], 4);
	plugin_send(&p, FRAME_FLAG, &flags[4], 4);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_INPUT);
	/* It stays until it is taken. */
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_INPUT);
	flow_taken(p.flow, 1);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_INPUT);
	assert_true(slice_eq(event.data, "n"));
	flow_taken(p.flow, 1);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_FLAGGED);
	assert_int_equal(event.flag, FLOW_DISCONNECT);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_FLAGGED);
	assert_int_equal(event.flag, FLOW_TERMINATE);
	plugin_deliver(&p, FRAME_CHANNEL_CLOSED, 0, 0,
	    slice_of("{\"sessionId\":\"user-1\",\"Output\":\"\"}"));
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_CLOSED);
	assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 0);
	plugin_close(&p);
}

/* The payload of a recorded frame, as the agent of that version sent it. */
static void
expect_recorded(const char *text, const char *name)
{
	struct json *doc = vectors_load();
	struct buf bytes = { 0 };

	vectors_frame(doc, name, &bytes);
	assert_string_equal(text, &bytes.data[FRAME_HEADER]);
	buf_free(&bytes);
	json_free(doc);
}

static void
test_handshake(void **state)
{
	struct flow_event event;

	(void)state;
	open_ready(DOCUMENT_COMMAND);
	expect_recorded(p.request,
	    "output_stream_data-handshake_request-NonInteractiveCommands");
	assert_true(slice_ends(slice_of(p.complete),
	    ",\"CustomerMessage\":\"\"}"));
	assert_string_equal(flow_client(p.flow), "1.2.707.0");
	assert_true(flow_client_has(p.flow, "1.1.70"));
	assert_true(flow_client_has(p.flow, "1.2.707.0"));
	assert_true(flow_client_has(p.flow, "1.2.707"));
	assert_false(flow_client_has(p.flow, "1.2.707.1"));
	assert_false(flow_client_has(p.flow, "1.10"));
	plugin_close(&p);
	open_ready(DOCUMENT_PORT);
	assert_string_equal(p.request,
	    "{\"AgentVersion\":\"3.3.0.0\",\"RequestedClientActions\":["
	    "{\"ActionType\":\"SessionType\",\"ActionParameters\":"
	    "{\"SessionType\":\"Port\",\"Properties\":{\"portNumber\":\"80\"}"
	    "}}]}");
	plugin_close(&p);
	/* None is needed for a shell. */
	plugin_open(&p, DOCUMENT_SHELL, false);
	assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 1);
	assert_int_equal(event.kind, FLOW_READY);
	assert_false(flow_client_has(p.flow, "1"));
	send_all("hello", 5, 5);
	assert_string_equal(buf_str(&p.output), "hello");
	assert_string_equal(p.request, "");
	plugin_close(&p);
}

/* A shell waits for the size of the window, but not for long; nothing is sent
 * meanwhile, and what was typed before is not lost. */
static void
test_ready_without_size(void **state)
{
	struct flow_event event;

	(void)state;
	plugin_open(&p, DOCUMENT_SHELL, true);
	plugin_run(&p, 5);
	plugin_send(&p, FRAME_OUTPUT, "early", 5);
	for (int i = 0; i < FLOW_READY_MS - 20; i += 10) {
		plugin_run(&p, 10);
		assert_int_equal(flow_next(p.flow, &event, p.now, NULL), 0);
		assert_int_equal(flow_room(p.flow), 0);
		assert_int_equal(flow_send(p.flow, FRAME_OUTPUT, "x", 1), 0);
	}
	assert_in_range(flow_deadline(p.flow), p.now, p.now + 50);
	plugin_run(&p, 50);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_READY);
	assert_int_equal(plugin_event(&p, &event, NULL), FLOW_INPUT);
	assert_true(slice_eq(event.data, "early"));
	plugin_close(&p);
}

static void
expect_failure(const char *response, const char *text, int64_t after)
{
	struct flow_event event;
	struct err err = { 0 };
	int64_t began;

	plugin_open(&p, DOCUMENT_PORT, true);
	p.response = response;
	p.silent = response == NULL;
	began = p.now;
	assert_int_equal(plugin_event(&p, &event, &err), -1);
	assert_int_equal(event.kind, FLOW_FAILED);
	assert_string_equal(err.msg, text);
	assert_in_range(p.now - began, after, after + 20);
	err_clear(&err);
	assert_int_equal(flow_next(p.flow, &event, p.now, &err), -1);
	assert_string_equal(err.msg, text);
	plugin_close(&p);
}

static void
test_failed_handshakes(void **state)
{
	struct flow_event event;
	struct err err = { 0 };

	(void)state;
	expect_failure("{", "The client refuses the session", 0);
	expect_failure("[]", "The client refuses the session", 0);
	expect_failure("{}", "The client refuses the session", 0);
	expect_failure("{\"ProcessedClientActions\":[{\"ActionStatus\":3,"
	               "\"Error\":\"Unsupported \xc2\x9b action\"}]}",
	    "The client refuses the session: Unsupported ?? action", 0);
	expect_failure("{\"ProcessedClientActions\":[{\"ActionStatus\":1},"
	               "{\"ActionStatus\":\"1\"}]}",
	    "The client refuses the session", 0);
	expect_failure(NULL,
	    "Handshake timed out: the client does not answer it",
	    FLOW_HANDSHAKE_MS);
	plugin_open(&p, DOCUMENT_PORT, true);
	p.mute = true;
	assert_int_equal(plugin_event(&p, &event, &err), -1);
	assert_string_equal(err.msg, "Handshake timed out: no client came");
	assert_in_range(p.now, 1000 + FLOW_CLIENT_MS, 1020 + FLOW_CLIENT_MS);
	plugin_close(&p);
}

static void
test_end(void **state)
{
	static const char states[] =
	    "{\"SchemaVersion\":1,\"SessionState\":\"Connected\","
	    "\"SessionId\":\"user-1\"}"
	    "{\"SchemaVersion\":1,\"SessionState\":\"Terminating\","
	    "\"SessionId\":\"user-1\"}";
	int64_t began;

	(void)state;
	open_ready(DOCUMENT_SHELL);
	assert_int_equal(flow_send(p.flow, FRAME_OUTPUT, "bye", 3), 3);
	assert_false(flow_finished(p.flow, p.now));
	flow_finish(p.flow, true, p.now);
	assert_int_equal(flow_room(p.flow), 0);
	assert_false(flow_finished(p.flow, p.now));
	plugin_run(&p, 2);
	assert_true(flow_finished(p.flow, p.now));
	assert_string_equal(buf_str(&p.output), "bye");
	assert_string_equal(buf_str(&p.states), states);
	plugin_close(&p);
	/* A client that is gone is not waited for long. */
	open_ready(DOCUMENT_PORT);
	p.mute = true;
	send_all("bye", 3, 3);
	began = p.now;
	flow_finish(p.flow, false, p.now);
	while (!flow_finished(p.flow, p.now)) {
		assert_true(flow_deadline(p.flow) >= p.now);
		plugin_run(&p, 1);
	}
	assert_int_equal(p.now - began, FLOW_DRAIN_MS);
	plugin_close(&p);
}

static void
test_long_properties(void **state)
{
	char text[2000];
	struct flow_options options = { .session = "u",
		.kind = DOCUMENT_PORT,
		.properties = text,
		.version = "3.3.0.0",
		.handshake = true };
	struct flow *flow = NULL;
	struct err err = { 0 };

	(void)state;
	memset(text, ' ', sizeof text);
	text[0] = '{';
	text[sizeof text - 2] = '}';
	text[sizeof text - 1] = '\0';
	assert_int_equal(flow_open(&flow, &options, 1, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	assert_null(flow);
	flow_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_arrives),
		cmocka_unit_test(test_nothing_in_vain),
		cmocka_unit_test(test_lost_acknowledgement),
		cmocka_unit_test(test_all_acknowledgements_lost),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_two_outputs),
		cmocka_unit_test(test_input_arrives),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_hostile_frames),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_ready_without_size),
		cmocka_unit_test(test_failed_handshakes),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_long_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
