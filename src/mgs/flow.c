/* SPDX-License-Identifier: MIT */
#include "mgs/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "mgs/order.h"
#include "mgs/receiver.h"
#include "mgs/sender.h"
#include "mgs/websocket.h"

enum {
	ACK_MAX = 256,       /* bytes of one of ours */
	ACK_READ_MAX = 1024, /* of one of a client */
	VERSION_SIZE = 32,
	COLUMNS_MAX = 32767,
	NS_PER_MS = 1000000,
};

enum phase {
	GREETING, /* the handshake's request is on its way */
	GREETED,  /* it is complete, the client may not be ready */
	READY,
	BROKEN, /* see failure */
};

struct flow {
	const struct flow_options *options;
	enum phase phase;
	bool told_ready, closed, told_closed;
	bool say_connected, say_terminating, finishing;
	int64_t began, heard; /* the client, first; 0 = never */
	int64_t ready_at, drain_until;
	int64_t complete; /* the number of the handshake's last frame */
	char client[VERSION_SIZE];
	struct err failure;
	struct receiver in;
	struct sender out;
};

_Static_assert((int)FLOW_PAYLOAD == (int)SENDER_PAYLOAD &&
                   (int)FLOW_OUT == (int)SENDER_FRAMES &&
                   (int)FLOW_TRIES == (int)SENDER_TRIES &&
                   (int)FLOW_IN == (int)RECEIVER_FRAMES &&
                   (int)FLOW_INPUT_MAX == (int)RECEIVER_PAYLOAD,
    "flow.h tells the sizes of sender.h and receiver.h");

static int
greet(struct flow *flow, struct err *err)
{
	const struct flow_options *options = flow->options;
	const char *properties = options->properties;
	struct buf text = { 0 };
	int rc = 0;

	json_write(&text,
	    "{\"AgentVersion\":%,\"RequestedClientActions\":[{\"ActionType\":"
	    "\"SessionType\",\"ActionParameters\":{\"SessionType\":%,"
	    "\"Properties\":@}}]}",
	    options->version, document_kind_name(options->kind),
	    properties != NULL ? properties : "null");
	if (!buf_ok(&text))
		rc = err_memory(err);
	else if (sender_frame(&flow->out, FRAME_HANDSHAKE_REQUEST, text.data,
	             text.len) < 0)
		rc = err_set(err, ERR_KIND_INVALID_VALUE,
		    "the properties of the session's document are too long");
	buf_free(&text);
	return rc;
}

int
flow_open(struct flow **out, const struct flow_options *options, int64_t now,
    struct err *err)
{
	struct flow *flow = calloc(1, sizeof *flow);

	if (flow == NULL)
		return err_memory(err);
	flow->options = options;
	flow->phase = options->handshake ? GREETING : READY;
	flow->say_connected = true;
	flow->began = now;
	flow->complete = -1;
	receiver_init(&flow->in);
	sender_init(&flow->out, options->kind != DOCUMENT_PORT);
	if (options->handshake && greet(flow, err) != 0) {
		flow_free(flow);
		return -1;
	}
	*out = flow;
	return 0;
}

void
flow_free(struct flow *flow)
{
	if (flow != NULL)
		explicit_bzero(flow, sizeof *flow);
	free(flow);
}

/* What the user shall read. */
static void
fail(struct flow *flow, const char *why, const char *more)
{
	if (flow->phase != BROKEN)
		err_set(&flow->failure, ERR_KIND_PARSE, "%s%s%s", why,
		    more[0] != '\0' ? ": " : "", more);
	flow->phase = BROKEN;
}

/* The number that an acknowledgement tells, or -1. */
static int64_t
read_ack(const struct frame *frame)
{
	struct slice payload = frame->payload;
	struct json *doc = NULL;
	double number = -1;

	if (payload.len <= ACK_READ_MAX &&
	    json_parse(&doc, payload.ptr, payload.len, NULL) == 0 &&
	    (!json_as_number(json_find(doc,
	                         "AcknowledgedMessageSequenceNumber"),
	         &number) ||
	        number < 0 || number > 9e15))
		number = -1;
	json_free(doc);
	return (int64_t)number;
}

static void
take_ack(struct flow *flow, const struct frame *frame, int64_t now)
{
	int64_t number = read_ack(frame);

	if (number >= 0)
		sender_acknowledge(&flow->out, number, now);
	/* The client has the whole handshake, so it is ready for a port. */
	if (number >= 0 && number == flow->complete &&
	    flow->options->kind == DOCUMENT_PORT)
		flow->ready_at = now;
}

static void
take_closing(struct flow *flow, const struct frame *frame)
{
	struct order order = { .kind = ORDER_NONE };

	if (order_read(&order, frame, NULL) == 0 &&
	    slice_eq(slice_of(order.session), flow->options->session))
		flow->closed = true;
	order_free(&order);
}

void
flow_receive(struct flow *flow, const struct frame *frame, int64_t now)
{
	bool client = frame->type == FRAME_INPUT_STREAM_DATA ||
	              frame->type == FRAME_ACKNOWLEDGE ||
	              frame->type == FRAME_START_PUBLICATION;

	if (frame->type == FRAME_INPUT_STREAM_DATA)
		receiver_keep(&flow->in, frame);
	else if (frame->type == FRAME_ACKNOWLEDGE)
		take_ack(flow, frame, now);
	else if (frame->type == FRAME_CHANNEL_CLOSED)
		take_closing(flow, frame);
	/* Whoever sends is there, whatever was said before. */
	if (client || frame->type == FRAME_PAUSE_PUBLICATION)
		flow->out.paused = !client;
	if (client && flow->heard == 0)
		flow->heard = now;
}

bool
flow_full(const struct flow *flow)
{
	return receiver_full(&flow->in) && sender_room(&flow->out) > 0;
}

/* The client's answer to what it was asked to do; NULL: it did. */
static const char *
refusal(const struct json *doc)
{
	const struct json *action =
	    json_first(json_find(doc, "ProcessedClientActions"));

	if (action == NULL)
		return "";
	for (; action != NULL; action = json_next(action)) {
		const char *text = json_string(json_find(action, "Error"));
		double status = 0;

		if (!json_as_number(json_find(action, "ActionStatus"),
		        &status) ||
		    (int)status != 1)
			return text != NULL ? text : "";
	}
	return NULL;
}

static void
finish_greeting(struct flow *flow, int64_t now)
{
	char text[96];
	int len = snprintf(text, sizeof text,
	    "{\"HandshakeTimeToComplete\":%lld,\"CustomerMessage\":\"\"}",
	    (long long)(now - flow->began) * NS_PER_MS);

	flow->complete = sender_frame(&flow->out, FRAME_HANDSHAKE_COMPLETE,
	    text, (size_t)len);
	flow->phase = GREETED;
	flow->ready_at = now + FLOW_READY_MS;
}

/* What is wrong with the client's answer, or NULL; its version is kept. */
static const char *
read_response(struct flow *flow, const struct json *doc)
{
	struct slice version =
	    slice_of(json_string(json_find(doc, "ClientVersion")));

	if (!json_is_object(doc))
		return "";
	err_clean(flow->client, sizeof flow->client, version.ptr, version.len);
	return refusal(doc);
}

static void
take_response(struct flow *flow, const struct receiver_frame *in, int64_t now)
{
	struct json *doc = NULL;
	const char *why = "";
	char shown[256];

	if (json_parse(&doc, (const char *)in->data, in->len, NULL) == 0)
		why = read_response(flow, doc);
	if (why == NULL) {
		finish_greeting(flow, now);
	} else {
		err_clean(shown, sizeof shown, why, strlen(why));
		fail(flow, "The client refuses the session", shown);
	}
	json_free(doc);
}

static void
watch_clock(struct flow *flow, int64_t now)
{
	if (flow->phase == GREETING && flow->heard != 0 &&
	    now - flow->heard >= FLOW_HANDSHAKE_MS)
		fail(flow, "Handshake timed out: the client does not answer it",
		    "");
	if (flow->phase == GREETING && flow->heard == 0 &&
	    now - flow->began >= FLOW_CLIENT_MS)
		fail(flow, "Handshake timed out: no client came", "");
	if (flow->phase == GREETED && now >= flow->ready_at)
		flow->phase = READY;
}

/* A side of a window, within what a terminal knows. */
static bool
read_side(const struct json *doc, const char *name, unsigned *out)
{
	double number = 0;

	if (!json_as_number(json_find(doc, name), &number))
		return false;
	*out = number < 1             ? 1
	       : number > COLUMNS_MAX ? COLUMNS_MAX
	                              : (unsigned)number;
	return true;
}

static bool
read_size(const struct receiver_frame *in, struct flow_event *out)
{
	struct json *doc = NULL;
	bool good =
	    json_parse(&doc, (const char *)in->data, in->len, NULL) == 0 &&
	    read_side(doc, "cols", &out->columns) &&
	    read_side(doc, "rows", &out->rows);

	out->kind = FLOW_RESIZE;
	json_free(doc);
	return good;
}

static bool
read_flag(const struct receiver_frame *in, struct flow_event *out)
{
	static const unsigned char zeros[3];

	out->kind = FLOW_FLAGGED;
	out->flag = in->len == 4 ? (enum flow_flag)in->data[3] : 0;
	return in->len == 4 && memcmp(in->data, zeros, sizeof zeros) == 0 &&
	       (out->flag == FLOW_DISCONNECT || out->flag == FLOW_TERMINATE);
}

/* Take the next input: true, it is an event. */
static bool
take_next(struct flow *flow, const struct receiver_frame *in,
    struct flow_event *out, int64_t now)
{
	size_t taken = flow->in.taken;
	bool event = false;

	if (flow->phase == GREETING) {
		/* What else comes now is for nobody. */
		if (in->part == FRAME_HANDSHAKE_RESPONSE)
			take_response(flow, in, now);
	} else if (in->part == FRAME_OUTPUT && taken < in->len) {
		*out = (struct flow_event){ .kind = FLOW_INPUT,
			.data = slice_make((const char *)&in->data[taken],
			    in->len - taken) };
		return true;
	} else if (in->part == FRAME_SIZE) {
		event = read_size(in, out);
	} else if (in->part == FRAME_FLAG) {
		event = read_flag(in, out);
	}
	receiver_take(&flow->in, in->len);
	return event;
}

/* 1: out is the event that is no input. */
static int
next_change(struct flow *flow, struct flow_event *out, int64_t now,
    struct err *err)
{
	watch_clock(flow, now);
	*out = (struct flow_event){ .kind = FLOW_READY };
	if (flow->closed && !flow->told_closed) {
		flow->told_closed = true;
		out->kind = FLOW_CLOSED;
		return 1;
	}
	if (flow->phase == BROKEN) {
		out->kind = FLOW_FAILED;
		if (err != NULL && err->kind == ERR_KIND_NONE)
			*err = flow->failure;
		return -1;
	}
	if (flow->phase != READY || flow->told_ready)
		return 0;
	flow->told_ready = true;
	return 1;
}

int
flow_next(struct flow *flow, struct flow_event *out, int64_t now,
    struct err *err)
{
	for (;;) {
		int rc = next_change(flow, out, now, err);
		const struct receiver_frame *in = receiver_next(&flow->in);

		if (rc != 0 || in == NULL)
			return rc;
		if (flow->phase == GREETED) {
			if (in->part != FRAME_SIZE)
				return 0;
			/* The client tells its window: it is ready. */
			flow->phase = READY;
		} else if (take_next(flow, in, out, now)) {
			return 1;
		}
	}
}

void
flow_taken(struct flow *flow, size_t n)
{
	receiver_take(&flow->in, n);
}

size_t
flow_room(const struct flow *flow)
{
	return flow->phase != READY || flow->finishing
	           ? 0
	           : sender_room(&flow->out);
}

size_t
flow_send(struct flow *flow, enum frame_part part, const void *data, size_t len)
{
	return flow_room(flow) == 0 ? 0
	                            : sender_add(&flow->out, part, data, len);
}

int
flow_exit_code(struct flow *flow, int code)
{
	char text[32];
	int len = snprintf(text, sizeof text, "EXIT_CODE: %d", code);

	return sender_frame(&flow->out, FRAME_EXIT_CODE, text, (size_t)len) < 0
	           ? -1
	           : 0;
}

int
flow_flag(struct flow *flow, enum flow_flag flag)
{
	const unsigned char bytes[4] = { 0, 0, 0, (unsigned char)flag };

	return sender_frame(&flow->out, FRAME_FLAG, bytes, sizeof bytes) < 0
	           ? -1
	           : 0;
}

/* Put a frame that has no number. */
static int
put_frame(struct flow *flow, struct websocket *ws, enum frame_type type,
    struct slice payload, struct err *err)
{
	unsigned char header[FRAME_HEADER];
	struct frame frame = { .type = type,
		.flags = FRAME_SYN | FRAME_FIN,
		.date = (uint64_t)clock_now() * 1000,
		.payload = payload };

	if (sender_id(&flow->out, frame.id, err) != 0)
		return -1;
	frame_write(&frame, header);
	return websocket_put(ws, WEBSOCKET_BINARY,
	    slice_make((char *)header, sizeof header), payload, err);
}

static int
put_state(struct flow *flow, struct websocket *ws, const char *state,
    bool *wanted, struct err *err)
{
	char text[ACK_MAX];
	int len = snprintf(text, sizeof text,
	    "{\"SchemaVersion\":1,\"SessionState\":\"%s\",\"SessionId\":\"%s\"}",
	    state, flow->options->session);

	if (!*wanted || !websocket_fits(ws, FRAME_HEADER + (size_t)len))
		return 0;
	*wanted = false;
	return put_frame(flow, ws, FRAME_AGENT_SESSION_STATE,
	    slice_make(text, (size_t)len), err);
}

static int
put_acks(struct flow *flow, struct websocket *ws, struct err *err)
{
	char text[ACK_MAX], id[FRAME_ID_TEXT];

	const struct receiver_ack *ack;

	while ((ack = receiver_ack(&flow->in)) != NULL &&
	       websocket_fits(ws, FRAME_HEADER + ACK_MAX)) {
		int len;

		frame_id_text(ack->id, id);
		len = snprintf(text, sizeof text,
		    "{\"AcknowledgedMessageType\":\"input_stream_data\","
		    "\"AcknowledgedMessageId\":\"%s\","
		    "\"AcknowledgedMessageSequenceNumber\":%lld,"
		    "\"IsSequentialMessage\":true}",
		    id, (long long)ack->sequence);
		if (put_frame(flow, ws, FRAME_ACKNOWLEDGE,
		        slice_make(text, (size_t)len), err) != 0)
			return -1;
		receiver_acked(&flow->in);
	}
	return 0;
}

/* All was acknowledged, or was waited for long enough. */
static bool
is_drained(const struct flow *flow, int64_t now)
{
	return flow->finishing &&
	       (sender_empty(&flow->out) || now >= flow->drain_until);
}

int
flow_pump(struct flow *flow, struct websocket *ws, int64_t now, struct err *err)
{
	bool drained = is_drained(flow, now);

	if (put_state(flow, ws, "Connected", &flow->say_connected, err) != 0 ||
	    (drained && put_state(flow, ws, "Terminating",
	                    &flow->say_terminating, err) != 0) ||
	    put_acks(flow, ws, err) != 0)
		return -1;
	return drained ? 0 : sender_pump(&flow->out, ws, now, err);
}

int64_t
flow_deadline(const struct flow *flow)
{
	int64_t until = sender_deadline(&flow->out);

	if (flow->phase == GREETING) {
		until = clock_min(until, flow->heard != 0
		                             ? flow->heard + FLOW_HANDSHAKE_MS
		                             : flow->began + FLOW_CLIENT_MS);
	}
	if (flow->phase == GREETED)
		until = clock_min(until, flow->ready_at);
	if (flow->finishing)
		until = clock_min(until, flow->drain_until);
	return until;
}

void
flow_resume(struct flow *flow)
{
	flow->out.paused = false;
	receiver_resume(&flow->in);
	sender_resume(&flow->out);
}

void
flow_finish(struct flow *flow, bool tell, int64_t now)
{
	if (flow->finishing)
		return;
	flow->finishing = true;
	flow->say_terminating = tell;
	flow->drain_until = now + FLOW_DRAIN_MS;
	sender_flush(&flow->out);
}

bool
flow_finished(const struct flow *flow, int64_t now)
{
	return is_drained(flow, now) && !flow->say_terminating;
}

const char *
flow_client(const struct flow *flow)
{
	return flow->client;
}

/* The next number of a version, 0 at its end. */
static uint64_t
next_number(struct slice *version)
{
	uint64_t number = 0;
	struct slice part;

	slice_cut(version, '.', &part);
	return slice_u64(part, UINT32_MAX, &number) ? number : 0;
}

bool
flow_client_has(const struct flow *flow, const char *least)
{
	struct slice have = slice_of(flow->client), want = slice_of(least);

	if (have.len == 0)
		return false;
	while (have.len > 0 || want.len > 0) {
		uint64_t a = next_number(&have), b = next_number(&want);

		if (a != b)
			return a > b;
	}
	return true;
}

struct flow_counts
flow_counts(const struct flow *flow)
{
	return (struct flow_counts){
		.sent = flow->out.sent,
		.again = flow->out.again,
		.given_up = flow->out.given_up,
		.received = flow->in.received,
		.repeated = flow->in.repeated,
		.dropped = flow->in.dropped,
	};
}
