/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
test_zero_is_empty(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_true(buf_ok(&b));
	assert_string_equal(buf_str(&b), "");
	buf_cut(&b, 0);
	buf_add(&b, NULL, 0);
	buf_grew(&b, 0);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	buf_free(&b);
}

static void
test_appends_in_order(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "ab");
	buf_putc(&b, 'c');
	buf_add(&b, "d\0e", 3);
	buf_printf(&b, "[%d %s]", 42, "x");
	buf_puts(&b, "");
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 12);
	assert_memory_equal(buf_str(&b), "abcd\0e[42 x]", 13);
	buf_free(&b);
	assert_null(b.data);
}

static void
test_grows_and_keeps_the_bytes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 60000; i++)
		buf_putc(&b, (char)(i % 251));
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 60000);
	for (int i = 0; i < 60000; i++)
		assert_int_equal(b.data[i], (char)(i % 251));
	assert_int_equal(b.data[b.len], '\0');
	buf_free(&b);
}

static void
test_refuses_bytes_over_the_ceiling(void **state)
{
	struct buf b = { .max = 5 };

	(void)state;
	buf_puts(&b, "12345");
	assert_true(buf_ok(&b));
	buf_putc(&b, '6');
	assert_false(buf_ok(&b));
	assert_string_equal(buf_str(&b), "12345");
	buf_free(&b);
	assert_int_equal(b.max, 5);
	assert_true(buf_ok(&b));
}

static void
test_default_ceiling_is_64_kib(void **state)
{
	struct buf b = { 0 };
	char block[1024];

	(void)state;
	memset(block, 'x', sizeof block);
	for (int i = 0; i < 64; i++)
		buf_add(&b, block, sizeof block);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, BUF_MAX_DEFAULT);
	buf_putc(&b, 'x');
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
test_failure_sticks(void **state)
{
	struct buf b = { .max = 3 };

	(void)state;
	buf_puts(&b, "1234");
	buf_puts(&b, "1");
	buf_printf(&b, "%d", 1);
	buf_hex(&b, "a", 1);
	buf_base64(&b, "a", 1);
	assert_null(buf_room(&b, 1));
	buf_grew(&b, 1);
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_refuses_a_length_that_wraps(void **state)
{
	struct buf b = { .max = SIZE_MAX };

	(void)state;
	buf_puts(&b, "1234");
	assert_null(buf_room(&b, SIZE_MAX - 2));
	assert_false(buf_ok(&b));
	assert_string_equal(buf_str(&b), "1234");
	buf_free(&b);
}

static void
test_hex_is_lower_case(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_hex(&b, "\x00\x0f\xa0\xff", 4);
	assert_string_equal(buf_str(&b), "000fa0ff");
	buf_free(&b);
}

/* RFC 4648, 10, and the two digits that are no letters. */
static void
test_base64_gives_the_published_values(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf b = { 0 };

		buf_base64(&b, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(buf_str(&b), rows[i][1]);
		buf_free(&b);
	}
}

static void
test_room_is_filled_by_the_caller(void **state)
{
	struct buf b = { .max = 100 };
	char *room;

	(void)state;
	buf_puts(&b, "ab");
	room = buf_room(&b, 98);
	assert_non_null(room);
	memset(room, 'z', 98);
	buf_grew(&b, 3);
	assert_string_equal(buf_str(&b), "abzzz");
	assert_null(buf_room(&b, 96));
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
test_growing_past_the_room_fails(void **state)
{
	struct buf b = { 0 };

	(void)state;
	assert_non_null(buf_room(&b, 10));
	buf_grew(&b, b.cap);
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_cut_wipes_what_it_takes(void **state)
{
	static const char zeros[6];
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "keepsecret");
	buf_cut(&b, 20);
	assert_string_equal(buf_str(&b), "keepsecret");
	buf_cut(&b, 4);
	assert_string_equal(buf_str(&b), "keep");
	assert_memory_equal(&b.data[4], zeros, sizeof zeros);
	buf_puts(&b, "!");
	assert_string_equal(buf_str(&b), "keep!");
	buf_free(&b);
}

static void
test_take_hands_over(void **state)
{
	struct buf b = { .max = 10 };
	char *text;

	(void)state;
	buf_puts(&b, "mine");
	text = buf_take(&b);
	assert_string_equal(text, "mine");
	free(text);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 10);
	text = buf_take(&b);
	assert_string_equal(text, "");
	free(text);
}

static void
test_take_gives_nothing_after_a_failure(void **state)
{
	struct buf b = { .max = 2 };

	(void)state;
	buf_puts(&b, "ab");
	buf_puts(&b, "c");
	assert_null(buf_take(&b));
	assert_null(b.data);
	assert_true(buf_ok(&b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_is_empty),
		cmocka_unit_test(test_appends_in_order),
		cmocka_unit_test(test_grows_and_keeps_the_bytes),
		cmocka_unit_test(test_refuses_bytes_over_the_ceiling),
		cmocka_unit_test(test_default_ceiling_is_64_kib),
		cmocka_unit_test(test_failure_sticks),
		cmocka_unit_test(test_refuses_a_length_that_wraps),
		cmocka_unit_test(test_hex_is_lower_case),
		cmocka_unit_test(test_base64_gives_the_published_values),
		cmocka_unit_test(test_room_is_filled_by_the_caller),
		cmocka_unit_test(test_growing_past_the_room_fails),
		cmocka_unit_test(test_cut_wipes_what_it_takes),
		cmocka_unit_test(test_take_hands_over),
		cmocka_unit_test(test_take_gives_nothing_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
