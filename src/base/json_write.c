#include <stdarg.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

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
