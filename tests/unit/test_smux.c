/* SPDX-License-Identifier: MIT */
/* Many streams in one, from a client that may be anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "mgs/smux.h"

enum { SYN, FIN, PSH, NOP };

static void
add(struct buf *out, unsigned command, uint32_t id, const char *data)
{
	size_t len = strlen(data);
	const char head[] = { 1, (char)command, (char)len, (char)(len >> 8),
		(char)id, (char)(id >> 8), (char)(id >> 16), (char)(id >> 24) };

	buf_add(out, head, sizeof head);
	buf_puts(out, data);
}

/* What comes of the bytes, "open 3", "data 3 abc" and so on in one line, when
 * step come at once and take of them are taken. */
static int
feed(struct smux *smux, const struct buf *in, size_t step, size_t take,
    struct buf *out)
{
	static const char *const names[] = { "open", "data", "eof", "refuse" };
	struct slice rest = slice_make(in->data, in->len);
	struct err err = { 0 };
	struct smux_event got;
	uint32_t last = 0;
	int rc = 0;

	while (rc >= 0 && rest.len > 0) {
		struct slice part = slice_head(rest, step);

		rest = slice_skip(rest, step);
		while ((rc = smux_next(smux, &part, &got, &err)) == 1) {
			struct slice data = slice_head(got.data, take);

			if (got.kind != SMUX_DATA || got.id != last) {
				buf_printf(out, "%s%s %u",
				    out->len > 0 ? ", " : "", names[got.kind],
				    got.id);
			}
			if (got.kind == SMUX_DATA && got.id != last)
				buf_putc(out, ' ');
			last = got.kind == SMUX_DATA ? got.id : 0;
			buf_add(out, data.ptr, data.len);
			if (got.kind == SMUX_DATA)
				smux_taken(smux, &part, data.len, 1);
		}
		assert_true(rc != 0 || part.len == 0);
	}
	assert_int_equal(err.kind, rc < 0 ? ERR_KIND_PARSE : ERR_KIND_NONE);
	return rc;
}

static void
expect(const struct buf *in, int rc, const char *want)
{
	for (size_t step = 1; step < 50; step += 6) {
		struct smux smux = { .left = 0 };
		struct buf out = { 0 };

		assert_int_equal(feed(&smux, in, step, 1 + step / 2, &out), rc);
		assert_string_equal(buf_str(&out), want);
		buf_free(&out);
	}
}

static void
test_streams(void **state)
{
	struct buf in = { 0 };

	(void)state;
	add(&in, SYN, 3, "");
	add(&in, NOP, 0, "");
	add(&in, PSH, 3, "GET / HTTP/1.0\r\n\r\n");
	add(&in, SYN, 5, "");
	add(&in, PSH, 5, "a");
	add(&in, PSH, 3, "b");
	add(&in, FIN, 3, "");
	add(&in, PSH, 5, "");
	add(&in, PSH, 5, "c");
	add(&in, FIN, 5, "");
	expect(&in, 0,
	    "open 3, data 3 GET / HTTP/1.0\r\n\r\n, open 5, data 5 a, "
	    "data 3 b, eof 3, data 5 c, eof 5");
	buf_free(&in);
}

/* What belongs to no stream is dropped, and so is data of other frames. */
static void
test_strays(void **state)
{
	struct buf in = { 0 };

	(void)state;
	add(&in, PSH, 3, "nobody");
	add(&in, FIN, 3, "");
	add(&in, SYN, 3, "data of a SYN");
	add(&in, SYN, 3, "");
	add(&in, NOP, 3, "data of a NOP");
	add(&in, SYN, 0, "");
	add(&in, PSH, 0, "zero");
	add(&in, FIN, 0, "");
	add(&in, FIN, 3, "data of a FIN");
	add(&in, FIN, 3, "");
	add(&in, PSH, 3, "after its end");
	add(&in, SYN, 0xffffffff, "");
	add(&in, PSH, 0xffffffff, "x");
	expect(&in, 0, "open 3, eof 3, open 4294967295, data 4294967295 x");
	buf_free(&in);
}

static void
test_not_smux(void **state)
{
	static const char version[] = "\2\0\0\0\3\0\0\0";
	static const char command[] = "\1\4\0\0\3\0\0\0";
	struct buf in = { 0 };

	(void)state;
	add(&in, SYN, 3, "");
	buf_add(&in, version, 8);
	add(&in, SYN, 5, "");
	expect(&in, -1, "open 3");
	buf_free(&in);
	buf_add(&in, command, 8);
	expect(&in, -1, "");
	buf_free(&in);
}

/* The longest frame there can be needs no room. */
static void
test_long_frame(void **state)
{
	static char bytes[65536];
	struct buf in = { .max = 1 << 20 }, out = { .max = 1 << 20 };
	struct smux smux = { .left = 0 };

	(void)state;
	memset(bytes, 'z', sizeof bytes - 1);
	add(&in, SYN, 3, "");
	add(&in, PSH, 3, bytes);
	add(&in, FIN, 3, "");
	assert_int_equal(feed(&smux, &in, 1024, 700, &out), 0);
	assert_int_equal(out.len,
	    strlen("open 3, data 3 ") + 65535 + strlen(", eof 3"));
	buf_free(&in);
	buf_free(&out);
}

static void
expect_fin(struct smux *smux, const char *want)
{
	unsigned char head[SMUX_HEADER];

	assert_int_equal(smux_fin(smux, head), want != NULL);
	if (want != NULL)
		assert_memory_equal(head, want, sizeof head);
}

/* Either side may end first. */
static void
test_half_open(void **state)
{
	struct smux smux = { .left = 0 };
	struct buf in = { 0 }, out = { 0 };

	(void)state;
	add(&in, SYN, 3, "");
	add(&in, SYN, 0x01020305, "");
	add(&in, FIN, 3, "");
	assert_int_equal(feed(&smux, &in, 1, 1, &out), 0);
	assert_true(smux_is_open(&smux, 3));
	smux_end(&smux, 3, false);
	assert_false(smux_is_open(&smux, 3));
	smux_end(&smux, 3, false);
	expect_fin(&smux, "\1\1\0\0\3\0\0\0");
	expect_fin(&smux, NULL);
	/* Ours ends, theirs goes on. */
	smux_end(&smux, 0x01020305, false);
	smux_end(&smux, 0x01020305, false);
	expect_fin(&smux, "\1\1\0\0\5\3\2\1");
	expect_fin(&smux, NULL);
	assert_true(smux_is_open(&smux, 0x01020305));
	buf_free(&in);
	buf_free(&out);
	add(&in, PSH, 0x01020305, "more");
	add(&in, FIN, 0x01020305, "");
	assert_int_equal(feed(&smux, &in, 1, 1, &out), 0);
	assert_string_equal(buf_str(&out), "data 16909061 more, eof 16909061");
	assert_false(smux_is_open(&smux, 0x01020305));
	assert_false(smux_is_open(&smux, 0));
	smux_end(&smux, 0, true);
	expect_fin(&smux, NULL);
	buf_free(&in);
	buf_free(&out);
}

/* A stream that is given up takes nothing any more, also in mid-frame. */
static void
test_given_up(void **state)
{
	struct smux smux = { .left = 0 };
	struct buf in = { 0 };
	struct smux_event got;
	struct slice rest;

	(void)state;
	add(&in, SYN, 3, "");
	add(&in, PSH, 3, "0123456789");
	add(&in, SYN, 5, "");
	add(&in, PSH, 5, "x");
	rest = slice_make(in.data, in.len);
	assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
	assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
	assert_true(slice_eq(got.data, "0123456789"));
	smux_taken(&smux, &rest, 4, 1);
	smux_end(&smux, 3, true);
	expect_fin(&smux, "\1\1\0\0\3\0\0\0");
	assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
	assert_int_equal(got.kind, SMUX_OPEN);
	assert_int_equal(got.id, 5);
	buf_free(&in);
}

/* One that takes nothing holds the others up for a while only. */
static void
test_stuck(void **state)
{
	struct smux smux = { .left = 0 };
	struct buf in = { 0 };
	struct smux_event got;
	struct slice rest;

	(void)state;
	add(&in, SYN, 3, "");
	add(&in, SYN, 5, "");
	add(&in, PSH, 3, "abc");
	rest = slice_make(in.data, in.len);
	assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
	assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
	for (int64_t now = 100; now < 103; now++) {
		assert_int_equal(smux_next(&smux, &rest, &got, NULL), 1);
		assert_int_equal(got.kind, SMUX_DATA);
		smux_taken(&smux, &rest, 0, now);
	}
	assert_int_equal(smux_stuck(&smux, 99 + SMUX_PATIENCE_MS), 0);
	assert_int_equal(smux_stuck(&smux, 100 + SMUX_PATIENCE_MS), 3);
	/* Nobody waits for it. */
	smux_end(&smux, 5, true);
	assert_int_equal(smux_stuck(&smux, 100 + SMUX_PATIENCE_MS), 0);
	smux_taken(&smux, &rest, 1, 200);
	assert_int_equal(smux_stuck(&smux, 1000 + SMUX_PATIENCE_MS), 0);
	buf_free(&in);
}

/* More streams than there may be, of a client that reads no FIN. */
static void
test_too_many(void **state)
{
	struct smux smux = { .left = 0 };
	struct buf in = { 0 };
	unsigned char head[SMUX_HEADER];
	struct smux_event got;
	struct slice rest;
	uint32_t opened = 0, refused = 0;

	(void)state;
	for (uint32_t id = 1; id <= 3 * SMUX_STREAMS; id++)
		add(&in, SYN, id, "");
	rest = slice_make(in.data, in.len);
	while (smux_next(&smux, &rest, &got, NULL) == 1) {
		opened += got.kind == SMUX_OPEN;
		refused += got.kind == SMUX_REFUSE;
	}
	assert_int_equal(opened, SMUX_STREAMS);
	assert_int_equal(refused, SMUX_STREAMS);
	assert_int_equal(rest.len, SMUX_STREAMS * SMUX_HEADER);
	for (uint32_t id = 1; id <= SMUX_STREAMS; id++)
		smux_end(&smux, id, true);
	for (uint32_t i = 0; i < 2 * SMUX_STREAMS; i++)
		assert_true(smux_fin(&smux, head));
	assert_false(smux_fin(&smux, head));
	while (smux_next(&smux, &rest, &got, NULL) == 1)
		opened += got.kind == SMUX_OPEN;
	assert_int_equal(opened, 2 * SMUX_STREAMS);
	assert_int_equal(rest.len, 0);
	buf_free(&in);
}

static void
test_head(void **state)
{
	unsigned char head[SMUX_HEADER];

	(void)state;
	smux_head(head, 7, 0x1234);
	assert_memory_equal(head, "\1\2\x34\x12\7\0\0\0", sizeof head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_not_smux),
		cmocka_unit_test(test_long_frame),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
