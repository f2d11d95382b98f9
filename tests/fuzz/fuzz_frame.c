/* SPDX-License-Identifier: MIT */
/*
 * A frame that is taken lies inside of the message; written anew it says the
 * same.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "mgs/frame.h"

static void
again(const struct frame *frame, const uint8_t *data, size_t size)
{
	unsigned char *bytes = malloc(FRAME_HEADER + size);
	size_t len = frame->payload.len;
	struct frame other;

	require(bytes != NULL);
	frame_write(frame, bytes);
	memcpy(&bytes[FRAME_HEADER], frame->payload.ptr, len);
	require(frame_read(&other,
	            slice_make((char *)bytes, FRAME_HEADER + len), NULL) == 0);
	require(other.type == frame->type && other.part == frame->part);
	require(other.sequence == frame->sequence);
	require(other.flags == frame->flags && other.date == frame->date);
	require(memcmp(other.id, frame->id, FRAME_ID) == 0);
	require(slice_same(other.payload, frame->payload));
	/* Only what nobody reads may differ, in a header of the usual length.
	 */
	if (memcmp(data, "\0\0\0\x74", 4) == 0)
		require(memcmp(&bytes[40], &data[40], 40) == 0);
	free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice message = slice_make((const char *)data, size);
	char name[FRAME_TYPE_MAX + 1], id[FRAME_ID_TEXT];
	struct frame frame;
	struct err err = { 0 };

	frame_name(message, name);
	require(strlen(name) <= FRAME_TYPE_MAX);
	if (frame_read(&frame, message, &err) != 0) {
		require(err.kind == ERR_KIND_PARSE);
		return 0;
	}
	require(frame.payload.len <= size - FRAME_HEADER);
	require(frame.payload.len == 0 ||
	        frame.payload.ptr + frame.payload.len ==
	            message.ptr + message.len);
	frame_id_text(frame.id, id);
	require(strlen(id) == FRAME_ID_TEXT - 1);
	if (frame.type != FRAME_OTHER)
		again(&frame, data, size);
	return 0;
}
