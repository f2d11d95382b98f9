/* SPDX-License-Identifier: MIT */
/*
 * The first byte is how many bytes come at once, the rest is what a peer
 * sends.  In whatever pieces it comes, the same messages come out, within the
 * limits; what is to be sent are whole, masked frames.
 */
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "fuzz/fuzz.h"
#include "mgs/websocket.h"

enum { MAX = 3000, OUT = 4000, RESERVED = 400 };

struct sum {
	size_t messages;
	int rc;
	unsigned char hash[DIGEST_SHA256_LEN];
};

static void
add(struct sum *sum, const struct websocket_message *message)
{
	unsigned char both[2 * DIGEST_SHA256_LEN + 2];

	memcpy(both, sum->hash, DIGEST_SHA256_LEN);
	digest_sha256(message->data.ptr, message->data.len,
	    &both[DIGEST_SHA256_LEN]);
	both[sizeof both - 2] = (unsigned char)message->op;
	both[sizeof both - 1] = (unsigned char)message->code;
	digest_sha256(both, sizeof both, sum->hash);
	sum->messages++;
	require(message->data.len <= MAX);
}

static void
check_pending(struct slice rest)
{
	while (rest.len > 0) {
		const unsigned char *in = (const unsigned char *)rest.ptr;

		require(rest.len >= 6 && (in[1] & 0x80) != 0);
		require((in[1] & 0x7f) < 126);
		require(in[0] == 0x8a || in[0] == 0x88);
		require(rest.len >= 6 + (in[1] & 0x7fU));
		rest = slice_skip(rest, 6 + (in[1] & 0x7fU));
	}
}

static struct sum
run(const uint8_t *data, size_t size, size_t step)
{
	struct websocket *ws = NULL;
	struct websocket_message message;
	struct sum sum = { .rc = 0 };
	struct err err = { 0 };

	require(websocket_open(&ws, MAX, OUT, NULL) == 0);
	while (sum.rc == 0 && size > 0) {
		size_t room = 0;
		char *to = websocket_room(ws, &room);
		size_t part = step < size ? step : size;

		require(room > 0);
		part = part < room ? part : room;
		memcpy(to, data, part);
		websocket_grew(ws, part);
		data += part;
		size -= part;
		while ((sum.rc = websocket_next(ws, &message, &err)) == 1) {
			add(&sum, &message);
			if (message.op == WEBSOCKET_CLOSE)
				size = 0;
		}
	}
	require(sum.rc == 0 || err.kind == ERR_KIND_PARSE);
	require(websocket_pending(ws).len <= OUT + RESERVED);
	check_pending(websocket_pending(ws));
	websocket_free(ws);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sum whole, pieces;

	if (size < 1)
		return 0;
	whole = run(&data[1], size - 1, size);
	pieces = run(&data[1], size - 1, 1 + data[0]);
	require(whole.messages == pieces.messages && whole.rc == pieces.rc);
	require(memcmp(whole.hash, pieces.hash, sizeof whole.hash) == 0);
	return 0;
}
