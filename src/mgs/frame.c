/* SPDX-License-Identifier: MIT */
#include "mgs/frame.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"

enum {
	AT_TYPE = 4,
	AT_SCHEMA = 36,
	AT_DATE = 40,
	AT_SEQUENCE = 48,
	AT_FLAGS = 56,
	AT_ID = 64,
	AT_DIGEST = 80,
	AT_PART = 112,
	AT_LENGTH = 116, /* what the header's length says */
	LENGTH = 4,
	SCHEMA = 1,
	HALF = FRAME_ID / 2,
};

static const char names[FRAME_TYPES][FRAME_TYPE_MAX] = {
	[FRAME_INTERACTIVE_SHELL] = "interactive_shell",
	[FRAME_CHANNEL_CLOSED] = "channel_closed",
	[FRAME_AGENT_JOB] = "agent_job",
	[FRAME_AGENT_JOB_ACK] = "agent_job_ack",
	[FRAME_CONTROL_CHANNEL_READY] = "control_channel_ready",
	[FRAME_AGENT_TASK_COMPLETE] = "agent_task_complete",
	[FRAME_AGENT_TASK_ACKNOWLEDGE] = "agent_task_acknowledge",
	[FRAME_AGENT_SESSION_STATE] = "agent_session_state",
	[FRAME_INPUT_STREAM_DATA] = "input_stream_data",
	[FRAME_OUTPUT_STREAM_DATA] = "output_stream_data",
	[FRAME_ACKNOWLEDGE] = "acknowledge",
	[FRAME_PAUSE_PUBLICATION] = "pause_publication",
	[FRAME_START_PUBLICATION] = "start_publication",
};

static uint64_t
get_number(const unsigned char *at, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	return value;
}

static void
put_number(unsigned char *at, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
}

/* The type without what it is padded with. */
static struct slice
type_of(struct slice message)
{
	struct slice s =
	    slice_head(slice_skip(message, AT_TYPE), FRAME_TYPE_MAX);

	while (s.len > 0 &&
	       (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\0'))
		s = slice_head(s, s.len - 1);
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\0'))
		s = slice_skip(s, 1);
	return s;
}

static enum frame_type
find_type(struct slice name)
{
	for (int i = FRAME_OTHER + 1; i < FRAME_TYPES; i++) {
		if (slice_eq(name, names[i]))
			return (enum frame_type)i;
	}
	return FRAME_OTHER;
}

int
frame_read(struct frame *out, struct slice message, struct err *err)
{
	const unsigned char *in = (const unsigned char *)message.ptr;
	struct slice name = type_of(message);
	uint64_t head;

	if (message.len < FRAME_HEADER)
		return err_set(err, ERR_KIND_PARSE,
		    "a message of the gateway is shorter than its header");
	head = get_number(in, LENGTH);
	/* A header may have grown; it cannot have shrunk. */
	if (head < AT_LENGTH || head > message.len - LENGTH) {
		return err_set(err, ERR_KIND_PARSE,
		    "a message of the gateway has a header of %llu bytes",
		    (unsigned long long)head);
	}
	if (name.len == 0)
		return err_set(err, ERR_KIND_PARSE,
		    "a message of the gateway has no type");
	*out = (struct frame){
		.type = find_type(name),
		.sequence = (int64_t)get_number(&in[AT_SEQUENCE], 8),
		.flags = get_number(&in[AT_FLAGS], 8),
		.date = get_number(&in[AT_DATE], 8),
		.part = (uint32_t)get_number(&in[AT_PART], 4),
		.payload = slice_skip(message, (size_t)head + LENGTH),
	};
	memcpy(out->id, &in[AT_ID + HALF], HALF);
	memcpy(&out->id[HALF], &in[AT_ID], HALF);
	return 0;
}

void
frame_name(struct slice message, char out[static FRAME_TYPE_MAX + 1])
{
	struct slice name = type_of(message);

	err_clean(out, FRAME_TYPE_MAX + 1, name.ptr, name.len);
}

const char *
frame_type_name(enum frame_type type)
{
	return names[type];
}

void
frame_write(const struct frame *frame,
    unsigned char header[static FRAME_HEADER])
{
	memset(&header[AT_TYPE], ' ', FRAME_TYPE_MAX);
	memcpy(&header[AT_TYPE], names[frame->type],
	    strlen(names[frame->type]));
	put_number(header, LENGTH, AT_LENGTH);
	put_number(&header[AT_SCHEMA], 4, SCHEMA);
	put_number(&header[AT_DATE], 8, frame->date);
	put_number(&header[AT_SEQUENCE], 8, (uint64_t)frame->sequence);
	put_number(&header[AT_FLAGS], 8, frame->flags);
	memcpy(&header[AT_ID], &frame->id[HALF], HALF);
	memcpy(&header[AT_ID + HALF], frame->id, HALF);
	digest_sha256(frame->payload.ptr, frame->payload.len,
	    &header[AT_DIGEST]);
	put_number(&header[AT_PART], 4, frame->part);
	put_number(&header[AT_LENGTH], LENGTH, frame->payload.len);
}

void
frame_id_text(const unsigned char id[static FRAME_ID],
    char out[static FRAME_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < FRAME_ID; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = digits[id[i] >> 4];
		out[at++] = digits[id[i] & 15];
	}
	out[at] = '\0';
}
