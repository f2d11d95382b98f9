#include "aws/query_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "aws/api.h"
#include "aws/query.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

enum { NAME_MAX_LEN = 128, TOKENS_MAX = 100000 };

int
query_json_form(struct buf *form, const struct json *params, struct err *err)
{
	const struct json *member = json_first(params);

	for (; member != NULL; member = json_next(member)) {
		const char *name = json_name(member);
		const char *text = json_string(member);
		struct buf value = { 0 };
		double number = 0;
		bool flag = false;

		if (text == NULL && json_as_number(member, &number))
			json_print(&value, member);
		else if (text == NULL && json_as_bool(member, &flag))
			buf_puts(&value, flag ? "true" : "false");
		else if (text != NULL)
			buf_puts(&value, text);
		else
			return err_set(err, ERR_KIND_PARAM_VALIDATION,
			    "parameter %s: only strings, numbers and booleans "
			    "can be sent to this service",
			    name);
		query_add(form, name, buf_str(&value));
		buf_free(&value);
	}
	return buf_ok(form) ? 0 :
			      err_set(err, ERR_KIND_SYSTEM,
				  "no memory for a request");
}

/* An element that is being read. */
struct level {
	char name[NAME_MAX_LEN];
	struct json *value; /* once it has children */
	struct buf text;
};

struct reader {
	struct level levels[XML_DEPTH_MAX + 1];
	size_t depth;
	struct json *root;
};

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_KIND_SYSTEM, "no memory for an answer");
}

static int
open_element(struct reader *reader, struct slice name, struct err *err)
{
	struct level *level = NULL;

	if (reader->depth > XML_DEPTH_MAX)
		return err_set(err, ERR_KIND_PARSE, "the answer is too deep");
	level = &reader->levels[reader->depth++];
	if (!slice_copy(name, level->name, sizeof(level->name)))
		return err_set(err, ERR_KIND_PARSE,
		    "the answer has an element with too long a name");
	return 0;
}

/* Put the finished element into the one around it. */
static int
add_child(struct level *parent, struct level *child, struct err *err)
{
	bool item = strcmp(child->name, "member") == 0;
	const char *key = item ? NULL : child->name;
	struct json *value = child->value;

	child->value = NULL;
	if (parent->value == NULL)
		parent->value = item ? json_new_array() : json_new_object();
	if (value != NULL)
		return json_add(parent->value, key, value) == 0 ?
		    0 :
		    no_memory(err);
	return json_add_text(parent->value, key, buf_str(&child->text)) == 0 ?
	    0 :
	    no_memory(err);
}

static int
close_element(struct reader *reader, struct err *err)
{
	struct level *level = &reader->levels[--reader->depth];
	int rc = 0;

	if (reader->depth > 0) {
		rc = add_child(level - 1, level, err);
	} else {
		reader->root = level->value;
		level->value = NULL;
	}
	json_free(level->value);
	level->value = NULL;
	buf_free(&level->text);
	return rc;
}

static int
read_token(struct reader *reader, const struct xml_token *token,
    struct err *err)
{
	struct buf *text = NULL;

	if (token->kind == XML_OPEN)
		return open_element(reader, token->text, err);
	if (token->kind == XML_CLOSE)
		return close_element(reader, err);
	if (reader->depth == 0)
		return 0;
	text = &reader->levels[reader->depth - 1].text;
	if (token->kind == XML_TEXT)
		return xml_decode(token->text, text, err);
	buf_add(text, token->text.ptr, token->text.len);
	return 0;
}

static int
read_all(struct reader *reader, struct slice document, struct err *err)
{
	struct xml xml = { .rest = document };
	struct xml_token token;

	for (int i = 0; i < TOKENS_MAX; i++) {
		if (xml_next(&xml, &token, err) != 0)
			return -1;
		if (token.kind == XML_END)
			return 0;
		if (read_token(reader, &token, err) != 0)
			return -1;
	}
	return err_set(err, ERR_KIND_PARSE, "the answer is too long");
}

/* <OperationResponse><OperationResult>…</OperationResult>… */
static const struct json *
result_of(const struct json *root)
{
	const struct json *member = json_first(root);

	for (; member != NULL; member = json_next(member)) {
		if (slice_ends(slice_of(json_name(member)), "Result"))
			return member;
	}
	return NULL;
}

int
query_json_answer(const struct api_reply *reply, struct json **out,
    struct err *err)
{
	struct reader reader = { 0 };
	struct buf text = { .max = reply->body.len * 8 + BUF_MAX_DEFAULT };
	int rc = read_all(&reader,
	    slice_make(reply->body.data, reply->body.len), err);

	while (reader.depth > 0) {
		struct level *level = &reader.levels[--reader.depth];

		json_free(level->value);
		buf_free(&level->text);
	}
	if (rc == 0 && json_is_object(result_of(reader.root)))
		json_print(&text, result_of(reader.root));
	else if (rc == 0)
		buf_puts(&text, "{}");
	if (rc == 0)
		rc = buf_ok(&text) ?
		    json_parse(out, buf_str(&text), text.len, err) :
		    no_memory(err);
	buf_free(&text);
	json_free(reader.root);
	return rc;
}
