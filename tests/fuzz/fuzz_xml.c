/*
 * The XML reader: it ends, every token uses up some of the document, tags
 * come in pairs, and what a search finds is no longer than the document.
 */
#include <stdint.h>
#include <stdlib.h>

#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int truth)
{
	if (!truth)
		abort();
}

/* The names of the open elements: a closing tag has that of its opening one. */
struct stack {
	struct slice names[XML_DEPTH_MAX];
	size_t count;
};

static void
check_token(const struct xml_token *token, struct stack *open)
{
	if (token->kind == XML_OPEN) {
		require(open->count < XML_DEPTH_MAX);
		open->names[open->count++] = token->text;
	}
	if (token->kind == XML_CLOSE) {
		require(open->count > 0);
		require(slice_same(token->text, open->names[--open->count]));
	}
}

static void
walk(struct slice text)
{
	struct xml xml = { .rest = text };
	struct xml_token token = { .kind = XML_OPEN };
	struct err err = { 0 };
	struct stack open = { .count = 0 };
	size_t steps = 0;

	while (token.kind != XML_END && xml_next(&xml, &token, &err) == 0) {
		check_token(&token, &open);
		require(++steps <= 2 * text.len + 1);
	}
	if (token.kind == XML_END)
		require(open.count == 0 && xml.rest.len == 0);
	else
		require(err.kind == ERR_KIND_PARSE);
}

static void
search(struct slice text, const char *path)
{
	struct buf out = { .max = 1 << 20 };
	struct err err = { 0 };
	int rc = xml_find(text, path, &out, &err);

	require(rc == 0 || rc == 1 || err.kind == ERR_KIND_PARSE);
	require(rc != 1 || out.len == 0);
	require(out.len <= text.len);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);

	walk(text);
	search(text, "ErrorResponse/Error/Code");
	search(text, "AssumeRoleResponse/AssumeRoleResult/Credentials/"
	             "SessionToken");
	search(text, "a/b");
	return 0;
}
