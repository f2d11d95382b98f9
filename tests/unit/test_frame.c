/* SPDX-License-Identifier: MIT */
/* Frames as the published agent writes them, and such as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "mgs/frame.h"
#include "unit/vectors.h"

static void
check_vector(const struct json *item)
{
	const char *type = json_text(item, "type");
	unsigned char header[FRAME_HEADER];
	char text[FRAME_TYPE_MAX + 1], id[FRAME_ID_TEXT];
	struct buf bytes = { 0 };
	struct frame frame;
	double number = -1;

	vectors_bytes(item, &bytes);
	assert_int_equal(frame_read(&frame, slice_make(bytes.data, bytes.len),
	                     NULL),
	    0);
	frame_name(slice_make(bytes.data, bytes.len), text);
	assert_string_equal(text, type);
	assert_true(json_number(item, "sequence", &number));
	assert_int_equal(frame.sequence, (int64_t)number);
	assert_true(json_number(item, "flags", &number));
	assert_int_equal(frame.flags, (uint64_t)number);
	assert_true(json_number(item, "part", &number));
	assert_int_equal(frame.part, (uint32_t)number);
	assert_int_equal(frame.payload.len, bytes.len - FRAME_HEADER);
	frame_id_text(frame.id, id);
	assert_string_equal(id, json_text(item, "id"));
	if (frame.type != FRAME_OTHER) {
		assert_string_equal(frame_type_name(frame.type), type);
		frame_write(&frame, header);
		assert_memory_equal(header, bytes.data, FRAME_HEADER);
	}
	buf_free(&bytes);
}

static void
test_agrees_with_every_vector(void **state)
{
	struct json *doc = vectors_load();
	const struct json *item = json_first(json_get(doc, "frames"));
	int count = 0;

	(void)state;
	for (; item != NULL; item = json_next(item), count++)
		check_vector(item);
	assert_int_equal(count, 49);
	json_free(doc);
}

/* A good frame of which some bytes are replaced. */
static int
read_changed(size_t at, const char *bytes, size_t len, struct frame *out)
{
	static char message[FRAME_HEADER + 100];
	struct frame good = { .type = FRAME_ACKNOWLEDGE,
		.sequence = 7,
		.date = 1,
		.payload = slice_of("0123456789") };
	struct err err = { 0 };
	int rc;

	frame_write(&good, (unsigned char *)message);
	memcpy(&message[FRAME_HEADER], good.payload.ptr, good.payload.len);
	memcpy(&message[at], bytes, len);
	rc = frame_read(out,
	    slice_make(message, FRAME_HEADER + good.payload.len), &err);
	assert_int_equal(err.kind, rc == 0 ? ERR_KIND_NONE : ERR_KIND_PARSE);
	return rc;
}

static void
test_lengths_of_the_header(void **state)
{
	struct frame frame;

	(void)state;
	assert_int_equal(read_changed(0, "\0\0\0\x74", 4, &frame), 0);
	assert_int_equal(frame.payload.len, 10);
	assert_int_equal(read_changed(0, "\0\0\0\x75", 4, &frame), 0);
	assert_int_equal(frame.payload.len, 9);
	assert_true(slice_eq(frame.payload, "123456789"));
	assert_int_equal(read_changed(0, "\0\0\0\x7e", 4, &frame), 0);
	assert_int_equal(frame.payload.len, 0);
	assert_int_equal(read_changed(0, "\0\0\0\x7f", 4, &frame), -1);
	assert_int_equal(read_changed(0, "\0\0\0\x73", 4, &frame), -1);
	assert_int_equal(read_changed(0, "\0\0\0\0", 4, &frame), -1);
	assert_int_equal(read_changed(0, "\xff\xff\xff\xff", 4, &frame), -1);
	assert_int_equal(read_changed(0, "\xff\xff\xff\xfb", 4, &frame), -1);
	assert_int_equal(read_changed(0, "\x7f\xff\xff\xff", 4, &frame), -1);
}

static void
test_odd_but_fine(void **state)
{
	struct frame frame;

	(void)state;
	/* Digest, payload's length, schema, flags; a sequence below zero. */
	assert_int_equal(read_changed(80, "\0\0\0\0", 4, &frame), 0);
	assert_int_equal(read_changed(116, "\xff\xff\xff\xff", 4, &frame), 0);
	assert_int_equal(frame.payload.len, 10);
	assert_int_equal(read_changed(36, "\xff", 1, &frame), 0);
	assert_int_equal(read_changed(48, "\xff", 1, &frame), 0);
	assert_true(frame.sequence < 0);
	assert_int_equal(read_changed(4, "  acknowledge\0\0 ", 16, &frame), 0);
	assert_int_equal(frame.type, FRAME_ACKNOWLEDGE);
	assert_int_equal(read_changed(4, "Acknowledge", 11, &frame), 0);
	assert_int_equal(frame.type, FRAME_OTHER);
}

static void
test_refused(void **state)
{
	char blank[FRAME_TYPE_MAX] = { 0 }, bytes[FRAME_HEADER] = { 0 };
	char name[FRAME_TYPE_MAX + 1];
	struct frame frame;

	(void)state;
	assert_int_equal(read_changed(4, blank, sizeof blank, &frame), -1);
	memset(blank, ' ', sizeof blank);
	assert_int_equal(read_changed(4, blank, sizeof blank, &frame), -1);
	for (size_t len = 0; len < sizeof bytes; len++) {
		assert_int_equal(frame_read(&frame, slice_make(bytes, len),
		                     NULL),
		    -1);
		frame_name(slice_make(bytes, len), name);
		assert_string_equal(name, "");
	}
	memset(&bytes[4], '\x1b', FRAME_TYPE_MAX);
	frame_name(slice_make(bytes, sizeof bytes), name);
	assert_string_equal(name, "????????????????????????????????");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_every_vector),
		cmocka_unit_test(test_lengths_of_the_header),
		cmocka_unit_test(test_odd_but_fine),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
