/* SPDX-License-Identifier: MIT */
#ifndef MGS_RECEIVER_H
#define MGS_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mgs/frame.h"

/*
 * The numbered frames that come over a data channel, put in order; without I/O
 * (mgs/flow.h, which is the one user).  A frame that is kept is acknowledged
 * at once, and one that was kept or taken before is again, since the word of
 * it may have been lost.  What there is no room for is neither kept nor
 * acknowledged: the client sends it again.
 */
enum {
	RECEIVER_FRAMES = 128,
	RECEIVER_PAYLOAD = 2048, /* bytes in a frame, at most */
	RECEIVER_ACKS = 256,     /* that wait to be sent; more are forgotten */
};

struct receiver_frame {
	uint16_t len;
	uint8_t part; /* one above 255 is 255, which nobody knows either */
	unsigned char data[RECEIVER_PAYLOAD];
};

struct receiver_ack {
	int64_t sequence;
	unsigned char id[FRAME_ID];
};

struct receiver {
	int64_t numbers[RECEIVER_FRAMES]; /* of the frames; -1 = free */
	struct receiver_frame frames[RECEIVER_FRAMES];
	size_t held;      /* frames */
	int64_t expected; /* the number of the next one to be taken */
	size_t taken;     /* bytes of it that were */
	struct receiver_ack acks[RECEIVER_ACKS];
	size_t ack_first, ack_count;
	uint64_t received, repeated, dropped;
};

/* The receiver is zero before. */
void receiver_init(struct receiver *receiver);

/* Take a frame of a client, whatever it holds. */
void receiver_keep(struct receiver *receiver, const struct frame *frame);

/* The next frame in order, or NULL; of its data the first receiver->taken
 * bytes were taken.  Then how many more were: after the last one, or in a
 * frame without any, it is the turn of the next frame. */
const struct receiver_frame *receiver_next(const struct receiver *receiver);
void receiver_take(struct receiver *receiver, size_t n);

/* There may be no room for what one more read brings. */
bool receiver_full(const struct receiver *receiver);

/* Look at the next acknowledgement that is to be sent, or NULL; take it; forget
 * all. */
const struct receiver_ack *receiver_ack(const struct receiver *receiver);
void receiver_acked(struct receiver *receiver);
void receiver_resume(struct receiver *receiver);

#endif
