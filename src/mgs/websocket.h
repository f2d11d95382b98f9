/* SPDX-License-Identifier: MIT */
#ifndef MGS_WEBSOCKET_H
#define MGS_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct err;

/*
 * The client's end of a websocket (RFC 6455) without its connection: bytes
 * that came go in and messages come out, messages go in and bytes to be sent
 * come out.  Two buffers of fixed size, allocated once.  Pings are answered
 * and a CLOSE is returned by itself, as room permits.
 */
enum websocket_op {
	WEBSOCKET_MORE = 0,
	WEBSOCKET_TEXT = 1,
	WEBSOCKET_BINARY = 2,
	WEBSOCKET_CLOSE = 8,
	WEBSOCKET_PING = 9,
	WEBSOCKET_PONG = 10,
};

/* Codes of a CLOSE (RFC 6455, 7.4.1). */
enum websocket_code {
	WEBSOCKET_NORMAL = 1000,
	WEBSOCKET_GOING = 1001,
	WEBSOCKET_BROKEN = 1002,
	WEBSOCKET_NO_CODE = 1005, /* the CLOSE had none */
	WEBSOCKET_TOO_LONG = 1009,
};

/* Sec-WebSocket-Key, and the check of the Sec-WebSocket-Accept (NULL: there
 * was none) that answers it. */
enum { WEBSOCKET_KEY_SIZE = 25 };
int websocket_key(char key[static WEBSOCKET_KEY_SIZE], struct err *err);
bool websocket_accepts(const char *key, const char *accept);

struct websocket; /* opaque: buffers, and where they stand */

/* Messages of the peer have at most message_max bytes; what is sent and not
 * yet gone at most out_max, frames' heads included. */
int websocket_open(struct websocket **out, size_t message_max, size_t out_max,
    struct err *err);
void websocket_free(struct websocket *ws); /* wipes; NULL is fine */

/*
 * Receiving.  Room for bytes that come, never empty before websocket_next()
 * gave 0; then say how many came.  The room ends what websocket_next() gave.
 */
char *websocket_room(struct websocket *ws, size_t *len);
void websocket_grew(struct websocket *ws, size_t len);

struct websocket_message {
	enum websocket_op op; /* TEXT, BINARY, PONG or CLOSE */
	struct slice data;    /* a CLOSE's reason; borrowed from ws */
	unsigned code;        /* of a CLOSE */
};

/*
 * 1: the next message.  0: more bytes are needed, or a CLOSE came before.
 * -1: the peer broke the protocol (ERR_KIND_PARSE, ERR_TRANSIENT): masked or
 * reserved bits, a wrong order of fragments, a message that is too long; a
 * CLOSE that says so is ready to be sent.
 */
int websocket_next(struct websocket *ws, struct websocket_message *out,
    struct err *err);

/*
 * Sending.  A message of len bytes fits now; room for a pong and a CLOSE is
 * kept.  websocket_put() appends it, masked, as one frame; -1 without room,
 * after a CLOSE of ours, or without randomness.  The two parts of a message
 * are joined; the second may be empty.
 */
bool websocket_fits(const struct websocket *ws, size_t len);
int websocket_put(struct websocket *ws, enum websocket_op op, struct slice head,
    struct slice body, struct err *err);
int websocket_close(struct websocket *ws, unsigned code, const char *reason,
    struct err *err);

/* What is to be sent, in one piece; then say how much of it went. */
struct slice websocket_pending(const struct websocket *ws);
void websocket_sent(struct websocket *ws, size_t len);

#endif
