/* SPDX-License-Identifier: MIT */
#include "mgs/smux.h"

#include <string.h>

#include "base/err.h"

enum { VERSION = 1 };

enum command { SYN, FIN, PSH, NOP };

static struct smux_stream *
find(struct smux *smux, uint32_t id)
{
	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		if (smux->streams[i].id == id)
			return &smux->streams[i];
	}
	return NULL;
}

static const struct smux_stream *
look(const struct smux *smux, uint32_t id)
{
	for (size_t i = 0; i < SMUX_STREAMS; i++) {
		if (smux->streams[i].id == id)
			return &smux->streams[i];
	}
	return NULL;
}

static uint32_t
get_id(const unsigned char *header)
{
	return (uint32_t)header[4] | (uint32_t)header[5] << 8 |
	       (uint32_t)header[6] << 16 | (uint32_t)header[7] << 24;
}

static void
put_head(unsigned char *out, enum command command, size_t len, uint32_t id)
{
	out[0] = VERSION;
	out[1] = (unsigned char)command;
	out[2] = (unsigned char)(len & 0xff);
	out[3] = (unsigned char)(len >> 8);
	for (unsigned i = 0; i < 4; i++)
		out[4 + i] = (unsigned char)(id >> 8 * i & 0xff);
}

/* There is room, see struct smux. */
static void
queue_fin(struct smux *smux, uint32_t id)
{
	if (smux->fin_count < sizeof smux->fins / sizeof smux->fins[0])
		smux->fins[smux->fin_count++] = id;
}

static void
forget(struct smux_stream *stream)
{
	if (stream->heard && stream->ended)
		*stream = (struct smux_stream){ .id = 0 };
}

/* A stream begins; one that is known is not heeded, and neither is 0. */
static int
take_syn(struct smux *smux, uint32_t id, struct smux_event *out)
{
	struct smux_stream *free_one;

	if (id == 0 || find(smux, id) != NULL)
		return 0;
	free_one = find(smux, 0);
	*out = (struct smux_event){
		.kind = free_one != NULL ? SMUX_OPEN : SMUX_REFUSE,
		.id = id,
	};
	if (free_one != NULL)
		*free_one = (struct smux_stream){ .id = id };
	else
		queue_fin(smux, id);
	return 1;
}

static int
take_fin(struct smux *smux, uint32_t id, struct smux_event *out)
{
	struct smux_stream *stream = id != 0 ? find(smux, id) : NULL;

	if (stream == NULL || stream->heard)
		return 0;
	stream->heard = true;
	*out = (struct smux_event){ .kind = SMUX_EOF, .id = id };
	forget(stream);
	return 1;
}

/* Begin the frame whose header is complete: 1, it is an event. */
static int
begin(struct smux *smux, struct smux_event *out, struct err *err)
{
	const unsigned char *header = smux->header;
	uint32_t id = get_id(header);
	const struct smux_stream *stream;

	smux->header_len = 0;
	if (header[0] != VERSION || header[1] > NOP) {
		return err_set(err, ERR_KIND_PARSE,
		    "the client's multiplexer sent version %u, command %u",
		    header[0], header[1]);
	}
	smux->left = (size_t)header[2] | (size_t)header[3] << 8;
	smux->into = 0;
	if (header[1] == SYN)
		return take_syn(smux, id, out);
	if (header[1] == FIN)
		return take_fin(smux, id, out);
	stream = id != 0 ? look(smux, id) : NULL;
	if (header[1] == PSH && stream != NULL && !stream->heard)
		smux->into = id;
	return 0;
}

/* The data of the frame that are here, for a stream that is still open. */
static bool
give_data(struct smux *smux, struct slice *bytes, struct smux_event *out)
{
	struct slice data = slice_head(*bytes, smux->left);

	if (smux_is_open(smux, smux->into)) {
		*out = (struct smux_event){ SMUX_DATA, smux->into, data };
		return true;
	}
	smux->into = 0;
	smux->left -= data.len;
	*bytes = slice_skip(*bytes, data.len);
	return false;
}

int
smux_next(struct smux *smux, struct slice *bytes, struct smux_event *out,
    struct err *err)
{
	int rc = 0;

	while (rc == 0 && bytes->len > 0) {
		struct slice part;

		if (smux->left > 0) {
			if (give_data(smux, bytes, out))
				return 1;
			continue;
		}
		if (smux->fin_count >= SMUX_STREAMS)
			return 0;
		part = slice_head(*bytes, SMUX_HEADER - smux->header_len);
		memcpy(&smux->header[smux->header_len], part.ptr, part.len);
		smux->header_len += part.len;
		*bytes = slice_skip(*bytes, part.len);
		if (smux->header_len == SMUX_HEADER)
			rc = begin(smux, out, err);
	}
	return rc;
}

void
smux_taken(struct smux *smux, struct slice *bytes, size_t n, int64_t now)
{
	smux->left -= n;
	*bytes = slice_skip(*bytes, n);
	if (n > 0)
		smux->held_since = 0;
	else if (smux->held_since == 0)
		smux->held_since = now;
}

uint32_t
smux_stuck(const struct smux *smux, int64_t now)
{
	size_t count = 0;

	if (smux->held_since == 0 ||
	    now - smux->held_since < SMUX_PATIENCE_MS || smux->left == 0)
		return 0;
	for (size_t i = 0; i < SMUX_STREAMS; i++)
		count += smux->streams[i].id != 0;
	return count > 1 ? smux->into : 0;
}

void
smux_end(struct smux *smux, uint32_t id, bool both)
{
	struct smux_stream *stream = id != 0 ? find(smux, id) : NULL;

	if (stream == NULL)
		return;
	if (!stream->ended)
		queue_fin(smux, id);
	stream->ended = true;
	stream->heard |= both;
	if (both && smux->into == id) {
		smux->into = 0;
		smux->held_since = 0;
	}
	forget(stream);
}

bool
smux_is_open(const struct smux *smux, uint32_t id)
{
	return id != 0 && look(smux, id) != NULL;
}

void
smux_head(unsigned char out[static SMUX_HEADER], uint32_t id, size_t len)
{
	put_head(out, PSH, len, id);
}

bool
smux_fin(struct smux *smux, unsigned char out[static SMUX_HEADER])
{
	if (smux->fin_count == 0)
		return false;
	put_head(out, FIN, 0, smux->fins[0]);
	smux->fin_count--;
	memmove(&smux->fins[0], &smux->fins[1],
	    smux->fin_count * sizeof smux->fins[0]);
	return true;
}
