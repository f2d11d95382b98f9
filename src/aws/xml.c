/* SPDX-License-Identifier: MIT */
#include "aws/xml.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

enum { CODE_MAX = 0x10ffff, NAME_SIZE = 128 };

static const char spaces[] = " \t\r\n";

/* An element that is open.  Its value is made once it is known what it is: a
 * string unless it has children. */
struct level {
	struct slice name;   /* as written */
	char key[NAME_SIZE]; /* without its prefix */
	char kind;           /* '{' or '[' once it has children */
	struct json *value;  /* a part of the one around it */
};

struct reader {
	struct slice rest;
	struct level levels[XML_DEPTH_MAX + 1]; /* [0] is around the root */
	size_t depth;
	struct buf text; /* of the innermost element */
};

static void
skip(struct reader *r, size_t len)
{
	r->rest = slice_skip(r->rest, len);
}

/* Take what stands before the mark, and the mark, which must be there. */
static int
take_until(struct reader *r, const char *mark, struct slice *inside)
{
	ptrdiff_t at = slice_find(r->rest, mark);

	if (at < 0)
		return -1;
	*inside = slice_head(r->rest, (size_t)at);
	skip(r, (size_t)at + slice_of(mark).len);
	return 0;
}

/* The tag up to the first '>' that is not inside quotes. */
static int
take_tag(struct reader *r, struct slice *tag)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < r->rest.len; i++) {
		char c = r->rest.ptr[i];

		if (c == quote)
			quote = '\0';
		else if (quote != '\0')
			continue;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '<' || c == '>')
			break;
	}
	*tag = slice_head(r->rest, i);
	skip(r, i);
	if (!slice_starts(r->rest, ">"))
		return -1;
	skip(r, 1);
	return 0;
}

static struct slice
tag_name(struct slice tag)
{
	size_t i = 0;

	while (i < tag.len && tag.ptr[i] != '/' &&
	       !slice_has(slice_of(spaces), tag.ptr[i]))
		i++;
	return slice_head(tag, i);
}

static bool
is_space(struct slice s)
{
	return s.len == 0 || slice_all_in(s, spaces);
}

/* The value of the innermost element becomes a part of the one around it. */
static int
attach(struct reader *r, struct json *value)
{
	const struct level *level = &r->levels[r->depth];
	const struct level *parent = level - 1;

	return json_append(parent->value,
	    parent->kind == '{' ? level->key : NULL, value);
}

/* The innermost element gets a child: it is an object or an array from now
 * on, and stays the one that it is. */
static int
have_child(struct reader *r, const char *key)
{
	struct level *level = &r->levels[r->depth];
	char kind = slice_eq(slice_of(key), "member") ? '[' : '{';

	if (r->depth == 0)
		return json_first(level->value) == NULL ? 0 : -1;
	if (level->kind != '\0')
		return level->kind == kind ? 0 : -1;
	level->kind = kind;
	level->value = json_new(kind, NULL);
	return attach(r, level->value);
}

static int
open_element(struct reader *r, struct slice name)
{
	struct level level = { .name = name };
	struct slice prefix;

	slice_split(name, ':', &prefix, &name);
	if (level.name.len == 0 || slice_starts(level.name, "!") ||
	    slice_has(level.name, '=') || slice_has(level.name, '"') ||
	    r->depth == XML_DEPTH_MAX ||
	    !slice_copy(name, level.key, sizeof level.key) ||
	    have_child(r, level.key) != 0)
		return -1;
	r->levels[++r->depth] = level;
	buf_cut(&r->text, 0);
	return 0;
}

static int
close_element(struct reader *r, struct slice name)
{
	const struct level *level = &r->levels[r->depth];
	int rc = 0;

	if (r->depth == 0 || !slice_same(name, level->name))
		return -1;
	if (level->kind == '\0')
		rc = attach(r, json_new('"', buf_str(&r->text)));
	r->depth--;
	return rc;
}

static int
read_tag(struct reader *r)
{
	struct slice tag, name;
	bool closing;

	skip(r, 1);
	if (take_tag(r, &tag) != 0)
		return -1;
	closing = slice_starts(tag, "/");
	tag = slice_skip(tag, closing);
	name = tag_name(tag);
	if (closing && !is_space(slice_skip(tag, name.len)))
		return -1;
	if (closing)
		return close_element(r, name);
	if (open_element(r, name) != 0)
		return -1;
	return slice_ends(tag, "/") ? close_element(r, name) : 0;
}

static int
read_cdata(struct reader *r)
{
	struct slice inside;

	skip(r, 9);
	if (r->depth == 0 || take_until(r, "]]>", &inside) != 0)
		return -1;
	buf_add(&r->text, inside.ptr, inside.len);
	return 0;
}

static void
add_utf8(struct buf *out, uint32_t code)
{
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };
	int more = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);

	buf_putc(out, (char)(first[more] | code >> 6 * more));
	while (more-- > 0)
		buf_putc(out, (char)(0x80 | (code >> 6 * more & 0x3f)));
}

/* The number of a character: digits, or x and hexadecimal digits. */
static int
add_number(struct buf *out, struct slice digits)
{
	bool hex = slice_starts(digits, "x");
	uint32_t base = hex ? 16 : 10, code = 0;

	for (size_t i = hex; i < digits.len && code <= CODE_MAX; i++) {
		unsigned char c = (unsigned char)digits.ptr[i];
		uint32_t digit = c - (uint32_t)'0';

		if (digit > 9)
			digit = (c | 0x20U) - (uint32_t)'a' + 10;
		if (digit >= base)
			return -1;
		code = code * base + digit;
	}
	if (code == 0 || code > CODE_MAX || (code & 0xfff800) == 0xd800)
		return -1;
	add_utf8(out, code);
	return 0;
}

static int
add_reference(struct buf *out, struct slice name)
{
	static const char entities[][6] = { "<lt", ">gt", "&amp", "\"quot",
		"'apos" };

	if (slice_starts(name, "#"))
		return add_number(out, slice_skip(name, 1));
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		if (slice_eq(name, &entities[i][1])) {
			buf_putc(out, entities[i][0]);
			return 0;
		}
	}
	return -1;
}

/* Text up to the next tag, with its references resolved. */
static int
read_text(struct reader *r)
{
	ptrdiff_t at = slice_find(r->rest, "<");
	struct slice run = at < 0 ? r->rest : slice_head(r->rest, (size_t)at);
	struct slice head, name;

	skip(r, run.len);
	if (r->depth == 0)
		return is_space(run) ? 0 : -1;
	while (slice_split(run, '&', &head, &run)) {
		buf_add(&r->text, head.ptr, head.len);
		if (!slice_split(run, ';', &name, &run) ||
		    add_reference(&r->text, name) != 0)
			return -1;
	}
	buf_add(&r->text, run.ptr, run.len);
	return 0;
}

static int
read_next(struct reader *r)
{
	struct slice skipped;

	if (slice_starts(r->rest, "<?"))
		return take_until(r, "?>", &skipped);
	if (slice_starts(r->rest, "<!--")) {
		skip(r, 4);
		return take_until(r, "-->", &skipped);
	}
	if (slice_starts(r->rest, "<![CDATA["))
		return read_cdata(r);
	return slice_starts(r->rest, "<") ? read_tag(r) : read_text(r);
}

int
xml_parse(struct json **out, struct slice document, struct err *err)
{
	struct reader r = { .rest = document,
		.text = { .max = document.len + 1 } };
	struct json *doc = json_new('{', NULL);
	int rc = slice_has(document, '\0') || !slice_utf8(document) ? -1 : 0;

	r.levels[0].kind = '{';
	r.levels[0].value = doc;
	while (rc == 0 && r.rest.len > 0)
		rc = read_next(&r);
	if (rc == 0 && r.depth == 0 && buf_ok(&r.text) &&
	    json_first(doc) != NULL)
		*out = doc;
	else
		rc = -1;
	buf_free(&r.text);
	if (rc == 0)
		return 0;
	json_free(doc);
	return err_set(err, ERR_KIND_PARSE, "the answer is not sound XML");
}
