/* SPDX-License-Identifier: MIT */
/*
 * The first byte says in pieces of what size the rest is fed.  The outcome is
 * that of feeding it whole, and stays within the limits.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/http_msg.h"

enum { BODY_MAX = 4096 };

/* Feed the input, then the end; *taken bytes were the answer's. */
static int
feed(struct http_msg *msg, struct slice input, size_t step, size_t *taken)
{
	struct err err = { 0 };
	size_t used = 0;

	*taken = 0;
	while (input.len > 0 && !msg->complete) {
		struct slice piece = slice_head(input, step);

		if (http_msg_feed(msg, piece.ptr, piece.len, &used, &err) !=
		    0) {
			require(err.kind == ERR_KIND_PARSE);
			return -1;
		}
		require(used == piece.len || msg->complete);
		*taken += used;
		input = slice_skip(input, used);
	}
	return http_msg_end(msg, NULL);
}

static void
check_fields(const struct http_msg *msg)
{
	require(msg->field_count <= HTTP_MSG_HEADERS_MAX);
	for (size_t i = 0; i < msg->field_count; i++) {
		struct http_header field = http_msg_field(msg, i);

		require(field.name[0] != '\0');
		require(strpbrk(field.name, " :\r\n") == NULL);
		require(strpbrk(field.value, "\r\n") == NULL);
		require(http_msg_header(msg, field.name) != NULL);
	}
}

static void
check_same(const struct http_msg *a, const struct http_msg *b)
{
	require(a->status == b->status);
	require(a->keep_alive == b->keep_alive);
	require(a->field_count == b->field_count);
	require(a->body.len == b->body.len);
	require(a->body.len == 0 ||
	        memcmp(a->body.data, b->body.data, a->body.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_make((const char *)data, size);
	struct http_msg whole, pieces;
	size_t step, taken[2];
	bool no_body;
	int rc;

	if (size == 0)
		return 0;
	step = 1 + data[0] % 64;
	no_body = data[0] >= 192;
	input = slice_skip(input, 1);
	http_msg_init(&whole, BODY_MAX, no_body);
	http_msg_init(&pieces, BODY_MAX, no_body);
	rc = feed(&whole, input, SIZE_MAX, &taken[0]);
	require(feed(&pieces, input, step, &taken[1]) == rc);
	if (rc == 0) {
		require(whole.complete && pieces.complete);
		require(whole.status >= 200 && whole.status <= 999);
		require(whole.body.len <= BODY_MAX);
		require(taken[0] == taken[1]);
		check_fields(&whole);
		check_same(&whole, &pieces);
	}
	http_msg_free(&whole);
	http_msg_free(&pieces);
	return 0;
}
