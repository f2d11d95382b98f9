#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/number.h"

/* Deeper than what can be read: writers may put a few levels around it. */
enum { DEPTH_MAX = 2 * JSON_DEPTH_MAX };

/* A walk over a tree with a stack of its own instead of recursion. */
struct walk {
	struct buf *out;
	bool pretty;
	size_t depth;
	const struct json *lists[DEPTH_MAX]; /* those that are open */
};

static void
print_scalar(struct buf *out, const struct json *item)
{
	double number;
	bool yes;

	if (json_string(item) != NULL)
		json_quote(out, json_string(item));
	else if (json_as_number(item, &number))
		number_print(out, number);
	else if (json_as_bool(item, &yes))
		buf_puts(out, yes ? "true" : "false");
	else if (json_is_null(item))
		buf_puts(out, "null");
	else /* a number that is not finite has no text */
		out->failed = true;
}

static void
print_break(const struct walk *walk)
{
	if (!walk->pretty)
		return;
	buf_putc(walk->out, '\n');
	for (size_t i = 0; i < walk->depth; i++)
		buf_putc(walk->out, '\t');
}

/* Print item, or only open it if it is a list with elements; gives its first
 * element then. */
static const struct json *
print_item(struct walk *walk, const struct json *item)
{
	bool object = json_is_object(item);

	if (walk->depth > 0)
		print_break(walk);
	if (walk->depth > 0 && json_is_object(walk->lists[walk->depth - 1])) {
		json_quote(walk->out, json_name(item));
		buf_puts(walk->out, walk->pretty ? ": " : ":");
	}
	if (!object && !json_is_array(item)) {
		print_scalar(walk->out, item);
		return NULL;
	}
	buf_putc(walk->out, object ? '{' : '[');
	if (json_first(item) == NULL) {
		buf_putc(walk->out, object ? '}' : ']');
		return NULL;
	}
	if (walk->depth == DEPTH_MAX) {
		walk->out->failed = true;
		return NULL;
	}
	walk->lists[walk->depth++] = item;
	return json_first(item);
}

/* Close the lists that end with item; what comes after them, or NULL. */
static const struct json *
print_ends(struct walk *walk, const struct json *item)
{
	while (walk->depth > 0 && json_next(item) == NULL) {
		item = walk->lists[--walk->depth];
		print_break(walk);
		buf_putc(walk->out, json_is_object(item) ? '}' : ']');
	}
	if (walk->depth == 0)
		return NULL;
	buf_putc(walk->out, ',');
	return json_next(item);
}

static int
print(struct buf *out, const struct json *item, bool pretty)
{
	struct walk walk = { .out = out, .pretty = pretty };
	size_t start = out->len;

	if (item == NULL)
		out->failed = true;
	while (item != NULL && buf_ok(out)) {
		const struct json *first = print_item(&walk, item);

		item = first != NULL ? first : print_ends(&walk, item);
	}
	if (!buf_ok(out))
		buf_cut(out, start);
	return buf_ok(out) ? 0 : -1;
}

int
json_print(struct buf *out, const struct json *value)
{
	return print(out, value, false);
}

int
json_print_pretty(struct buf *out, const struct json *value)
{
	return print(out, value, true);
}
