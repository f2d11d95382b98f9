/* SPDX-License-Identifier: MIT */
#include "unit/plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "mgs/frame.h"
#include "mgs/websocket.h"

enum {
	ROOM = 64 * 1024,
	RESEND_MS = 50,
	LIMIT_MS = 100000,
	OUTPUT_MAX = 16 * 1024 * 1024
};

enum { LOSE_OUTPUT, LOSE_ACK, LOSE_INPUT, LOSE_CLIENT_ACK, TWICE, SWAP };

static const char usual[] =
    "{\"ClientVersion\":\"1.2.707.0\",\"ProcessedClientActions\":["
    "{\"ActionType\":\"SessionType\",\"ActionStatus\":1,\"ActionResult\":"
    "null,\"Error\":\"\"}],\"Errors\":null}";

void
plugin_open(struct plugin *p, enum document_kind kind, bool handshake)
{
	memset(p, 0, sizeof *p);
	p->options = (struct flow_options){ .session = "user-1",
		.kind = kind,
		.properties =
		    kind == DOCUMENT_PORT ? "{\"portNumber\":\"80\"}" : NULL,
		.version = "3.3.0.0",
		.handshake = handshake };
	p->output.max = p->errors.max = OUTPUT_MAX;
	p->now = 1000;
	assert_int_equal(flow_open(&p->flow, &p->options, p->now, NULL), 0);
	assert_int_equal(websocket_open(&p->ws, ROOM, ROOM, NULL), 0);
}

void
plugin_close(struct plugin *p)
{
	flow_free(p->flow);
	websocket_free(p->ws);
	buf_free(&p->output);
	buf_free(&p->errors);
	buf_free(&p->states);
}

/* It is the n-th time for something that happens each n-th time. */
static bool
strikes(struct plugin *p, int what, unsigned every)
{
	return every != 0 && ++p->counts[what] % every == 0;
}

static void
to_agent(struct plugin *p, const struct plugin_message *message)
{
	struct frame frame;

	assert_int_equal(frame_read(&frame,
	                     slice_make((const char *)message->bytes,
	                         message->len),
	                     NULL),
	    0);
	flow_receive(p->flow, &frame, p->now);
}

static void
make_message(struct plugin_message *out, enum frame_type type, int64_t sequence,
    uint32_t part, struct slice payload)
{
	struct frame frame = { .type = type,
		.sequence = sequence,
		.date = 1,
		.part = part,
		.payload = payload };

	assert_true(payload.len + FRAME_HEADER <= sizeof out->bytes);
	memcpy(frame.id, &sequence, sizeof sequence);
	frame_write(&frame, out->bytes);
	if (payload.len > 0)
		memcpy(&out->bytes[FRAME_HEADER], payload.ptr, payload.len);
	out->len = FRAME_HEADER + payload.len;
}

/* Carry a message, as the faults want it, by one of the two ways. */
static void
carry(struct plugin *p, const struct plugin_message *message, int way,
    void (*deliver)(struct plugin *, const struct plugin_message *))
{
	struct plugin_message *held = &p->held[way];
	struct plugin_message before = *held;

	held->len = 0;
	if (before.len == 0 && strikes(p, SWAP, p->faults.swap)) {
		*held = *message;
		return;
	}
	deliver(p, message);
	if (strikes(p, TWICE, p->faults.twice))
		deliver(p, message);
	if (before.len > 0)
		deliver(p, &before);
}

void
plugin_deliver(struct plugin *p, enum frame_type type, int64_t sequence,
    uint32_t part, struct slice payload)
{
	struct plugin_message message;

	make_message(&message, type, sequence, part, payload);
	to_agent(p, &message);
}

void
plugin_send(struct plugin *p, enum frame_part part, const void *data,
    size_t len)
{
	struct plugin_message *message = &p->sent[p->next % PLUGIN_QUEUE];

	assert_true(p->next - p->first < PLUGIN_QUEUE);
	make_message(message, FRAME_INPUT_STREAM_DATA, p->next, part,
	    slice_make(data, len));
	if (p->first == p->next)
		p->sent_at = p->now;
	p->next++;
	if (!strikes(p, LOSE_INPUT, p->faults.lose_input))
		carry(p, message, 0, to_agent);
}

static void
acknowledge(struct plugin *p, const struct frame *frame)
{
	struct plugin_message message;
	char text[300], id[FRAME_ID_TEXT];

	frame_id_text(frame->id, id);
	(void)snprintf(text, sizeof text,
	    "{\"AcknowledgedMessageType\":\"output_stream_data\","
	    "\"AcknowledgedMessageId\":\"%s\","
	    "\"AcknowledgedMessageSequenceNumber\":%lld,"
	    "\"IsSequentialMessage\":true}",
	    id, (long long)frame->sequence);
	make_message(&message, FRAME_ACKNOWLEDGE, 0, 0, slice_of(text));
	if (!strikes(p, LOSE_CLIENT_ACK, p->faults.lose_client_ack))
		carry(p, &message, 0, to_agent);
}

static void
keep_text(char *out, size_t size, struct slice text)
{
	assert_true(slice_copy(text, out, size));
}

static void
handle(struct plugin *p, const struct frame *frame)
{
	struct slice text = frame->payload;
	const char *response = p->response != NULL ? p->response : usual;

	if (text.len > p->longest)
		p->longest = (unsigned)text.len;
	if (frame->part == FRAME_OUTPUT) {
		buf_add(&p->output, text.ptr, text.len);
	} else if (frame->part == FRAME_STDERR) {
		buf_add(&p->errors, text.ptr, text.len);
	} else if (frame->part == FRAME_HANDSHAKE_REQUEST) {
		keep_text(p->request, sizeof p->request, text);
		if (!p->silent)
			plugin_send(p, FRAME_HANDSHAKE_RESPONSE, response,
			    strlen(response));
	} else if (frame->part == FRAME_HANDSHAKE_COMPLETE) {
		keep_text(p->complete, sizeof p->complete, text);
	} else if (frame->part == FRAME_EXIT_CODE) {
		keep_text(p->exit_code, sizeof p->exit_code, text);
	} else {
		assert_int_equal(frame->part, FRAME_FLAG);
		assert_int_equal(text.len, 4);
		p->flag = (unsigned)text.ptr[3];
	}
}

static void
read_message(const struct plugin_message *message, struct frame *out)
{
	assert_int_equal(frame_read(out,
	                     slice_make((const char *)message->bytes,
	                         message->len),
	                     NULL),
	    0);
}

static void
take_output(struct plugin *p, const struct plugin_message *message,
    const struct frame *frame)
{
	size_t place = (size_t)frame->sequence % PLUGIN_QUEUE;

	if (frame->sequence < p->expected)
		return;
	assert_true(frame->sequence - p->expected < PLUGIN_QUEUE);
	acknowledge(p, frame);
	p->early[place] = *message;
	p->has_early[place] = true;
	while (p->has_early[p->expected % PLUGIN_QUEUE]) {
		struct frame next;

		place = (size_t)p->expected % PLUGIN_QUEUE;
		p->has_early[place] = false;
		read_message(&p->early[place], &next);
		assert_int_equal(next.sequence, p->expected);
		assert_int_equal(next.flags, next.sequence == 0 ? 1 : 0);
		p->expected++;
		handle(p, &next);
	}
}

static void
take_ack(struct plugin *p, const struct frame *frame)
{
	struct json *doc = NULL;
	double number = -1;

	assert_int_equal(json_parse(&doc, frame->payload.ptr,
	                     frame->payload.len, NULL),
	    0);
	assert_true(json_number(doc, "AcknowledgedMessageSequenceNumber",
	    &number));
	json_free(doc);
	p->acks++;
	if (number >= (double)p->first && number < (double)p->next)
		p->sent[(int64_t)number % PLUGIN_QUEUE].len = 0;
	while (p->first < p->next && p->sent[p->first % PLUGIN_QUEUE].len == 0)
		p->first++;
}

static void
to_client(struct plugin *p, const struct plugin_message *message)
{
	struct frame frame;

	read_message(message, &frame);
	if (frame.type == FRAME_OUTPUT_STREAM_DATA) {
		take_output(p, message, &frame);
	} else if (frame.type == FRAME_ACKNOWLEDGE) {
		take_ack(p, &frame);
	} else {
		assert_int_equal(frame.type, FRAME_AGENT_SESSION_STATE);
		buf_add(&p->states, frame.payload.ptr, frame.payload.len);
	}
}

/* The next masked frame off the websocket; false = none. */
static bool
next_out(struct plugin *p, struct plugin_message *out)
{
	struct slice pending = websocket_pending(p->ws);
	const unsigned char *in = (const unsigned char *)pending.ptr;
	size_t head = 4;

	if (pending.len == 0)
		return false;
	out->len = in[1] & 0x7f;
	if (out->len == 126)
		out->len = (size_t)in[2] << 8 | in[3];
	else
		head = 2;
	assert_true(out->len <= sizeof out->bytes);
	for (size_t i = 0; i < out->len; i++)
		out->bytes[i] =
		    (unsigned char)(in[head + 4 + i] ^ in[head + i % 4]);
	websocket_sent(p->ws, head + 4 + out->len);
	return true;
}

static void
send_out(struct plugin *p)
{
	struct plugin_message message;
	struct frame frame;

	while (next_out(p, &message)) {
		read_message(&message, &frame);
		if (p->mute ||
		    (frame.type == FRAME_OUTPUT_STREAM_DATA &&
		        strikes(p, LOSE_OUTPUT, p->faults.lose_output)) ||
		    (frame.type == FRAME_ACKNOWLEDGE &&
		        strikes(p, LOSE_ACK, p->faults.lose_ack)))
			continue;
		carry(p, &message, 1, to_client);
	}
}

void
plugin_run(struct plugin *p, int64_t ms)
{
	for (int64_t end = p->now + ms; p->now < end; p->now++) {
		assert_int_equal(flow_pump(p->flow, p->ws, p->now, NULL), 0);
		send_out(p);
		if (p->first < p->next && p->now - p->sent_at > RESEND_MS) {
			p->sent_at = p->now;
			if (!strikes(p, LOSE_INPUT, p->faults.lose_input))
				carry(p, &p->sent[p->first % PLUGIN_QUEUE], 0,
				    to_agent);
		}
	}
}

int
plugin_event(struct plugin *p, struct flow_event *event, struct err *err)
{
	for (int64_t end = p->now + LIMIT_MS; p->now < end;) {
		int rc = flow_next(p->flow, event, p->now, err);

		if (rc != 0)
			return rc < 0 ? -1 : (int)event->kind;
		plugin_run(p, 1);
	}
	fail_msg("nothing happens");
	return -1;
}
