/* SPDX-License-Identifier: MIT */
#ifndef MGS_FLOW_H
#define MGS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "mgs/document.h"
#include "mgs/frame.h"

struct err;
struct websocket;

/*
 * What passes over the data channel of a session, without its connection: two
 * numbered streams, each frame of which is acknowledged by itself, and the
 * handshake (amazon-ssm-agent, agent/session/datachannel).  Time is an
 * argument, "now", in milliseconds of any clock that does not go back.
 *
 * Buffers have a fixed size.  A frame is entered among the unacknowledged
 * ones before it is written, and stays until it is acknowledged.  What is
 * overdue is sent again, not the first frame only, since clients do not
 * acknowledge what they had: one whose acknowledgement was lost is given up
 * after FLOW_TRIES tries, each followed by word of a later frame.
 */
enum {
	FLOW_PAYLOAD =
	    1024, /* bytes in a frame of ours; clients send as many */
	FLOW_INPUT_MAX = 2048, /* bytes in a frame of a client, at most */
	FLOW_OUT = 512,        /* frames not acknowledged */
	FLOW_IN = 128,         /* frames of input not yet taken */
	FLOW_TRIES = 12,
	FLOW_HANDSHAKE_MS = 15000, /* from the first sign of the client */
	FLOW_CLIENT_MS = 60000,    /* until the first sign of it */
	FLOW_READY_MS = 1000,      /* from handshake to start, without a size */
	FLOW_DRAIN_MS = 2000,      /* at the end */
};

/* What a FLOW_FLAG of either side says. */
enum flow_flag {
	FLOW_DISCONNECT = 1,    /* of the client: its connection is closed */
	FLOW_TERMINATE = 2,     /* of the client: end the session */
	FLOW_CONNECT_ERROR = 3, /* of ours: no connection to the port */
};

struct flow_options {
	const char *session;
	enum document_kind kind;
	const char *properties; /* PORT: JSON for the client; else NULL */
	const char *version;    /* of the agent, below 3.3.2746 */
	bool handshake; /* PORT and COMMAND need one; without it the client's
	                 * version is unknown, and it starts at once */
};

struct flow;

/* The options are borrowed for the flow's life. */
int flow_open(struct flow **out, const struct flow_options *options,
    int64_t now, struct err *err);
void flow_free(struct flow *flow); /* wipes; NULL is fine */

/*
 * A frame that came over the data channel.  Whatever it holds, it is taken,
 * acknowledged or dropped.  Afterwards flow_next() and flow_pump().
 */
void flow_receive(struct flow *flow, const struct frame *frame, int64_t now);

/* Reading the channel should wait: input lies here that nobody takes, and
 * output does not wait for acknowledgements either.  Otherwise what comes in
 * excess is dropped, and the client sends it again. */
bool flow_full(const struct flow *flow);

enum flow_kind {
	FLOW_READY,   /* once, before all others but CLOSED and FAILED: begin */
	FLOW_INPUT,   /* bytes; stays until flow_taken() was told of all */
	FLOW_RESIZE,  /* columns and rows, 1 to 32767 */
	FLOW_FLAGGED, /* FLOW_DISCONNECT or FLOW_TERMINATE */
	FLOW_CLOSED,  /* the service ends the session */
	FLOW_FAILED,  /* no or no good handshake: see err */
};

struct flow_event {
	enum flow_kind kind;
	struct slice data; /* INPUT: borrowed until the next flow_receive() */
	unsigned columns, rows;
	enum flow_flag flag;
};

/* 1: the next event; 0: none now; -1 is FLOW_FAILED, with the text for the
 * user in err, and given again each time. */
int flow_next(struct flow *flow, struct flow_event *out, int64_t now,
    struct err *err);
/* Of the bytes of FLOW_INPUT n were taken. */
void flow_taken(struct flow *flow, size_t n);

/* How many bytes flow_send() takes now: none before FLOW_READY, after
 * flow_finish(), and while too many are not acknowledged. */
size_t flow_room(const struct flow *flow);

/*
 * Take bytes of output (FRAME_OUTPUT, FRAME_STDERR), at most flow_room(), and
 * give how many.  For shells and commands frames are cut between characters
 * of UTF-8: what is incomplete at the end waits for what follows it.
 */
size_t flow_send(struct flow *flow, enum frame_part part, const void *data,
    size_t len);

/* Send how a command ended, "EXIT_CODE: N"; tell of a connection that failed.
 * There is room for these when there is none for output, but not without
 * end: -1 then. */
int flow_exit_code(struct flow *flow, int code);
int flow_flag(struct flow *flow, enum flow_flag flag);

/*
 * Put into the websocket's buffer what is due: acknowledgements, new frames,
 * frames again.  To be called after all other calls, when the buffer has room
 * again, and at flow_deadline().  -1: without randomness.
 */
int flow_pump(struct flow *flow, struct websocket *ws, int64_t now,
    struct err *err);

/* When flow_next() and flow_pump() want to be called, if nothing else
 * happens; INT64_MAX = never. */
int64_t flow_deadline(const struct flow *flow);

/* The connection was lost, and this is the first moment of the next one: what
 * was not acknowledged is sent again, all of it. */
void flow_resume(struct flow *flow);

/* There is no more output.  tell: the service learns that the session is
 * "Terminating" (shells and commands that ended by themselves). */
void flow_finish(struct flow *flow, bool tell, int64_t now);

/* After flow_finish(): all is acknowledged or FLOW_DRAIN_MS are over, and the
 * last frame has been put; the channel may be closed. */
bool flow_finished(const struct flow *flow, int64_t now);

/* The version that the client told in the handshake; "" = none, and whether
 * it is at least this one, by number ("1.1.70"): false for none. */
const char *flow_client(const struct flow *flow);
bool flow_client_has(const struct flow *flow, const char *least);

/* Counters, for a log. */
struct flow_counts {
	uint64_t sent, again, given_up; /* frames of output */
	uint64_t received, repeated, dropped;
};
struct flow_counts flow_counts(const struct flow *flow);

#endif
