/* SPDX-License-Identifier: MIT */
/*
 * The first two bytes decide how many bytes come at once and how many a stream
 * takes, and which streams their owner ends; the rest is what a client sends.
 * Data are the input's own, only open streams get any, and no frame needs more
 * room than there is.
 */
#include <string.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "mgs/smux.h"

static void
drain(struct smux *smux)
{
	unsigned char head[SMUX_HEADER];
	size_t count = 0;

	while (smux_fin(smux, head)) {
		require(head[0] == 1 && head[1] == 1);
		require(++count <= (size_t)2 * SMUX_STREAMS);
	}
}

/* What an owner does with an event. */
static void
serve(struct smux *smux, const struct smux_event *event, struct slice *bytes,
    uint8_t habit)
{
	size_t n = event->data.len;

	require(event->id != 0);
	switch (event->kind) {
	case SMUX_OPEN:
		require(smux_is_open(smux, event->id));
		if (event->id % 7 == habit % 7)
			smux_end(smux, event->id, event->id % 2 != 0);
		break;
	case SMUX_DATA:
		require(smux_is_open(smux, event->id));
		require(n > 0 && event->data.ptr == bytes->ptr);
		require(n <= bytes->len);
		n = habit % 16 == 0 ? n : n < habit % 16U ? n : habit % 16U;
		smux_taken(smux, bytes, n, 1);
		break;
	case SMUX_EOF:
		if (event->id % 3 == habit % 3)
			smux_end(smux, event->id, true);
		break;
	case SMUX_REFUSE:
		require(!smux_is_open(smux, event->id));
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smux smux = { .left = 0 };
	struct smux_event event;
	struct err err = { 0 };
	struct slice rest;
	int rc = 0;

	if (size < 2)
		return 0;
	rest = slice_make((const char *)&data[2], size - 2);
	while (rc >= 0 && rest.len > 0) {
		struct slice part = slice_head(rest, 1 + data[0]);

		rest = slice_skip(rest, part.len);
		while (part.len > 0) {
			rc = smux_next(&smux, &part, &event, &err);
			if (rc < 0)
				break;
			if (rc == 1)
				serve(&smux, &event, &part, data[1]);
			else
				drain(&smux);
		}
		require(smux.fin_count <= (size_t)2 * SMUX_STREAMS);
		require(smux.header_len < SMUX_HEADER);
		require(smux.left <= 65535);
	}
	require(rc >= 0 || err.kind == ERR_KIND_PARSE);
	require(smux_stuck(&smux, 2) == 0);
	return 0;
}
