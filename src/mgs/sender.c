/* SPDX-License-Identifier: MIT */
#include "mgs/sender.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/rng.h"
#include "mgs/websocket.h"

enum {
	NONE = SENDER_FRAMES,
	LOOK = 32, /* so many of the first frames are sent again, and those
	            * that were TRIED times already */
	TRIED = 2,
	PROBE_MS = 2000, /* without progress */
	PROBES = 4,      /* frames */
	REORDER = 8,     /* frames that may overtake one */
	DOUBLE = 6,    /* proofs from which on it goes twice, so that what loses
	                * each second or third frame lets one pass */
	CHARACTER = 4, /* bytes of UTF-8, at most */
	WAIT_FIRST = 200,
	WAIT_MIN = 50,
	WAIT_MAX = 1000,
	ROUND_TRIP = 100,
	GRAIN = 10,
	DOUBLINGS = 6, /* of the wait */
};

void
sender_init(struct sender *sender, bool text)
{
	sender->text = text;
	sender->first = sender->last = sender->unsent = sender->free = NONE;
	sender->round_trip = ROUND_TRIP;
	sender->wait = WAIT_FIRST;
}

static struct sender_frame *
at(struct sender *sender, uint16_t index)
{
	return &sender->frames[index];
}

static const struct sender_frame *
look(const struct sender *sender, uint16_t index)
{
	return &sender->frames[index];
}

/* A new frame at the end, or NULL. */
static struct sender_frame *
new_frame(struct sender *sender, enum frame_part part, size_t reserve)
{
	uint16_t index = sender->free;
	struct sender_frame *frame;

	if (sender->used + reserve >= SENDER_FRAMES)
		return NULL;
	if (index == NONE)
		index = sender->fresh++;
	else
		sender->free = at(sender, index)->next;
	frame = at(sender, index);
	sender->used++;
	frame->sequence = sender->next_sequence++;
	frame->part = (uint8_t)part;
	frame->len = 0;
	frame->tries = frame->proofs = 0;
	frame->built = false;
	frame->previous = sender->last;
	frame->next = NONE;
	if (sender->last == NONE)
		sender->first = index;
	else
		at(sender, sender->last)->next = index;
	sender->last = index;
	if (sender->unsent == NONE)
		sender->unsent = index;
	return frame;
}

static void
drop(struct sender *sender, uint16_t index)
{
	struct sender_frame *frame = at(sender, index);

	if (frame->previous == NONE)
		sender->first = frame->next;
	else
		at(sender, frame->previous)->next = frame->next;
	if (frame->next == NONE)
		sender->last = frame->previous;
	else
		at(sender, frame->next)->previous = frame->previous;
	if (sender->unsent == index)
		sender->unsent = frame->next;
	frame->next = sender->free;
	sender->free = index;
	sender->used--;
}

static size_t
reserve_of(const struct sender *sender)
{
	return sender->probing ? SENDER_RESERVE - PROBES : SENDER_RESERVE;
}

size_t
sender_room(const struct sender *sender)
{
	/* What waits of a character, and one that is cut, need room, too. */
	const size_t each = SENDER_PAYLOAD - 2 * CHARACTER;
	size_t used = sender->used + reserve_of(sender);

	return used >= SENDER_FRAMES ? 0 : (SENDER_FRAMES - used) * each;
}

/* The frame that takes more bytes of the part. */
static struct sender_frame *
open_frame(struct sender *sender, enum frame_part part, size_t reserve)
{
	struct sender_frame *last;

	if (sender->last != NONE) {
		last = at(sender, sender->last);
		if (!last->built && last->part == part &&
		    last->len + CHARACTER <= SENDER_PAYLOAD)
			return last;
	}
	return new_frame(sender, part, reserve);
}

static void
append(struct sender_frame *frame, const void *data, size_t len)
{
	memcpy(&frame->bytes[FRAME_HEADER + frame->len], data, len);
	frame->len = (uint16_t)(frame->len + len);
}

/* How many bytes at the end are the beginning of a character. */
static size_t
incomplete(const struct sender_frame *frame)
{
	const unsigned char *end = &frame->bytes[FRAME_HEADER + frame->len];

	for (size_t n = 1; n < CHARACTER && n <= frame->len; n++) {
		unsigned char c = *(end - n);
		size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

		if (c < 0x80 || c > 0xf4)
			return 0;
		if (c >= 0xc2)
			return n < whole ? n : 0;
	}
	return 0;
}

static void
hold_tail(struct sender *sender, struct sender_frame *frame)
{
	size_t n = incomplete(frame);

	frame->len = (uint16_t)(frame->len - n);
	memcpy(sender->tail, &frame->bytes[FRAME_HEADER + frame->len], n);
	sender->tail_len = (uint8_t)n;
	sender->tail_part = frame->part;
}

/* What waits of a character belongs before the next bytes. */
static void
take_tail(struct sender *sender, struct sender_frame *frame)
{
	append(frame, sender->tail, sender->tail_len);
	sender->tail_len = 0;
}

/* A frame without bytes is the last one, and gets what waits. */
void
sender_flush(struct sender *sender)
{
	struct sender_frame *frame;

	if (sender->tail_len == 0)
		return;
	frame = open_frame(sender, (enum frame_part)sender->tail_part, 0);
	if (frame != NULL)
		take_tail(sender, frame);
}

size_t
sender_add(struct sender *sender, enum frame_part part, const void *data,
    size_t len)
{
	struct slice rest = slice_make(data, len);

	if (sender->tail_len > 0 && sender->tail_part != part)
		sender_flush(sender);
	while (rest.len > 0) {
		struct sender_frame *frame =
		    open_frame(sender, part, reserve_of(sender));
		struct slice piece;

		if (frame == NULL)
			break;
		take_tail(sender, frame);
		piece = slice_head(rest, SENDER_PAYLOAD - frame->len);
		append(frame, piece.ptr, piece.len);
		rest = slice_skip(rest, piece.len);
		if (sender->text)
			hold_tail(sender, frame);
	}
	return len - rest.len;
}

int64_t
sender_frame(struct sender *sender, enum frame_part part, const void *data,
    size_t len)
{
	struct sender_frame *frame;

	sender_flush(sender);
	if (len > SENDER_PAYLOAD)
		return -1;
	frame = new_frame(sender, part, 0);
	if (frame == NULL)
		return -1;
	append(frame, data, len);
	return frame->sequence;
}

/* Jacobson's estimate, with the constants of the published agent; only of
 * frames that were sent once, since others tell nothing (Karn). */
static void
measure(struct sender *sender, int64_t sample)
{
	int64_t off = sample > sender->round_trip ? sample - sender->round_trip
	                                          : sender->round_trip - sample;
	int64_t spread;

	sender->variance += (off - sender->variance) / 4;
	sender->round_trip += (sample - sender->round_trip) / 8;
	spread = 4 * sender->variance;
	sender->wait = sender->round_trip + (spread > GRAIN ? spread : GRAIN);
	if (sender->wait < WAIT_MIN)
		sender->wait = WAIT_MIN;
	if (sender->wait > WAIT_MAX)
		sender->wait = WAIT_MAX;
}

void
sender_acknowledge(struct sender *sender, int64_t sequence, int64_t now)
{
	uint16_t index = sender->first;
	const struct sender_frame *frame;

	while (index != NONE && look(sender, index)->sequence < sequence)
		index = look(sender, index)->next;
	if (index == NONE)
		return;
	frame = look(sender, index);
	/* One that was never sent cannot have been heard of. */
	if (frame->sequence != sequence || !frame->built)
		return;
	if (frame->tries == 0) {
		measure(sender, now - frame->sent);
		if (frame->ordinal > sender->heard)
			sender->heard = frame->ordinal;
	}
	sender->progress = now;
	drop(sender, index);
	if (sender->used + SENDER_RESERVE < SENDER_FRAMES)
		sender->probing = false;
}

void
sender_resume(struct sender *sender)
{
	uint16_t index = sender->first;

	for (; index != sender->unsent; index = look(sender, index)->next)
		at(sender, index)->tries = 1;
	sender->unsent = sender->first;
	sender->heard = sender->ordinal;
}

bool
sender_empty(const struct sender *sender)
{
	return sender->used == 0 && sender->tail_len == 0;
}

int
sender_id(struct sender *sender, unsigned char id[static FRAME_ID],
    struct err *err)
{
	enum { POOL = sizeof sender->ids / sizeof sender->ids[0] };

	if (sender->ids_left == 0) {
		if (rng_fill(sender->ids, sizeof sender->ids, err) != 0)
			return -1;
		sender->ids_left = POOL;
	}
	sender->ids_left--;
	memcpy(id, sender->ids[sender->ids_left], FRAME_ID);
	id[6] = (unsigned char)((id[6] & 0x0f) | 0x40);
	id[8] = (unsigned char)((id[8] & 0x3f) | 0x80);
	return 0;
}

/* The header, once: what is sent again is the same. */
static int
build(struct sender *sender, struct sender_frame *slot, struct err *err)
{
	struct frame frame = {
		.type = FRAME_OUTPUT_STREAM_DATA,
		.sequence = slot->sequence,
		.flags = slot->sequence == 0 ? FRAME_SYN : 0,
		.date = (uint64_t)clock_now() * 1000,
		.part = slot->part,
		.payload =
		    slice_make((char *)&slot->bytes[FRAME_HEADER], slot->len),
	};

	if (sender_id(sender, frame.id, err) != 0)
		return -1;
	frame_write(&frame, slot->bytes);
	slot->built = true;
	sender->sent++;
	return 0;
}

static int
put(struct sender *sender, struct sender_frame *frame, struct websocket *ws,
    int64_t now, struct err *err)
{
	frame->sent = now;
	frame->ordinal = ++sender->ordinal;
	return websocket_put(ws, WEBSOCKET_BINARY,
	    slice_make((char *)frame->bytes, (size_t)FRAME_HEADER + frame->len),
	    slice_of(NULL), err);
}

static bool
fits(const struct sender_frame *frame, const struct websocket *ws)
{
	return websocket_fits(ws, (size_t)FRAME_HEADER + frame->len);
}

/* When a frame is sent again if nothing is heard; later each time. */
static int64_t
due_at(const struct sender *sender, const struct sender_frame *frame)
{
	int doublings = frame->tries < DOUBLINGS ? frame->tries : DOUBLINGS;
	int64_t since =
	    frame->sent > sender->progress ? frame->sent : sender->progress;

	return since + (sender->wait << doublings);
}

static bool
is_due(const struct sender *sender, const struct sender_frame *frame,
    int64_t now)
{
	return frame->ordinal + REORDER < sender->heard ||
	       now >= due_at(sender, frame);
}

/* Send a frame again, or give it up: that a later one was heard of, time
 * after time, can only mean that it arrived and its word was lost. */
static int
repeat(struct sender *sender, uint16_t index, struct websocket *ws, int64_t now,
    struct err *err)
{
	struct sender_frame *frame = at(sender, index);
	int rc;

	frame->proofs =
	    (uint8_t)(frame->proofs + (frame->ordinal < sender->heard));
	if (frame->proofs > SENDER_TRIES) {
		sender->given_up++;
		drop(sender, index);
		return 0;
	}
	if (frame->tries < UINT8_MAX)
		frame->tries++;
	sender->again++;
	rc = put(sender, frame, ws, now, err);
	if (rc == 0 && frame->proofs >= DOUBLE && fits(frame, ws))
		rc = put(sender, frame, ws, now, err);
	return rc;
}

static int
repeat_all(struct sender *sender, struct websocket *ws, int64_t now,
    struct err *err)
{
	uint16_t index = sender->first;

	for (int n = 0; n < LOOK && index != sender->unsent;) {
		const struct sender_frame *frame = look(sender, index);
		uint16_t next = frame->next;

		n += frame->tries < TRIED;
		sender->blocked = !fits(frame, ws);
		if (sender->blocked)
			break;
		if (is_due(sender, frame, now) &&
		    repeat(sender, index, ws, now, err) != 0)
			return -1;
		index = next;
	}
	return 0;
}

/* What was not sent over this connection, in order. */
static int
send_new(struct sender *sender, struct websocket *ws, int64_t now,
    struct err *err)
{
	while (sender->unsent != NONE) {
		struct sender_frame *frame = at(sender, sender->unsent);

		/* All of it may be a character that is not complete. */
		if (frame->len == 0)
			break;
		sender->blocked = !fits(frame, ws);
		if (sender->blocked)
			break;
		sender->again += frame->built;
		if ((!frame->built && build(sender, frame, err) != 0) ||
		    put(sender, frame, ws, now, err) != 0)
			return -1;
		sender->unsent = frame->next;
	}
	return 0;
}

int
sender_pump(struct sender *sender, struct websocket *ws, int64_t now,
    struct err *err)
{
	sender->blocked = false;
	if (sender->paused)
		return 0;
	if (sender_room(sender) == 0 && now - sender->progress >= PROBE_MS)
		sender->probing = true;
	if (repeat_all(sender, ws, now, err) != 0)
		return -1;
	return sender->blocked ? 0 : send_new(sender, ws, now, err);
}

int64_t
sender_deadline(const struct sender *sender)
{
	uint16_t index = sender->first;
	int64_t until = INT64_MAX;

	if (sender->paused || sender->blocked)
		return until;
	for (int n = 0; n < LOOK && index != sender->unsent;) {
		const struct sender_frame *frame = look(sender, index);

		n += frame->tries < TRIED;
		until = clock_min(until, due_at(sender, frame));
		index = frame->next;
	}
	if (sender_room(sender) == 0 && !sender->probing)
		until = clock_min(until, sender->progress + PROBE_MS);
	return until;
}
