/* SPDX-License-Identifier: MIT */
#ifndef MGS_SMUX_H
#define MGS_SMUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct err;

/*
 * The server's side of smux, version 1 (github.com/xtaci/smux, frame.go): many
 * streams in one stream of bytes, without I/O.  Nothing is copied or kept: a
 * stream whose owner takes no bytes holds up those behind it, as the client's
 * other end expects, until smux_stuck() names it.
 *
 * A frame is: version 1, command, length and stream id, both little-endian (2
 * and 4 bytes), data.
 */
enum {
	SMUX_HEADER = 8,
	SMUX_STREAMS = 128,      /* open at once; more are refused */
	SMUX_DATA_MAX = 32768,   /* of a frame that is sent */
	SMUX_PATIENCE_MS = 30000 /* a stream takes nothing, others wait */
};

enum smux_kind {
	SMUX_OPEN,  /* connect; if that fails smux_end() */
	SMUX_DATA,  /* bytes for it: write some, then smux_taken() */
	SMUX_EOF,   /* the client sends no more; it may still be sent to */
	SMUX_REFUSE /* there were too many: smux ends it, tell the client */
};

struct smux_event {
	enum smux_kind kind;
	uint32_t id;
	struct slice data; /* DATA: in what smux_next() was given */
};

struct smux_stream {
	uint32_t id;       /* 0 = unused */
	bool heard, ended; /* FIN of the client; FIN of ours, or queued */
};

struct smux {
	struct smux_stream streams[SMUX_STREAMS];
	/* FINs that are to be sent: no SYN is read while there are SMUX_STREAMS
	 * of them, and each open stream may owe one more. */
	uint32_t fins[2 * SMUX_STREAMS];
	size_t fin_count;
	/* The frame that is being read. */
	unsigned char header[SMUX_HEADER];
	size_t header_len;
	size_t left;        /* bytes of its data still to come */
	uint32_t into;      /* the stream they are for; 0 = nobody */
	int64_t held_since; /* that one takes nothing since; 0 = it does */
};

/* Zero is a fresh one. */

/*
 * The next event in *bytes; what it consumes is cut off them, but for the data
 * of SMUX_DATA.  1: *out; 0: all bytes are used up, or those that are left
 * wait until FINs have been sent; -1: it is not smux (ERR_KIND_PARSE), and the
 * session is over.
 */
int smux_next(struct smux *smux, struct slice *bytes, struct smux_event *out,
    struct err *err);

/* Of the data of the event n bytes were taken, from 0 on; now in
 * milliseconds, more than 0. */
void smux_taken(struct smux *smux, struct slice *bytes, size_t n, int64_t now);

/* The stream that has taken nothing for SMUX_PATIENCE_MS while others are
 * open; 0 = none.  The owner closes it and calls smux_end(). */
uint32_t smux_stuck(const struct smux *smux, int64_t now);

/* The stream sends no more, or is given up: a FIN is queued, and data that
 * still come for it are dropped once it is not smux_is_open(). */
void smux_end(struct smux *smux, uint32_t id, bool both);

/* It was opened, and one of the two directions has not ended. */
bool smux_is_open(const struct smux *smux, uint32_t id);

/* The head of a frame with len bytes (1 to SMUX_DATA_MAX) of a stream. */
void smux_head(unsigned char out[static SMUX_HEADER], uint32_t id, size_t len);

/* Take the next FIN that is to be sent; false = none. */
bool smux_fin(struct smux *smux, unsigned char out[static SMUX_HEADER]);

#endif
