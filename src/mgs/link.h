/* SPDX-License-Identifier: MIT */
#ifndef MGS_LINK_H
#define MGS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/api.h"
#include "mgs/order.h"
#include "mgs/websocket.h"

struct cred;
struct duplex;
struct err;

/*
 * A control or data channel: the token, the signed websocket, the first
 * message, and bytes both ways without waiting (amazon-ssm-agent,
 * agent/session/service and agent/session/communicator).
 */
enum {
	LINK_PING_MS = 54000,  /* the agent's own interval */
	LINK_QUIET_MS = 60000, /* silence after a ping: the channel is dead */
	LINK_OUT = 64 * 1024,  /* bytes that wait to be sent, at most */
	LINK_DATA_MAX = 32 * 1024, /* of a message on a data channel */
};

struct link_in {
	struct api *api;
	const struct cred *cred; /* the node's own */
	const char *node;        /* mi-… */
	const char *session;     /* NULL = the control channel */
	const char *version;     /* of the agent, "3.3.0.0" */
	int64_t deadline;        /* of all of it */
};

struct link {
	struct duplex *duplex;
	struct websocket *ws;
	int64_t pinged; /* clock_ms() of the last ping, or of the opening */
	int64_t heard;  /* of the last byte */
};

/*
 * Open one, which takes two requests; waits until it is open or the deadline
 * passes.  Errors are those of api_call().  link_is_over() tells of one whether
 * the session is at its end, so that no other try can help.
 */
int link_open(struct link *out, const struct link_in *in, struct err *err);
bool link_is_over(const struct err *err);
void link_close(struct link *link); /* zero is fine, and is what it leaves */

/* What to poll(2) the descriptor for; *ready: do not wait, bytes are here. */
int link_fd(const struct link *link);
short link_events(const struct link *link, bool reading, bool *ready);

/*
 * Read what is there (if reading), send what goes; then websocket_next().
 * A ping is sent when it is time.  1: the peer ended the connection; -1: it
 * broke, or was silent for LINK_QUIET_MS after a ping while it was read from.
 */
int link_move(struct link *link, bool reading, struct err *err);

/* When link_move() wants to be called. */
int64_t link_deadline(const struct link *link);

#endif
