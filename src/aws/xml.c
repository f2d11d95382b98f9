#include "aws/xml.h"

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { CODE_MAX = 0x10ffff, REFERENCE_MAX = 10 };

static const char spaces[] = " \t\r\n";

static const struct {
	const char *name;
	char c;
} entities[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' },
	{ "apos", '\'' } };

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_KIND_PARSE, "the answer is not sound XML: %s",
	    why);
}

/* Skip what is between here and the end mark, which must be there. */
static int
skip_past(struct xml *xml, const char *mark, struct slice *inside,
    struct err *err)
{
	ptrdiff_t at = slice_find(xml->rest, mark);

	if (at < 0)
		return refuse(err, "it ends too early");
	*inside = slice_head(xml->rest, (size_t)at);
	xml->rest = slice_skip(xml->rest, (size_t)at + slice_of(mark).len);
	return 0;
}

/* Where the tag ends: the first '>' that is not inside quotes. */
static int
cut_tag(struct xml *xml, struct slice *tag, struct err *err)
{
	char quote = '\0';
	size_t i;

	for (i = 0; i < xml->rest.len; i++) {
		char c = xml->rest.ptr[i];

		if (c == quote)
			quote = '\0';
		else if (quote != '\0')
			continue;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '<')
			return refuse(err, "'<' inside a tag");
		else if (c == '>')
			break;
	}
	if (i == xml->rest.len)
		return refuse(err, "it ends inside a tag");
	*tag = slice_head(xml->rest, i);
	xml->rest = slice_skip(xml->rest, i + 1);
	return 0;
}

static size_t
name_length(struct slice tag)
{
	size_t i = 0;

	while (i < tag.len && tag.ptr[i] != '/' &&
	       !slice_has(slice_of(spaces), tag.ptr[i]))
		i++;
	return i;
}

static struct slice
local_name(struct slice name)
{
	struct slice prefix, local;

	return slice_split(name, ':', &prefix, &local) ? local : name;
}

static bool
is_blank(struct slice s)
{
	return s.len == 0 || slice_all_in(s, spaces);
}

static int
open_tag(struct xml *xml, struct slice tag, struct xml_token *token,
    struct err *err)
{
	struct slice name = slice_head(tag, name_length(tag));

	if (name.len == 0 || slice_has(name, '=') || slice_has(name, '"'))
		return refuse(err, "a tag without a name");
	if (xml->depth == 0 && xml->begun)
		return refuse(err, "a second root");
	if (xml->depth == XML_DEPTH_MAX)
		return refuse(err, "nested too deep");
	xml->open[xml->depth++] = name;
	xml->begun = true;
	xml->close_next = slice_ends(tag, "/");
	*token = (struct xml_token){ XML_OPEN, local_name(name) };
	return 0;
}

static int
close_tag(struct xml *xml, struct slice tag, struct xml_token *token,
    struct err *err)
{
	struct slice name = slice_head(tag, name_length(tag));

	if (xml->depth == 0 || !slice_same(name, xml->open[xml->depth - 1]) ||
	    !is_blank(slice_skip(tag, name.len)))
		return refuse(err, "tags that do not match");
	xml->depth--;
	*token = (struct xml_token){ XML_CLOSE, local_name(name) };
	return 0;
}

/* What begins with "<!" or "<?"; 1: it was skipped. */
static int
special(struct xml *xml, struct xml_token *token, struct err *err)
{
	struct slice inside;

	if (slice_starts(xml->rest, "<?"))
		return skip_past(xml, "?>", &inside, err) == 0 ? 1 : -1;
	if (slice_starts(xml->rest, "<!--")) {
		xml->rest = slice_skip(xml->rest, 4);
		return skip_past(xml, "-->", &inside, err) == 0 ? 1 : -1;
	}
	if (!slice_starts(xml->rest, "<![CDATA[") || xml->depth == 0)
		return refuse(err, "a declaration in it");
	xml->rest = slice_skip(xml->rest, 9);
	if (skip_past(xml, "]]>", &inside, err) != 0)
		return -1;
	*token = (struct xml_token){ XML_CDATA, inside };
	return 0;
}

static int
markup(struct xml *xml, struct xml_token *token, struct err *err)
{
	struct slice tag = { NULL, 0 };

	if (slice_starts(xml->rest, "<!") || slice_starts(xml->rest, "<?"))
		return special(xml, token, err);
	xml->rest = slice_skip(xml->rest, 1);
	if (cut_tag(xml, &tag, err) != 0)
		return -1;
	if (slice_starts(tag, "/"))
		return close_tag(xml, slice_skip(tag, 1), token, err);
	return open_tag(xml, tag, token, err);
}

/* Text up to the next tag; 1: blanks outside the root were skipped. */
static int
take_text(struct xml *xml, struct xml_token *token, struct err *err)
{
	ptrdiff_t at = slice_find(xml->rest, "<");
	struct slice run =
	    at < 0 ? xml->rest : slice_head(xml->rest, (size_t)at);

	if (xml->depth == 0 && !is_blank(run))
		return refuse(err, "text outside the root");
	xml->rest = slice_skip(xml->rest, run.len);
	*token = (struct xml_token){ XML_TEXT, run };
	return xml->depth == 0 ? 1 : 0;
}

int
xml_next(struct xml *xml, struct xml_token *token, struct err *err)
{
	int rc = 1;

	if (xml->close_next) {
		xml->close_next = false;
		xml->depth--;
		*token = (struct xml_token){ XML_CLOSE,
			local_name(xml->open[xml->depth]) };
		return 0;
	}
	while (rc == 1 && xml->rest.len > 0)
		rc = slice_starts(xml->rest, "<") ? markup(xml, token, err)
		                                  : take_text(xml, token, err);
	if (rc != 1)
		return rc;
	if (!xml->begun || xml->depth > 0)
		return refuse(err, "it ends too early");
	*token = (struct xml_token){ .kind = XML_END };
	return 0;
}

static void
add_utf8(struct buf *out, uint32_t code)
{
	if (code < 0x80) {
		buf_putc(out, (char)code);
		return;
	}
	if (code < 0x800) {
		buf_putc(out, (char)(0xc0 | code >> 6));
	} else if (code < 0x10000) {
		buf_putc(out, (char)(0xe0 | code >> 12));
		buf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	} else {
		buf_putc(out, (char)(0xf0 | code >> 18));
		buf_putc(out, (char)(0x80 | (code >> 12 & 0x3f)));
		buf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	}
	buf_putc(out, (char)(0x80 | (code & 0x3f)));
}

static bool
parse_hex(struct slice digits, uint32_t *code)
{
	static const char set[] = "0123456789abcdefABCDEF";
	uint32_t value = 0;
	size_t i;

	if (!slice_all_in(digits, set) || digits.len > 8)
		return false;
	for (i = 0; i < digits.len; i++) {
		char c = digits.ptr[i];
		int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

		value = value << 4 | (uint32_t)digit;
	}
	*code = value;
	return true;
}

static int
decode_number(struct slice digits, struct buf *out, struct err *err)
{
	uint64_t decimal = 0;
	uint32_t code = 0;
	bool ok;

	if (slice_starts(digits, "x")) {
		ok = parse_hex(slice_skip(digits, 1), &code);
	} else {
		ok = slice_u64(digits, CODE_MAX, &decimal);
		code = (uint32_t)decimal;
	}
	if (!ok || code == 0 || code > CODE_MAX ||
	    (code >= 0xd800 && code < 0xe000))
		return refuse(err, "a reference to no character");
	add_utf8(out, code);
	return 0;
}

static int
decode_reference(struct slice name, struct buf *out, struct err *err)
{
	size_t i;

	if (slice_starts(name, "#"))
		return decode_number(slice_skip(name, 1), out, err);
	for (i = 0; i < sizeof entities / sizeof *entities; i++) {
		if (slice_eq(name, entities[i].name)) {
			buf_putc(out, entities[i].c);
			return 0;
		}
	}
	return refuse(err, "an unknown entity");
}

int
xml_decode(struct slice text, struct buf *out, struct err *err)
{
	struct slice head, rest = text, name;

	while (slice_split(rest, '&', &head, &rest)) {
		buf_add(out, head.ptr, head.len);
		if (!slice_split(rest, ';', &name, &rest) ||
		    name.len > REFERENCE_MAX)
			return refuse(err, "an unknown entity");
		if (decode_reference(name, out, err) != 0)
			return -1;
	}
	buf_add(out, rest.ptr, rest.len);
	return 0;
}

/* Where a search stands: how many names of the path are open. */
struct search {
	struct slice path; /* names still to be opened */
	size_t matched;    /* elements of the path that are open */
	bool inside;       /* the element itself is open */
	bool done;         /* it was found and closed */
};

static void
search_open(struct search *s, const struct xml *xml, struct slice name)
{
	struct slice wanted, rest;

	if (s->done || s->inside || xml->depth != s->matched + 1)
		return;
	if (!slice_split(s->path, '/', &wanted, &rest)) {
		wanted = s->path;
		rest = slice_make(NULL, 0);
	}
	if (!slice_same(wanted, name))
		return;
	s->matched++;
	s->inside = rest.len == 0;
	if (!s->inside)
		s->path = rest;
}

static void
search_close(struct search *s, const struct xml *xml)
{
	/* The first branch that matches is followed to its end; if it does
	 * not hold the element, no later one will be looked into. */
	if (xml->depth >= s->matched)
		return;
	s->done = true;
}

static int
search_take(const struct search *s, const struct xml *xml,
    const struct xml_token *token, struct buf *out, struct err *err)
{
	if (!s->inside || s->done || xml->depth != s->matched)
		return 0;
	if (token->kind == XML_TEXT)
		return xml_decode(token->text, out, err);
	buf_add(out, token->text.ptr, token->text.len);
	return 0;
}

int
xml_find(struct slice document, const char *path, struct buf *out,
    struct err *err)
{
	struct search s = { .path = slice_of(path) };
	struct xml xml = { .rest = document };
	struct xml_token token = { .kind = XML_OPEN };
	int rc = 0;

	while (rc == 0 && token.kind != XML_END) {
		rc = xml_next(&xml, &token, err);
		if (rc != 0)
			break;
		if (token.kind == XML_OPEN)
			search_open(&s, &xml, token.text);
		else if (token.kind == XML_CLOSE)
			search_close(&s, &xml);
		else if (token.kind != XML_END)
			rc = search_take(&s, &xml, &token, out, err);
	}
	if (rc == 0 && !buf_ok(out))
		rc = refuse(err, "a text in it is too long");
	if (rc != 0)
		return -1;
	return s.inside ? 0 : 1;
}
