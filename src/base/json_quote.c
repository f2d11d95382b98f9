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
	} else if (c < ' ') {
		buf_printf(out, "\\u%04x", (unsigned int)c);
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
