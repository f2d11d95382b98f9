/* SPDX-License-Identifier: MIT */
#ifndef UNIT_PLUGIN_H
#define UNIT_PLUGIN_H

#include "base/buf.h"
#include "mgs/flow.h"

struct websocket;

/*
 * A flow, and the client at its other end, which does on the wire what
 * session-manager-plugin does: it acknowledges each frame that is new to it,
 * none that it had, and sends its own first frame again.  In between, frames
 * get lost, come twice or change places; time is a number.
 */
struct plugin_faults {
	/* Each n-th frame of the agent's output, acknowledgement or the
	 * client's frame or acknowledgement; 0 = none. */
	unsigned lose_output, lose_ack, lose_input, lose_client_ack;
	unsigned twice, swap; /* of all frames */
};

enum { PLUGIN_QUEUE = 4096, PLUGIN_MESSAGE = 2200 };

struct plugin_message {
	size_t len;
	unsigned char bytes[PLUGIN_MESSAGE];
};

struct plugin {
	struct flow_options options;
	struct flow *flow;
	struct websocket *ws;
	int64_t now;
	struct plugin_faults faults;
	unsigned counts[6];
	bool mute;   /* it is not there: frames of the agent get lost */
	bool silent; /* it answers no handshake */
	const char *response; /* in place of the usual one */
	/* What came, by part; the last frames of the others as text. */
	struct buf output, errors, states;
	char request[2048], complete[256], exit_code[64];
	unsigned flag, longest;
	int64_t expected;
	struct plugin_message early[PLUGIN_QUEUE]; /* by number, modulo */
	bool has_early[PLUGIN_QUEUE];
	/* What it sent and was not acknowledged. */
	struct plugin_message sent[PLUGIN_QUEUE];
	int64_t first, next, sent_at;
	struct plugin_message held[2]; /* to change places; of each side */
	size_t acks;                   /* of the agent */
};

void plugin_open(struct plugin *p, enum document_kind kind, bool handshake);
void plugin_close(struct plugin *p);

/* Carry frames to and fro for some milliseconds. */
void plugin_run(struct plugin *p, int64_t ms);

/* Carry them until the next event, at most for some seconds; its kind, or -1
 * and FLOW_FAILED's err. */
int plugin_event(struct plugin *p, struct flow_event *event, struct err *err);

/* Send a frame of the client. */
void plugin_send(struct plugin *p, enum frame_part part, const void *data,
    size_t len);

/* A frame that comes to the agent, whatever it is. */
void plugin_deliver(struct plugin *p, enum frame_type type, int64_t sequence,
    uint32_t part, struct slice payload);

#endif
