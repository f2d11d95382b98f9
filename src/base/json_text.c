#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/slice.h"

/* Bytes of the UTF-8 character that text begins with, 0 if it is none. */
static size_t
character(struct slice text)
{
	for (size_t len = 1; len <= 4 && len <= text.len; len++) {
		if (slice_utf8(slice_head(text, len)))
			return len;
	}
	return 0;
}

/* One that is not to reach a terminal; none has more than three bytes. */
static void
quote_number(struct buf *out, struct slice one)
{
	unsigned number = (unsigned char)one.ptr[0];

	if (one.len > 1)
		number &= one.len > 2 ? 0x0f : 0x1f;
	for (size_t i = 1; i < one.len; i++)
		number = number << 6 | ((unsigned char)one.ptr[i] & 0x3f);
	buf_printf(out, "\\u%04x", number);
}

static void
quote_character(struct buf *out, struct slice one)
{
	unsigned char c = one.len > 0 ? (unsigned char)one.ptr[0] : 0;

	if (one.len == 0) {
		buf_puts(out, "\xef\xbf\xbd");
	} else if (c == '"' || c == '\\') {
		buf_putc(out, '\\');
		buf_putc(out, (char)c);
	} else if (c == '\n') {
		buf_puts(out, "\\n");
	} else if (c == '\t') {
		buf_puts(out, "\\t");
	} else if (slice_printable(one) == 0) {
		quote_number(out, one);
	} else {
		buf_add(out, one.ptr, one.len);
	}
}

void
json_quote(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text);

	buf_putc(out, '"');
	while (rest.len > 0 && !out->failed) {
		size_t len = character(rest);

		quote_character(out, slice_head(rest, len));
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
	buf_putc(out, '"');
}

void
json_escape(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.len > 0 && !out->failed) {
		size_t len = character(rest);
		struct slice one = slice_head(rest, len);

		/* Blanks of a pretty text are no part of a string. */
		if (len == 1 && (unsigned char)one.ptr[0] < ' ')
			buf_add(out, one.ptr, 1);
		else if (len == 0 || slice_printable(one) == 0)
			quote_character(out, one);
		else
			buf_add(out, one.ptr, len);
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
}

void
json_write(struct buf *out, const char *template, ...)
{
	const char *text = NULL;
	va_list args;

	va_start(args, template);
	for (; *template != '\0'; template ++) {
		switch (*template) {
		case '%':
			text = va_arg(args, const char *);
			if (text != NULL)
				json_quote(out, text);
			else
				buf_puts(out, "null");
			break;
		case '#':
			buf_printf(out, "%lld", va_arg(args, long long));
			break;
		case '?':
			buf_puts(out, va_arg(args, int) ? "true" : "false");
			break;
		case '@':
			buf_puts(out, va_arg(args, const char *));
			break;
		default:
			buf_putc(out, *template);
			break;
		}
	}
	va_end(args);
}
