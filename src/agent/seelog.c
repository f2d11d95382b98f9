/* SPDX-License-Identifier: MIT */
#include "agent/seelog.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define MADE "<!-- Written by ssm-activate, and removed with its node. -->\n"

/* As the agent's own, agent/log/logger/defaultconfig.go. */
#define LINE_FORMAT "%Date(2006-01-02 15:04:05.0000) %LEVEL %Msg%n"

static const char head[] = MADE "<seelog type=\"sync\" minlevel=\"info\">\n"
                                "  <outputs formatid=\"line\">\n"
                                "    <console/>\n"
                                "    <file path=\"";
static const char tail[] =
    "\"/>\n"
    "  </outputs>\n"
    "  <formats>\n"
    "    <format id=\"line\" format=\"" LINE_FORMAT "\"/>\n"
    "  </formats>\n"
    "</seelog>\n";

static void
put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
		case '<':
		case '>':
		case '"':
		case '\'':
			buf_printf(out, "&#%d;", *text);
			break;
		default:
			buf_putc(out, *text);
		}
	}
}

int
seelog_make(struct buf *out, const char *file, struct err *err)
{
	buf_puts(out, head);
	put_escaped(out, file);
	buf_puts(out, tail);
	return buf_ok(out) ? 0 : err_memory(err);
}

bool
seelog_is_made(struct slice text)
{
	return slice_starts(text, MADE);
}

/* Up to the words, which are skipped; false without them. */
static bool
cut_at(struct slice *rest, const char *words, struct slice *before)
{
	ptrdiff_t at = slice_find(*rest, words);

	if (at < 0)
		return false;
	*before = slice_head(*rest, (size_t)at);
	*rest = slice_skip(*rest, (size_t)at + strlen(words));
	return true;
}

/* The next element's name and attributes; comments are passed over. */
static bool
next_element(struct slice *rest, struct slice *element)
{
	struct slice skipped;

	while (cut_at(rest, "<", &skipped)) {
		if (!slice_starts(*rest, "!--"))
			return cut_at(rest, ">", element);
		if (!cut_at(rest, "-->", &skipped))
			return false;
	}
	return false;
}

static bool
is_element(struct slice element, const char *name)
{
	struct slice rest = slice_skip(element, strlen(name));

	return slice_starts(element, name) && rest.len > 0 &&
	       slice_all_in(slice_head(rest, 1), " \t\r\n/");
}

/* The value of an attribute, which may have quotes of either kind. */
static bool
attribute(struct slice element, const char *name, struct slice *value)
{
	struct slice before, quote;

	while (cut_at(&element, name, &before)) {
		bool whole =
		    before.len > 0 &&
		    slice_all_in(slice_skip(before, before.len - 1), " \t\r\n");

		if (!whole || !slice_starts(slice_trim(element), "="))
			continue;
		element = slice_trim(slice_skip(slice_trim(element), 1));
		quote = slice_head(element, 1);
		if (quote.len == 0 || !slice_all_in(quote, "\"'"))
			return false;
		element = slice_skip(element, 1);
		return slice_split(element, quote.ptr[0], value, &element);
	}
	return false;
}

/* Numbers of characters, as seelog_make() writes them, and the five names. */
static bool
unescape(struct slice text, struct buf *out)
{
	static const char names[] = "amp lt gt quot apos";
	static const char meant[] = "&<>\"'";
	struct slice piece, entity;
	uint64_t code;

	while (slice_split(text, '&', &piece, &text)) {
		struct slice known = slice_of(names), name;
		size_t i = 0;

		buf_add(out, piece.ptr, piece.len);
		if (!slice_split(text, ';', &entity, &text))
			return false;
		if (slice_starts(entity, "#")) {
			if (!slice_u64(slice_skip(entity, 1), 127, &code))
				return false;
			buf_putc(out, (char)code);
			continue;
		}
		while (slice_cut(&known, ' ', &name) &&
		       !slice_same(name, entity))
			i++;
		if (meant[i] == '\0')
			return false;
		buf_putc(out, meant[i]);
	}
	buf_add(out, text.ptr, text.len);
	return buf_ok(out);
}

/* A relative path is one of the folder that the agent is started in. */
static bool
take_path(struct slice value, char *out, size_t size)
{
	struct buf path = { 0 };
	bool taken = false;

	if (!slice_starts(value, "/"))
		buf_putc(&path, '/');
	taken = value.len > 0 && unescape(value, &path) &&
	        strlen(buf_str(&path)) == path.len &&
	        slice_copy(slice_of(buf_str(&path)), out, size);
	buf_free(&path);
	return taken;
}

int
seelog_find(struct slice text, char *out, size_t size, struct err *err)
{
	struct slice element, value;
	bool found = false;

	while (next_element(&text, &element)) {
		bool file = is_element(element, "file");

		if (is_element(element, "seelog") &&
		    attribute(element, "minlevel", &value) &&
		    slice_has_word(slice_of("warn error critical off"), value))
			return err_set(err, ERR_KIND_CONFIG,
			    "its minlevel leaves out lines of the level info");
		if (!file && !is_element(element, "rollingfile"))
			continue;
		if (!attribute(element, file ? "path" : "filename", &value) ||
		    slice_ends(value, "/errors.log"))
			continue;
		if (!found)
			found = take_path(value, out, size);
	}
	return found ? 0
	             : err_set(err, ERR_KIND_CONFIG, "it writes to no file");
}
