#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A number of 64 bits in decimal has 20 digits. */
enum { DIGITS_MAX = 20 };

_Static_assert(sizeof(long) == sizeof(long long) &&
                   sizeof(long) == sizeof(size_t),
    "the sizes l, ll and z are one");

struct sink {
	char *out;
	size_t size;
	size_t len; /* of the whole text so far */
};

/* The format, how far it was read, and the arguments that are left. */
struct source {
	const char *format;
	size_t at;
	va_list args;
};

struct field {
	size_t width;
	size_t precision; /* SIZE_MAX: none */
	bool left;
	char pad;
	bool wide; /* 64 bits */
};

static void
put(struct sink *sink, char c, size_t times)
{
	for (; times > 0; times--) {
		if (sink->len + 1 < sink->size)
			sink->out[sink->len] = c;
		sink->len++;
	}
}

static void
put_field(struct sink *sink, const struct field *field, const char *text,
    size_t len)
{
	size_t fill = field->width > len ? field->width - len : 0;

	if (!field->left)
		put(sink, field->pad, fill);
	for (size_t i = 0; i < len; i++)
		put(sink, text[i], 1);
	if (field->left)
		put(sink, ' ', fill);
}

/* kind: d as it is, - with a minus in front, x and X hexadecimal. */
static void
put_number(struct sink *sink, struct field *field, uint64_t number, char kind)
{
	const char *digits =
	    kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	unsigned base = kind == 'x' || kind == 'X' ? 16 : 10;
	char text[DIGITS_MAX + 1];
	size_t at = sizeof text;

	do {
		text[--at] = digits[number % base];
		number /= base;
	} while (number > 0);
	if (kind == '-')
		text[--at] = '-';
	put_field(sink, field, &text[at], sizeof text - at);
}

static void
put_signed(struct sink *sink, struct field *field, int64_t number)
{
	uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
	char kind = number < 0 ? '-' : 'd';

	/* The sign stands before zeros, but behind blanks. */
	if (number < 0 && field->pad == '0') {
		put(sink, '-', 1);
		field->width -= field->width > 0;
		kind = 'd';
	}
	put_number(sink, field, size, kind);
}

/* A number of the format, or the next argument in place of a star; one that
 * is negative is SIZE_MAX. */
static size_t
take_count(struct source *source)
{
	size_t count = 0;
	char c = source->format[source->at];

	if (c == '*') {
		int given = va_arg(source->args, int);

		source->at++;
		return given >= 0 ? (size_t)given : SIZE_MAX;
	}
	for (; c >= '0' && c <= '9'; c = source->format[++source->at])
		count = count * 10 + (size_t)(c - '0');
	return count;
}

static bool
take(struct source *source, char c)
{
	if (source->format[source->at] != c)
		return false;
	source->at++;
	return true;
}

static struct field
take_field(struct source *source)
{
	struct field field = { .precision = SIZE_MAX, .pad = ' ' };

	field.left = take(source, '-');
	if (take(source, '0') && !field.left)
		field.pad = '0';
	field.width = take_count(source);
	if (take(source, '.'))
		field.precision = take_count(source);
	while (take(source, 'l') || take(source, 'z'))
		field.wide = true;
	return field;
}

static void
put_text(struct sink *sink, const struct field *field, const char *text)
{
	if (text == NULL)
		text = "(null)";
	put_field(sink, field, text, strnlen(text, field->precision));
}

/* What follows a percent sign. */
static void
convert(struct sink *sink, struct source *source)
{
	size_t start = source->at;
	struct field field = take_field(source);
	char kind = source->format[source->at];
	char c;

	if (kind != '\0')
		source->at++;
	switch (kind) {
	case 'd':
		put_signed(sink, &field,
		    field.wide ? va_arg(source->args, long)
		               : va_arg(source->args, int));
		break;
	case 'u':
	case 'x':
	case 'X':
		put_number(sink, &field,
		    field.wide ? va_arg(source->args, unsigned long)
		               : va_arg(source->args, unsigned),
		    kind);
		break;
	case 'c':
		c = (char)va_arg(source->args, int);
		put_field(sink, &field, &c, 1);
		break;
	case 's':
		put_text(sink, &field, va_arg(source->args, const char *));
		break;
	case '%':
		put(sink, '%', 1);
		break;
	default:
		put(sink, '%', 1);
		source->at = start;
		break;
	}
}

size_t
format_args(char *out, size_t size, const char *format, va_list args)
{
	struct sink sink = { .out = out, .size = size };
	struct source source = { .format = format };

	va_copy(source.args, args);
	while (source.format[source.at] != '\0') {
		char c = source.format[source.at++];

		if (c == '%')
			convert(&sink, &source);
		else
			put(&sink, c, 1);
	}
	va_end(source.args);
	if (size > 0)
		out[sink.len < size ? sink.len : size - 1] = '\0';
	return sink.len;
}

size_t
format_text(char *out, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = format_args(out, size, format, args);
	va_end(args);
	return len;
}
