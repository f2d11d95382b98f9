/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

static void
discard(char *data, size_t cap)
{
	if (data == NULL)
		return;
	explicit_bzero(data, cap);
	free(data);
}

static size_t
ceiling(const struct buf *b)
{
	size_t max = b->max == 0 ? BUF_MAX_DEFAULT : b->max;

	/* No block can be larger, and sums below cannot wrap. */
	return max < PTRDIFF_MAX ? max : PTRDIFF_MAX - 1;
}

/* Room for more bytes and the NUL behind them. */
static bool
reserve(struct buf *b, size_t more)
{
	size_t max = ceiling(b);
	size_t cap = b->cap == 0 ? FIRST_CAP : b->cap * 2;
	char *data;

	if (b->failed || b->len > max || more > max - b->len) {
		b->failed = true;
		return false;
	}
	if (b->len + more < b->cap)
		return true;
	if (cap > max + 1)
		cap = max + 1;
	if (cap < b->len + more + 1)
		cap = b->len + more + 1;
	/* A plain realloc(3) would leave the old bytes behind. */
	data = malloc(cap);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	data[b->len] = '\0';
	discard(b->data, b->cap);
	b->data = data;
	b->cap = cap;
	return true;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(&b->data[b->len], data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	char *room;
	size_t len;

	va_start(args, format);
	len = (size_t)vsnprintf(NULL, 0, format, args);
	va_end(args);
	room = buf_room(b, len);
	if (room == NULL)
		return;
	va_start(args, format);
	vsnprintf(room, len + 1, format, args);
	va_end(args);
	b->len += len;
}

void
buf_hex(struct buf *b, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len && !b->failed; i++) {
		buf_putc(b, digits[bytes[i] >> 4]);
		buf_putc(b, digits[bytes[i] & 15]);
	}
}

/* One to three bytes as four characters. */
static void
base64_group(struct buf *b, const unsigned char *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz"
	                             "0123456789+/";
	unsigned first = bytes[0];
	unsigned second = len > 1 ? bytes[1] : 0;
	unsigned third = len > 2 ? bytes[2] : 0;
	char group[] = "====";

	group[0] = digits[first >> 2];
	group[1] = digits[(first << 4 | second >> 4) & 63];
	if (len > 1)
		group[2] = digits[(second << 2 | third >> 6) & 63];
	if (len > 2)
		group[3] = digits[third & 63];
	buf_puts(b, group);
}

void
buf_base64(struct buf *b, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len && !b->failed; i += 3)
		base64_group(b, &bytes[i], len - i);
}

char *
buf_room(struct buf *b, size_t len)
{
	return reserve(b, len) ? &b->data[b->len] : NULL;
}

void
buf_grew(struct buf *b, size_t len)
{
	if (b->failed || b->cap == 0)
		return;
	/* More than there was room for is a mistake of the caller's that
	 * must not become an overrun. */
	if (len > b->cap - 1 - b->len) {
		b->failed = true;
		return;
	}
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	explicit_bzero(&b->data[len], b->len - len);
	b->len = len;
}

bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

const char *
buf_str(const struct buf *b)
{
	return b->data != NULL ? b->data : "";
}

char *
buf_take(struct buf *b)
{
	char *text = NULL;

	if (reserve(b, 0)) {
		text = b->data;
		b->data = NULL;
	}
	buf_free(b);
	return text;
}

void
buf_free(struct buf *b)
{
	discard(b->data, b->cap);
	*b = (struct buf){ .max = b->max };
}
