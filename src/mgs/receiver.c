/* SPDX-License-Identifier: MIT */
#include "mgs/receiver.h"

#include <string.h>

/* Frames that one read of a channel may bring. */
enum { MARGIN = 40 };

void
receiver_init(struct receiver *receiver)
{
	for (size_t i = 0; i < RECEIVER_FRAMES; i++)
		receiver->numbers[i] = -1;
}

/* The place with that number, or RECEIVER_FRAMES. */
static size_t
find(const struct receiver *receiver, int64_t number)
{
	size_t i = 0;

	while (i < RECEIVER_FRAMES && receiver->numbers[i] != number)
		i++;
	return i;
}

static void
add_ack(struct receiver *receiver, const struct frame *frame)
{
	size_t end = receiver->ack_first + receiver->ack_count;
	struct receiver_ack *ack = &receiver->acks[end % RECEIVER_ACKS];

	if (receiver->ack_count == RECEIVER_ACKS)
		return;
	receiver->ack_count++;
	ack->sequence = frame->sequence;
	memcpy(ack->id, frame->id, FRAME_ID);
}

/* There is a free place for each number that is near enough, since there are
 * as many numbers as places. */
static void
keep_new(struct receiver *receiver, const struct frame *frame)
{
	size_t place = find(receiver, -1);
	struct receiver_frame *to = &receiver->frames[place];

	receiver->numbers[place] = frame->sequence;
	receiver->held++;
	receiver->received++;
	to->len = (uint16_t)frame->payload.len;
	to->part = (uint8_t)(frame->part < UINT8_MAX ? frame->part : UINT8_MAX);
	memcpy(to->data, frame->payload.ptr, frame->payload.len);
}

void
receiver_keep(struct receiver *receiver, const struct frame *frame)
{
	int64_t number = frame->sequence;

	if (number < 0 || frame->payload.len > RECEIVER_PAYLOAD ||
	    (number > receiver->expected &&
	        number - receiver->expected >= RECEIVER_FRAMES)) {
		receiver->dropped++;
		return;
	}
	if (number >= receiver->expected &&
	    find(receiver, number) == RECEIVER_FRAMES)
		keep_new(receiver, frame);
	else
		receiver->repeated++;
	add_ack(receiver, frame);
}

const struct receiver_frame *
receiver_next(const struct receiver *receiver)
{
	size_t place = find(receiver, receiver->expected);

	return place < RECEIVER_FRAMES ? &receiver->frames[place] : NULL;
}

void
receiver_take(struct receiver *receiver, size_t n)
{
	size_t place = find(receiver, receiver->expected);
	struct receiver_frame *frame;

	if (place == RECEIVER_FRAMES)
		return;
	frame = &receiver->frames[place];
	receiver->taken += n;
	if (receiver->taken < frame->len)
		return;
	explicit_bzero(frame->data, frame->len);
	receiver->numbers[place] = -1;
	receiver->held--;
	receiver->expected++;
	receiver->taken = 0;
}

bool
receiver_full(const struct receiver *receiver)
{
	return receiver->held + MARGIN > RECEIVER_FRAMES;
}

const struct receiver_ack *
receiver_ack(const struct receiver *receiver)
{
	return receiver->ack_count > 0 ? &receiver->acks[receiver->ack_first]
	                               : NULL;
}

void
receiver_acked(struct receiver *receiver)
{
	receiver->ack_first = (receiver->ack_first + 1) % RECEIVER_ACKS;
	receiver->ack_count--;
}

void
receiver_resume(struct receiver *receiver)
{
	receiver->ack_count = 0;
}
