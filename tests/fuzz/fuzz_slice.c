/* SPDX-License-Identifier: MIT */
/*
 * Taking text apart: pieces lie inside of the text, nothing is lost, and two
 * ways to say the same thing agree.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

static void
check_inside(struct slice part, struct slice whole)
{
	if (part.len > 0)
		require(part.ptr >= whole.ptr &&
		        part.ptr + part.len <= whole.ptr + whole.len);
}

static size_t
count(struct slice s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += s.ptr[i] == c;
	return n;
}

/* The pieces, put together again, are the text. */
static void
check_cut(struct slice text, char separator)
{
	struct slice rest = text;
	struct slice piece;
	struct buf joined = { .max = text.len + 1 };
	size_t pieces = 0;

	while (slice_cut(&rest, separator, &piece)) {
		check_inside(piece, text);
		require(!slice_has(piece, separator));
		buf_add(&joined, piece.ptr, piece.len);
		if (joined.len < text.len)
			buf_putc(&joined, separator);
		pieces++;
	}
	require(buf_ok(&joined));
	require(slice_same(slice_make(joined.data, joined.len), text));
	require(pieces >= count(text, separator));
	require(pieces <= count(text, separator) + 1);
	buf_free(&joined);
}

static void
check_lines(struct slice text)
{
	struct slice rest = text;
	struct slice line;
	size_t before = rest.len;

	while (slice_line(&rest, &line)) {
		check_inside(line, text);
		require(!slice_has(line, '\n') && !slice_has(line, '\r'));
		require(rest.len < before && line.len <= before - rest.len);
		require(before - rest.len - line.len <= 2);
		before = rest.len;
	}
	require(line.len == 0 && rest.len == 0);
}

static void
check_split(struct slice text, char separator)
{
	struct slice head = { 0 };
	struct slice tail = { 0 };
	bool there = slice_has(text, separator);

	require(slice_split(text, separator, &head, &tail) == there);
	if (there) {
		require(head.len + tail.len + 1 == text.len);
		require(!slice_has(head, separator));
	}
	require(slice_rsplit(text, separator, &head, &tail) == there);
	if (there) {
		require(head.len + tail.len + 1 == text.len);
		require(!slice_has(tail, separator));
	}
}

static void
check_number(struct slice text)
{
	uint64_t value = 0;
	uint64_t again = 0;
	struct buf digits = { 0 };

	if (!slice_u64(text, UINT64_MAX, &value))
		return;
	require(slice_all_in(text, "0123456789"));
	require(slice_u64(text, value, &again) && again == value);
	require(value == 0 || !slice_u64(text, value - 1, &again));
	buf_printf(&digits, "%llu", (unsigned long long)value);
	require(slice_ends(text, buf_str(&digits)));
	buf_free(&digits);
}

static void
check_copies(struct slice text)
{
	char small[16];
	char *copy = slice_dup(text);
	bool fits = text.len < sizeof small && !slice_has(text, '\0');

	require(copy != NULL && copy[text.len] == '\0');
	require(text.len == 0 || memcmp(copy, text.ptr, text.len) == 0);
	require(slice_copy(text, small, sizeof small) == fits);
	require(strcmp(small, fits ? copy : "") == 0);
	if (!slice_has(text, '\0')) {
		require(slice_eq(text, copy) && slice_eq_nocase(text, copy));
		require(slice_starts(text, copy) && slice_ends(text, copy));
		require(slice_find(text, copy) == 0);
	}
	free(copy);
}

/* Base64 of anything reads back; what is taken can be written again. */
static void
check_base64(struct slice text)
{
	struct buf coded = { .max = 2 * text.len + 4 };
	struct buf plain = { .max = text.len + 1 };

	buf_base64(&coded, text.ptr, text.len);
	require(digest_base64_decode(&plain,
	            slice_make(coded.data, coded.len)) == 0);
	require(slice_same(slice_make(plain.data, plain.len), text));
	buf_cut(&plain, 0);
	if (digest_base64_decode(&plain, text) == 0)
		require(plain.len <= text.len / 4 * 3);
	else
		require(plain.len == 0 && buf_ok(&plain));
	buf_free(&coded);
	buf_free(&plain);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	char separator = ',';
	struct slice trimmed = slice_trim(text);

	if (size > 0)
		separator = text.ptr[size / 2];
	check_cut(text, separator);
	check_lines(text);
	check_split(text, separator);
	check_number(text);
	check_copies(text);
	check_base64(text);
	check_inside(trimmed, text);
	require(slice_same(slice_trim(trimmed), trimmed));
	for (size_t i = 0; slice_utf8(text) && i < size; i++) {
		/* Cut between two characters, both halves are good. */
		if ((data[i] & 0xc0) != 0x80)
			require(slice_utf8(slice_head(text, i)) &&
			        slice_utf8(slice_skip(text, i)));
	}
	return 0;
}
