/* SPDX-License-Identifier: MIT */
/* Frames of a websocket, and what a peer may not do (RFC 6455). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mgs/websocket.h"

enum { MAX = 1000, OUT = 2000, HEADS = 200 };

static struct websocket *
fresh(void)
{
	struct websocket *ws = NULL;

	assert_int_equal(websocket_open(&ws, MAX, OUT, NULL), 0);
	return ws;
}

/* A frame of the server's, up to 64 KiB. */
static void
add_frame(struct buf *out, unsigned first, const char *data, size_t len)
{
	buf_putc(out, (char)first);
	if (len < 126) {
		buf_putc(out, (char)len);
	} else {
		buf_putc(out, 126);
		buf_putc(out, (char)(len >> 8));
		buf_putc(out, (char)len);
	}
	buf_add(out, data, len);
}

/* What comes of all bytes, given step by step: a letter a message and its
 * text, in order, or the error at the end. */
static void
feed(struct websocket *ws, const struct buf *in, size_t step, struct buf *out)
{
	struct websocket_message got;
	struct err err = { 0 };
	size_t at = 0;
	int rc;

	for (;;) {
		while ((rc = websocket_next(ws, &got, &err)) == 1) {
			buf_printf(out, "%c", "?TB?????CPp"[got.op]);
			if (got.op == WEBSOCKET_CLOSE)
				buf_printf(out, "%u", got.code);
			buf_putc(out, ' ');
			buf_add(out, got.data.ptr, got.data.len);
			buf_putc(out, '\n');
		}
		if (rc < 0 || at == in->len)
			break;
		for (size_t n = 0, room = 0; n < step && at < in->len; n++) {
			char *to = websocket_room(ws, &room);

			assert_true(room > 0);
			*to = in->data[at++];
			websocket_grew(ws, 1);
		}
	}
	if (rc < 0) {
		assert_int_equal(err.kind, ERR_KIND_PARSE);
		assert_int_equal(err.retry, ERR_TRANSIENT);
		buf_printf(out, "%s\n", err.msg);
	}
}

static void
expect(const struct buf *in, const char *want)
{
	for (size_t step = 1; step < 300; step = step * 3 + 1) {
		struct websocket *ws = fresh();
		struct buf out = { 0 };

		feed(ws, in, step, &out);
		assert_string_equal(buf_str(&out), want);
		buf_free(&out);
		websocket_free(ws);
	}
}

/* Take off the mask of the next frame that is to be sent. */
static size_t
unmask(struct slice *pending, unsigned *first, char *out)
{
	const unsigned char *in = (const unsigned char *)pending->ptr;
	size_t len, head = 2;

	assert_true(pending->len >= 6);
	*first = in[0];
	assert_true((in[1] & 0x80) != 0);
	len = in[1] & 0x7f;
	if (len == 126) {
		len = (size_t)in[2] << 8 | in[3];
		head = 4;
	}
	assert_true(pending->len >= head + 4 + len);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(in[head + 4 + i] ^ in[head + i % 4]);
	*pending = slice_skip(*pending, head + 4 + len);
	return len;
}

static void
test_key(void **state)
{
	static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
	char one[WEBSOCKET_KEY_SIZE], two[WEBSOCKET_KEY_SIZE];

	(void)state;
	assert_true(websocket_accepts(key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	assert_false(websocket_accepts(key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"));
	assert_false(websocket_accepts(key, NULL));
	assert_int_equal(websocket_key(one, NULL), 0);
	assert_int_equal(websocket_key(two, NULL), 0);
	assert_int_equal(strlen(one), 24);
	assert_string_not_equal(one, two);
}

static void
test_messages(void **state)
{
	char big[MAX];
	struct buf in = { 0 }, want = { 0 };

	(void)state;
	memset(big, 'x', sizeof big);
	add_frame(&in, 0x81, "Hello", 5);
	add_frame(&in, 0x82, "", 0);
	add_frame(&in, 0x01, "Hel", 3);
	add_frame(&in, 0x89, "are you", 7);
	add_frame(&in, 0x00, "", 0);
	add_frame(&in, 0x8a, "yes", 3);
	add_frame(&in, 0x80, "lo", 2);
	add_frame(&in, 0x82, big, sizeof big);
	/* 64 bits of length for a short one, and a pong nobody asked for. */
	buf_add(&in, "\x82\x7f\0\0\0\0\0\0\0\2ok", 12);
	add_frame(&in, 0x8a, "", 0);
	buf_puts(&want, "T Hello\nB \np yes\nT Hello\nB ");
	buf_add(&want, big, sizeof big);
	buf_puts(&want, "\nB ok\np \n");
	expect(&in, buf_str(&want));
	buf_free(&in);
	buf_free(&want);
}

/* As many fragments as bytes, with pings between. */
static void
test_fragments(void **state)
{
	struct buf in = { 0 }, want = { 0 };

	(void)state;
	buf_puts(&want, "B ");
	for (unsigned i = 0; i < MAX; i++) {
		char c = (char)('a' + i % 26);

		add_frame(&in, i == 0 ? 0x02 : i + 1 == MAX ? 0x80 : 0, &c, 1);
		if (i % 3 == 0)
			add_frame(&in, 0x89, "ping", 4);
		buf_putc(&want, c);
	}
	add_frame(&in, 0x81, "after", 5);
	buf_puts(&want, "\nT after\n");
	expect(&in, buf_str(&want));
	buf_free(&in);
	buf_free(&want);
}

static void
refused(const char *bytes, size_t len, const char *what, unsigned code)
{
	struct websocket *ws = fresh();
	struct buf in = { 0 }, out = { 0 };
	struct websocket_message got;
	struct slice pending;
	char data[MAX];
	unsigned first;

	buf_add(&in, bytes, len);
	feed(ws, &in, 1, &out);
	if (slice_find(slice_of(buf_str(&out)), what) < 0)
		fail_msg("%s is not in %s", what, buf_str(&out));
	/* It is told, and that was it. */
	pending = websocket_pending(ws);
	assert_true(unmask(&pending, &first, data) > 2);
	assert_int_equal(first, 0x88);
	assert_int_equal((unsigned char)data[0] << 8 | (unsigned char)data[1],
	    code);
	assert_int_equal(pending.len, 0);
	assert_int_equal(websocket_next(ws, &got, NULL), 0);
	buf_free(&in);
	buf_free(&out);
	websocket_free(ws);
}

static void
test_broken_peers(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *what;
		unsigned code;
	} cases[] = {
		{ "\xc1\1x", 3, "reserved bits", 1002 },
		{ "\xa1\1x", 3, "reserved bits", 1002 },
		{ "\x91\1x", 3, "reserved bits", 1002 },
		{ "\x81\x81zzzzx", 7, "a masked frame", 1002 },
		{ "\x83\1x", 3, "an unknown kind", 1002 },
		{ "\x8b\1x", 3, "an unknown kind", 1002 },
		{ "\x09\1x", 3, "a control frame", 1002 },
		{ "\x89\x7e\0\1x", 5, "a control frame", 1002 },
		{ "\x80\1x", 3, "fragments", 1002 },
		{ "\x01\1x\x81\1x", 6, "fragments", 1002 },
		{ "\x88\1x", 3, "half a code", 1002 },
		{ "\x82\x7e\x03\xe9", 4, "too long", 1009 },
		{ "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, "too long",
		    1009 },
		{ "\x82\x7f\x80\0\0\0\0\0\0\1", 10, "too long", 1009 },
		{ "\x02\1x\x80\x7e\x03\xe8", 7, "too long", 1009 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		refused(cases[i].bytes, cases[i].len, cases[i].what,
		    cases[i].code);
}

static void
test_close(void **state)
{
	struct buf in = { 0 };

	(void)state;
	add_frame(&in, 0x81, "a", 1);
	add_frame(&in, 0x88,
	    "\x03\xe8"
	    "Bye",
	    5);
	add_frame(&in, 0x81, "b", 1);
	expect(&in, "T a\nC1000 Bye\n");
	buf_free(&in);
	add_frame(&in, 0x88, "", 0);
	expect(&in, "C1005 \n");
	buf_free(&in);
}

static void
test_answers(void **state)
{
	struct websocket *ws = fresh();
	struct buf in = { 0 }, out = { 0 };
	struct slice pending;
	unsigned first;
	char data[MAX];

	(void)state;
	add_frame(&in, 0x89, "ping me", 7);
	add_frame(&in, 0x88, "\x03\xe9", 2);
	feed(ws, &in, 2, &out);
	pending = websocket_pending(ws);
	assert_int_equal(unmask(&pending, &first, data), 7);
	assert_int_equal(first, 0x8a);
	assert_memory_equal(data, "ping me", 7);
	assert_int_equal(unmask(&pending, &first, data), 2);
	assert_int_equal(first, 0x88);
	assert_memory_equal(data, "\x03\xe9", 2);
	assert_int_equal(pending.len, 0);
	/* Nothing is sent after a CLOSE. */
	assert_false(websocket_fits(ws, 0));
	buf_free(&in);
	buf_free(&out);
	websocket_free(ws);
}

/* A peer that pings and reads nothing gets the pongs for which there is room,
 * and a CLOSE still fits. */
static void
test_flood_of_pings(void **state)
{
	struct websocket *ws = fresh();
	struct buf in = { 0 }, out = { 0 };
	struct slice pending;
	unsigned first = 0;
	char data[MAX];

	(void)state;
	for (int i = 0; i < 100; i++)
		add_frame(&in, 0x89, "0123456789012345678901234567890123456789",
		    40);
	feed(ws, &in, 10, &out);
	assert_int_equal(websocket_close(ws, WEBSOCKET_GOING, "enough", NULL),
	    0);
	pending = websocket_pending(ws);
	assert_in_range(pending.len, OUT / 2, OUT + 300);
	while (pending.len > 0)
		unmask(&pending, &first, data);
	assert_int_equal(first, 0x88);
	assert_memory_equal(data,
	    "\x03\xe9"
	    "enough",
	    8);
	buf_free(&in);
	buf_free(&out);
	websocket_free(ws);
}

/* Messages of all lengths, in two parts, that leave in odd pieces. */
static void
test_sending(void **state)
{
	struct websocket *ws = fresh();
	char text[MAX], data[MAX];
	struct buf gone = { .max = (size_t)10 * 1024 * 1024 };
	struct slice rest;
	unsigned first;

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 7);
	for (size_t len = 0; len < sizeof text; len++) {
		while (!websocket_fits(ws, len)) {
			struct slice part =
			    slice_head(websocket_pending(ws), 61);

			assert_true(part.len > 0);
			buf_add(&gone, part.ptr, part.len);
			websocket_sent(ws, part.len);
		}
		assert_int_equal(websocket_put(ws, WEBSOCKET_BINARY,
		                     slice_make(text, len / 3),
		                     slice_make(&text[len / 3], len - len / 3),
		                     NULL),
		    0);
	}
	rest = websocket_pending(ws);
	buf_add(&gone, rest.ptr, rest.len);
	websocket_sent(ws, rest.len);
	assert_int_equal(websocket_pending(ws).len, 0);
	rest = slice_make(gone.data, gone.len);
	for (size_t len = 0; len < sizeof text; len++) {
		assert_int_equal(unmask(&rest, &first, data), len);
		assert_int_equal(first, 0x82);
		assert_memory_equal(data, text, len);
	}
	assert_int_equal(rest.len, 0);
	buf_free(&gone);
	websocket_free(ws);
}

static void
test_room_for_sending(void **state)
{
	struct websocket *ws = fresh();
	char text[OUT] = { 0 };
	struct err err = { 0 };
	struct slice all = slice_make(text, sizeof text);

	(void)state;
	assert_false(websocket_fits(ws, OUT));
	assert_false(websocket_fits(ws, SIZE_MAX));
	assert_int_equal(websocket_put(ws, WEBSOCKET_BINARY, all, all, &err),
	    -1);
	assert_int_equal(websocket_pending(ws).len, 0);
	assert_true(websocket_fits(ws, OUT - HEADS));
	assert_int_equal(websocket_close(ws, WEBSOCKET_NORMAL, "", NULL), 0);
	assert_int_equal(websocket_close(ws, WEBSOCKET_NORMAL, "", NULL), 0);
	assert_int_equal(websocket_pending(ws).len, 8);
	assert_int_equal(websocket_put(ws, WEBSOCKET_TEXT, slice_of("x"),
	                     slice_of(""), NULL),
	    -1);
	websocket_free(ws);
	websocket_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_broken_peers),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_flood_of_pings),
		cmocka_unit_test(test_sending),
		cmocka_unit_test(test_room_for_sending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
