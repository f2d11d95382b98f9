/* SPDX-License-Identifier: MIT */
#ifndef MGS_SENDER_H
#define MGS_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mgs/frame.h"

struct err;
struct websocket;

/*
 * The numbered frames that an agent sends over a data channel, until each is
 * acknowledged; without I/O, time is an argument (mgs/flow.h, which is the one
 * user).  Frames lie in an array of fixed size, in two lists: free ones, of
 * which the last one freed is the first one taken, so that a session that
 * sends little touches little memory, and those in use, by number.
 *
 * A frame that was sent is sent again when one that was sent clearly after it
 * was acknowledged, since channels keep the order, or when nothing was for
 * some time.  When a client has lost its own connection, with as many
 * acknowledgements as there are frames, nothing moves any more: then a few
 * new frames, a probe, may show that it has the others.
 */
enum {
	SENDER_PAYLOAD = 1024, /* bytes in a frame; no client takes more */
	SENDER_FRAMES = 512,
	SENDER_RESERVE = 8, /* of them are not for output */
	SENDER_TRIES = 12,  /* a frame is given up, see mgs/flow.h */
};

struct sender_frame {
	int64_t sequence;
	int64_t sent;            /* when, the last time */
	uint64_t ordinal;        /* of all that was ever sent, the last time */
	uint16_t previous, next; /* SENDER_FRAMES = none */
	uint16_t len;            /* of the payload */
	uint8_t part;
	uint8_t tries;  /* how often it was sent again */
	uint8_t proofs; /* how often one that was sent later was heard of */
	bool built;     /* the header is there, nothing may be added */
	unsigned char bytes[FRAME_HEADER + SENDER_PAYLOAD];
};

struct sender {
	bool text;    /* frames are cut between characters of UTF-8 */
	bool paused;  /* nothing is sent */
	bool blocked; /* the websocket's buffer had no room */
	struct sender_frame frames[SENDER_FRAMES];
	uint16_t first, last, unsent, free; /* unsent: from there on */
	uint16_t used;                      /* frames in the one list */
	uint16_t fresh; /* from there on no frame was ever used */
	int64_t next_sequence;
	uint64_t ordinal; /* of the last frame that was sent */
	uint64_t heard;   /* the highest one that is known to have arrived */
	int64_t progress; /* when the last frame was acknowledged */
	bool probing;     /* all is full of frames that nobody acknowledges */
	int64_t round_trip, variance,
	    wait;              /* ms; the wait before another try */
	unsigned char tail[3]; /* bytes of a character that is not complete */
	uint8_t tail_len, tail_part;
	/* Random bytes for ids. */
	unsigned char ids[16][FRAME_ID];
	uint8_t ids_left;
	uint64_t sent, again, given_up;
};

/* The sender is zero before. */
void sender_init(struct sender *sender, bool text);

/* Bytes that sender_add() takes, at least. */
size_t sender_room(const struct sender *sender);

/* Add output; how many bytes were taken. */
size_t sender_add(struct sender *sender, enum frame_part part, const void *data,
    size_t len);

/* The bytes of an incomplete character go out as they are. */
void sender_flush(struct sender *sender);

/* Add a frame of its own, of 1 to SENDER_PAYLOAD bytes; its number, or -1
 * without room. */
int64_t sender_frame(struct sender *sender, enum frame_part part,
    const void *data, size_t len);

void sender_acknowledge(struct sender *sender, int64_t sequence, int64_t now);

/* All is to be sent again, over another connection. */
void sender_resume(struct sender *sender);

/* Nothing waits to be sent or acknowledged. */
bool sender_empty(const struct sender *sender);

/* Put what is due into the websocket's buffer; -1 without randomness. */
int sender_pump(struct sender *sender, struct websocket *ws, int64_t now,
    struct err *err);

/* When sender_pump() has something to do, if nothing else happens; INT64_MAX =
 * never. */
int64_t sender_deadline(const struct sender *sender);

/* A new random id (RFC 4122, 4.4). */
int sender_id(struct sender *sender, unsigned char id[static FRAME_ID],
    struct err *err);

#endif
