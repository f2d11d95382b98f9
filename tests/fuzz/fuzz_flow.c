/* SPDX-License-Identifier: MIT */
/*
 * The first byte is the kind of session; what follows are steps: frames that
 * come, output that is sent, input that is taken, time that passes.  Whatever
 * comes, what is sent are frames of at most the agreed size, and what is
 * promised to be taken is.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "mgs/flow.h"
#include "mgs/websocket.h"

enum { ROOM = 32 * 1024, STEPS_MAX = 300 };

enum step {
	INPUT, /* number, part, length, payload */
	ACK,   /* number */
	ACK_RAW,
	PAUSE,
	START,
	CLOSED,
	SEND, /* length */
	FLAG,
	TIME, /* of 4 ms */
	LONG, /* of 1 s */
	RESUME,
	FINISH,
	PARTIAL,
	STEPS
};

struct run {
	struct flow *flow;
	struct websocket *ws;
	int64_t now;
	size_t appetite;
	struct slice rest;
};

static unsigned
next_byte(struct run *run)
{
	struct slice head = slice_head(run->rest, 1);

	run->rest = slice_skip(run->rest, 1);
	return head.len == 0 ? 0 : (unsigned char)head.ptr[0];
}

static struct slice
next_bytes(struct run *run)
{
	struct slice head = slice_head(run->rest, (size_t)next_byte(run) * 9);

	run->rest = slice_skip(run->rest, head.len);
	return head;
}

static void
receive(struct run *run, enum frame_type type, int64_t sequence, uint32_t part,
    struct slice payload)
{
	const struct frame frame = { .type = type,
		.sequence = sequence,
		.part = part,
		.payload = payload };

	flow_receive(run->flow, &frame, run->now);
}

static void
acknowledge(struct run *run, unsigned number)
{
	char text[] = "{\"AcknowledgedMessageSequenceNumber\":000}";

	text[37] = (char)('0' + number / 100);
	text[38] = (char)('0' + number / 10 % 10);
	text[39] = (char)('0' + number % 10);
	/* No number of JSON begins with a zero that is not alone. */
	for (int i = 37; i < 39 && text[i] == '0'; i++)
		text[i] = ' ';
	receive(run, FRAME_ACKNOWLEDGE, 0, 0, slice_of(text));
}

static void
send_some(struct run *run, unsigned amount)
{
	static const char text[5000] = "\xe2\x82\xac output \xc3";
	size_t room = flow_room(run->flow);
	size_t want = (size_t)amount * 19, got;

	want = want < sizeof text ? want : sizeof text;
	got = flow_send(run->flow,
	    amount % 5 == 0 ? FRAME_STDERR : FRAME_OUTPUT, text, want);
	require(got <= want && (got == want || want > room));
}

static void
take_events(struct run *run)
{
	struct flow_event event;
	struct err err = { 0 };
	int rc;

	while ((rc = flow_next(run->flow, &event, run->now, &err)) == 1) {
		if (event.kind == FLOW_RESIZE)
			require(event.columns >= 1 && event.columns <= 32767 &&
			        event.rows >= 1 && event.rows <= 32767);
		if (event.kind != FLOW_INPUT)
			continue;
		require(event.data.len >= 1 &&
		        event.data.len <= FLOW_INPUT_MAX);
		if (run->appetite < event.data.len) {
			flow_taken(run->flow, run->appetite);
			break;
		}
		flow_taken(run->flow, event.data.len);
	}
	require(rc >= 0 || (event.kind == FLOW_FAILED && err.msg[0] != '\0'));
}

/* Every message is a frame in a frame of a websocket. */
static void
pump(struct run *run)
{
	struct slice out;

	require(flow_pump(run->flow, run->ws, run->now, NULL) == 0);
	for (out = websocket_pending(run->ws); out.len > 0;) {
		const unsigned char *in = (const unsigned char *)out.ptr;
		size_t len = in[1] & 0x7f, head = 6;

		require(in[0] == 0x82 && len != 127);
		if (len == 126) {
			len = (size_t)in[2] << 8 | in[3];
			head = 8;
		}
		require(len > FRAME_HEADER &&
		        len <= FRAME_HEADER + FLOW_PAYLOAD);
		out = slice_skip(out, head + len);
	}
	websocket_sent(run->ws, websocket_pending(run->ws).len);
}

static void
step(struct run *run)
{
	enum step what = (enum step)(next_byte(run) % STEPS);
	unsigned number = next_byte(run), part;

	if (what == INPUT) {
		part = next_byte(run) % 16;
		receive(run, FRAME_INPUT_STREAM_DATA, (int64_t)number - 1, part,
		    next_bytes(run));
	} else if (what == ACK) {
		acknowledge(run, number);
	} else if (what == ACK_RAW) {
		receive(run, FRAME_ACKNOWLEDGE, 0, 0, next_bytes(run));
	} else if (what == PAUSE) {
		receive(run, FRAME_PAUSE_PUBLICATION, 0, 0, slice_of(NULL));
	} else if (what == START) {
		receive(run, FRAME_START_PUBLICATION, 0, 0, slice_of(NULL));
	} else if (what == CLOSED) {
		receive(run, FRAME_CHANNEL_CLOSED, 0, 0, next_bytes(run));
	} else if (what == SEND) {
		send_some(run, number);
	} else if (what == FLAG) {
		(void)flow_flag(run->flow, FLOW_CONNECT_ERROR);
	} else if (what == RESUME) {
		flow_resume(run->flow);
	} else if (what == FINISH && number > 200) {
		flow_finish(run->flow, number % 2 == 0, run->now);
	}
	run->now += what == TIME   ? number * 4
	            : what == LONG ? number * 1000
	                           : 0;
	run->appetite = what == PARTIAL ? number : FLOW_INPUT_MAX;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .now = 1 };
	struct flow_options options = { .session = "u-1",
		.version = "3.3.0.0" };

	run.rest = slice_make((const char *)data, size);
	options.kind = (enum document_kind)(next_byte(&run) % 4);
	options.handshake = size % 2 == 0;
	require(flow_open(&run.flow, &options, run.now, NULL) == 0);
	require(websocket_open(&run.ws, ROOM, ROOM, NULL) == 0);
	for (int i = 0; i < STEPS_MAX && run.rest.len > 0; i++) {
		step(&run);
		take_events(&run);
		pump(&run);
		require(flow_deadline(run.flow) > 0);
	}
	/* Then the end is near, whatever was. */
	flow_finish(run.flow, false, run.now);
	run.now += FLOW_DRAIN_MS;
	pump(&run);
	require(flow_finished(run.flow, run.now));
	flow_free(run.flow);
	websocket_free(run.ws);
	return 0;
}
