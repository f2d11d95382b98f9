/* SPDX-License-Identifier: MIT */
#include "mgs/websocket.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rng.h"

enum {
	HEAD_MAX = 14,     /* of a frame, with a mask */
	CONTROL_MAX = 125, /* bytes of a control frame */
	/* Besides a message, so that frames between its fragments fit, too. */
	SLACK = 1024,
	/* Kept for a pong and a CLOSE. */
	RESERVE = 2 * (HEAD_MAX + CONTROL_MAX),
	MASKS = 64, /* drawn at once */
	MASK = 4,
};

/* The buffer that comes in, from its beginning: what was given out; the
 * fragments of a message, joined; frames that were not looked at. */
struct websocket {
	char *in, *out;
	size_t in_cap, message_max;
	size_t message, message_len; /* the joined fragments */
	size_t next, end;            /* the frames */
	enum websocket_op op;        /* of the fragments; MORE = none */
	bool closing, closed;        /* a CLOSE of ours, of the peer's */
	size_t out_cap, out_at, out_len;
	unsigned char masks[MASKS][MASK];
	size_t masks_left;
};

int
websocket_key(char key[static WEBSOCKET_KEY_SIZE], struct err *err)
{
	unsigned char bytes[16];
	struct buf text = { 0 };
	int rc = rng_fill(bytes, sizeof bytes, err);

	if (rc == 0) {
		buf_base64(&text, bytes, sizeof bytes);
		if (!slice_copy(slice_make(text.data, text.len), key,
		        WEBSOCKET_KEY_SIZE))
			rc = err_memory(err);
	}
	buf_free(&text);
	return rc;
}

bool
websocket_accepts(const char *key, const char *accept)
{
	unsigned char sum[DIGEST_SHA1_LEN];
	struct buf text = { 0 };
	bool same;

	buf_printf(&text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	digest_sha1(buf_str(&text), text.len, sum);
	buf_cut(&text, 0);
	buf_base64(&text, sum, sizeof sum);
	same = buf_ok(&text) && slice_eq(slice_of(accept), buf_str(&text));
	buf_free(&text);
	return same;
}

int
websocket_open(struct websocket **out, size_t message_max, size_t out_max,
    struct err *err)
{
	struct websocket *ws = calloc(1, sizeof *ws);

	if (ws == NULL)
		return err_memory(err);
	ws->message_max = message_max;
	ws->in_cap = message_max + SLACK;
	ws->out_cap = out_max + RESERVE;
	ws->in = malloc(ws->in_cap);
	ws->out = malloc(ws->out_cap);
	if (ws->in == NULL || ws->out == NULL) {
		websocket_free(ws);
		return err_memory(err);
	}
	*out = ws;
	return 0;
}

void
websocket_free(struct websocket *ws)
{
	if (ws == NULL)
		return;
	if (ws->in != NULL)
		explicit_bzero(ws->in, ws->in_cap);
	if (ws->out != NULL)
		explicit_bzero(ws->out, ws->out_cap);
	free(ws->in);
	free(ws->out);
	free(ws);
}

/* Put what is kept at the beginning, the fragments and right behind them the
 * frames, when that is little or there is no other way to have room. */
static void
compact(struct websocket *ws)
{
	size_t frames = ws->end - ws->next;

	if (frames + ws->message_len > 0 &&
	    ws->in_cap - ws->end > ws->in_cap / 2)
		return;
	memmove(ws->in, &ws->in[ws->message], ws->message_len);
	memmove(&ws->in[ws->message_len], &ws->in[ws->next], frames);
	ws->message = 0;
	ws->next = ws->message_len;
	ws->end = ws->next + frames;
}

char *
websocket_room(struct websocket *ws, size_t *len)
{
	compact(ws);
	*len = ws->in_cap - ws->end;
	return &ws->in[ws->end];
}

void
websocket_grew(struct websocket *ws, size_t len)
{
	ws->end += len;
}

/* A frame that is whole in the buffer. */
struct piece {
	enum websocket_op op;
	bool final;
	size_t at, len; /* its data */
};

static int
broken(struct websocket *ws, unsigned code, const char *why, struct err *err)
{
	websocket_close(ws, code, why, NULL);
	ws->closed = true;
	err_set(err, ERR_KIND_PARSE, "the websocket's peer sent %s", why);
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

static bool
is_control(enum websocket_op op)
{
	return (op & 8) != 0;
}

/* What is wrong with the first two bytes of a frame, or NULL (RFC 6455, 5.2
 * and 5.5). */
static const char *
check_head(const struct websocket *ws, unsigned first, unsigned second)
{
	enum websocket_op op = (enum websocket_op)(first & 0x0f);
	bool more = op == WEBSOCKET_MORE;
	bool inside = ws->op != WEBSOCKET_MORE;

	if ((first & 0x70) != 0)
		return "reserved bits";
	if ((second & 0x80) != 0)
		return "a masked frame";
	if (op > WEBSOCKET_PONG || (op > WEBSOCKET_BINARY && !is_control(op)))
		return "an unknown kind of frame";
	if (is_control(op) && ((first & 0x80) == 0 || second > CONTROL_MAX))
		return "a control frame that is no single short one";
	if (!is_control(op) && more != inside)
		return "fragments out of order";
	return NULL;
}

/* The length of a frame's head, by its second byte. */
static size_t
head_len(unsigned second)
{
	return second < 126 ? 2 : second == 126 ? 4 : 10;
}

/* Cut the next frame off: 1; 0 while it is not whole; or -1. */
static int
next_piece(struct websocket *ws, struct piece *out, struct err *err)
{
	const unsigned char *in = (const unsigned char *)&ws->in[ws->next];
	size_t have = ws->end - ws->next, head;
	uint64_t len;
	const char *wrong;

	if (have < 2)
		return 0;
	wrong = check_head(ws, in[0], in[1]);
	if (wrong != NULL)
		return broken(ws, WEBSOCKET_BROKEN, wrong, err);
	head = head_len(in[1]);
	if (have < head)
		return 0;
	len = head == 2 ? in[1] : 0;
	for (size_t i = 2; i < head; i++)
		len = len << 8 | in[i];
	if (len > ws->message_max ||
	    (!is_control((enum websocket_op)(in[0] & 0x0f)) &&
	        len > ws->message_max - ws->message_len))
		return broken(ws, WEBSOCKET_TOO_LONG,
		    "a message that is too long", err);
	if (have - head < len)
		return 0;
	*out = (struct piece){ (enum websocket_op)(in[0] & 0x0f),
		(in[0] & 0x80) != 0, ws->next + head, (size_t)len };
	ws->next += head + (size_t)len;
	return 1;
}

/* Put a fragment behind those before it; true if it was the last. */
static bool
join(struct websocket *ws, const struct piece *piece,
    struct websocket_message *out)
{
	if (piece->op != WEBSOCKET_MORE) {
		ws->op = piece->op;
		ws->message = piece->at;
	} else {
		memmove(&ws->in[ws->message + ws->message_len],
		    &ws->in[piece->at], piece->len);
	}
	ws->message_len += piece->len;
	if (!piece->final)
		return false;
	*out = (struct websocket_message){ .op = ws->op,
		.data = slice_make(&ws->in[ws->message], ws->message_len) };
	ws->op = WEBSOCKET_MORE;
	ws->message_len = 0;
	return true;
}

static int
take_close(struct websocket *ws, struct slice data,
    struct websocket_message *out, struct err *err)
{
	const unsigned char *in = (const unsigned char *)data.ptr;

	if (data.len == 1)
		return broken(ws, WEBSOCKET_BROKEN, "half a code", err);
	*out = (struct websocket_message){ .op = WEBSOCKET_CLOSE,
		.data = slice_skip(data, 2),
		.code = data.len == 0 ? WEBSOCKET_NO_CODE
		                      : (unsigned)in[0] << 8 | in[1] };
	ws->closed = true;
	if (!ws->closing)
		websocket_close(ws,
		    data.len == 0 ? WEBSOCKET_NORMAL : out->code, "", NULL);
	return 1;
}

static int put_frame(struct websocket *ws, enum websocket_op op,
    struct slice head, struct slice body, struct err *err);

static size_t
out_room(const struct websocket *ws)
{
	return ws->out_cap - ws->out_len;
}

/* The answer to a ping; one that does not fit is left out (RFC 6455, 5.5.3),
 * and the room of a CLOSE stays. */
static void
answer_ping(struct websocket *ws, struct slice data)
{
	if (!ws->closing && out_room(ws) >= RESERVE / 2 + HEAD_MAX + data.len)
		put_frame(ws, WEBSOCKET_PONG, data, slice_of(NULL), NULL);
}

int
websocket_next(struct websocket *ws, struct websocket_message *out,
    struct err *err)
{
	struct piece piece = { 0 };
	int rc;

	while (!ws->closed) {
		struct slice data;

		rc = next_piece(ws, &piece, err);
		if (rc != 1)
			return rc;
		data = slice_make(&ws->in[piece.at], piece.len);
		if (piece.op == WEBSOCKET_CLOSE)
			return take_close(ws, data, out, err);
		if (piece.op == WEBSOCKET_PONG) {
			*out = (struct websocket_message){ .op = piece.op,
				.data = data };
			return 1;
		}
		if (piece.op == WEBSOCKET_PING)
			answer_ping(ws, data);
		else if (join(ws, &piece, out))
			return 1;
	}
	return 0;
}

static int
next_mask(struct websocket *ws, unsigned char mask[static MASK],
    struct err *err)
{
	if (ws->masks_left == 0 &&
	    rng_fill(ws->masks, sizeof ws->masks, err) != 0)
		return -1;
	if (ws->masks_left == 0)
		ws->masks_left = MASKS;
	memcpy(mask, ws->masks[--ws->masks_left], MASK);
	return 0;
}

/* Copy, masked; phase: where in the mask it begins.  Eight bytes at once. */
static void
copy_masked(char *to, struct slice from, const unsigned char *mask,
    size_t phase)
{
	unsigned char turned[8];
	uint64_t all, word;
	size_t i = 0;

	for (size_t k = 0; k < sizeof turned; k++)
		turned[k] = mask[(phase + k) % MASK];
	memcpy(&all, turned, sizeof all);
	for (; i + sizeof all <= from.len; i += sizeof all) {
		memcpy(&word, &from.ptr[i], sizeof word);
		word ^= all;
		memcpy(&to[i], &word, sizeof word);
	}
	for (; i < from.len; i++)
		to[i] = (char)((unsigned char)from.ptr[i] ^ turned[i % MASK]);
}

/* The room was made sure of. */
static int
put_frame(struct websocket *ws, enum websocket_op op, struct slice head,
    struct slice body, struct err *err)
{
	size_t len = head.len + body.len;
	size_t bytes = len < 126 ? 0 : len < 65536 ? 2 : 8;
	unsigned char mask[MASK];
	char *to;

	if (next_mask(ws, mask, err) != 0)
		return -1;
	if (ws->out_at + ws->out_len + HEAD_MAX + len > ws->out_cap) {
		memmove(ws->out, &ws->out[ws->out_at], ws->out_len);
		ws->out_at = 0;
	}
	to = &ws->out[ws->out_at + ws->out_len];
	to[0] = (char)(0x80 | op);
	to[1] = (char)(0x80 | (bytes == 0 ? len : bytes == 2 ? 126 : 127));
	for (size_t i = 0; i < bytes; i++)
		to[2 + i] = (char)(len >> 8 * (bytes - 1 - i) & 0xff);
	memcpy(&to[2 + bytes], mask, sizeof mask);
	to += 2 + bytes + MASK;
	copy_masked(to, head, mask, 0);
	copy_masked(&to[head.len], body, mask, head.len % MASK);
	ws->out_len += 2 + bytes + MASK + len;
	return 0;
}

bool
websocket_fits(const struct websocket *ws, size_t len)
{
	return !ws->closing && !ws->closed && out_room(ws) >= RESERVE &&
	       out_room(ws) - RESERVE >= HEAD_MAX &&
	       out_room(ws) - RESERVE - HEAD_MAX >= len;
}

int
websocket_put(struct websocket *ws, enum websocket_op op, struct slice head,
    struct slice body, struct err *err)
{
	if (!websocket_fits(ws, head.len + body.len))
		return err_set(err, ERR_KIND_SYSTEM,
		    "no room in the websocket's buffer");
	return put_frame(ws, op, head, body, err);
}

int
websocket_close(struct websocket *ws, unsigned code, const char *reason,
    struct err *err)
{
	char bytes[2] = { (char)(code >> 8), (char)(code & 0xff) };

	if (ws->closing || out_room(ws) < RESERVE / 2)
		return 0;
	ws->closing = true;
	return put_frame(ws, WEBSOCKET_CLOSE, slice_make(bytes, sizeof bytes),
	    slice_head(slice_of(reason), CONTROL_MAX - sizeof bytes), err);
}

struct slice
websocket_pending(const struct websocket *ws)
{
	return slice_make(&ws->out[ws->out_at], ws->out_len);
}

void
websocket_sent(struct websocket *ws, size_t len)
{
	ws->out_at += len;
	ws->out_len -= len;
	if (ws->out_len == 0)
		ws->out_at = 0;
}
