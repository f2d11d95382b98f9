/* SPDX-License-Identifier: MIT */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Growable bytes with a ceiling.  A failure (no memory, over the ceiling)
 * sticks: append as often as needed and ask buf_ok() once.  The bytes are
 * wiped whenever they are given up, so a secret leaves no copy behind.
 * Zero is an empty buffer with the ceiling BUF_MAX_DEFAULT.
 */
enum { BUF_MAX_DEFAULT = 64 * 1024 };

struct buf {
	char *data; /* owned; NUL-terminated once something was added */
	size_t len; /* bytes in use, without the NUL */
	size_t cap;
	size_t max; /* ceiling of len in bytes, 0 = BUF_MAX_DEFAULT */
	bool failed;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Lower-case hexadecimal digits of data. */
void buf_hex(struct buf *b, const void *data, size_t len);

/* Standard base64 with padding and without line ends (RFC 4648, 4). */
void buf_base64(struct buf *b, const void *data, size_t len);

/* Room for len more bytes at the end, to be filled by the caller, who then
 * calls buf_grew(); NULL when there is none. */
char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);

/* Cut to len bytes (no effect if it is shorter); what was cut is wiped. */
void buf_cut(struct buf *b, size_t len);

/* Everything that was added is there. */
bool buf_ok(const struct buf *b);

/* The bytes as text, "" when empty; borrowed until the next change. */
const char *buf_str(const struct buf *b);

/* Hand the text over: the caller owns it, b is empty.  NULL if it failed. */
char *buf_take(struct buf *b);

/* Wipe and give up the bytes; the ceiling stays. */
void buf_free(struct buf *b);

#endif
