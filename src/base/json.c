/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* In front of every block of cJSON's: how much to wipe when it is freed. */
struct header {
	_Alignas(max_align_t) size_t size;
};

/* A short text can be a million values: what all documents take, with what the
 * C library adds to a block. */
enum { BLOCK_COST = 32 };
static size_t taken;
static bool exhausted;

static size_t
cost(size_t size)
{
	return size + BLOCK_COST;
}

static void *
block_alloc(size_t size)
{
	struct header *block = NULL;

	exhausted =
	    size > JSON_MEMORY_MAX || cost(size) > JSON_MEMORY_MAX - taken;
	if (!exhausted)
		block = malloc(sizeof *block + size);
	if (block == NULL)
		return NULL;
	taken += cost(size);
	block->size = size;
	return &block[1];
}

static void
block_free(void *data)
{
	struct header *end = data;

	if (data == NULL)
		return;
	taken -= cost(end[-1].size);
	explicit_bzero(data, end[-1].size);
	free(&end[-1]);
}

static void
install_hooks(void)
{
	static bool installed;
	cJSON_Hooks hooks = { .malloc_fn = block_alloc, .free_fn = block_free };

	if (!installed)
		cJSON_InitHooks(&hooks);
	installed = true;
}

/* struct json is cJSON's type by another name, so that no header of ours has
 * to show it. */
static cJSON *
inner(struct json *value)
{
	return (void *)value;
}

static const cJSON *
look(const struct json *value)
{
	return (const void *)value;
}

static struct json *
outer(cJSON *value)
{
	return (void *)value;
}

static const struct json *
show(const cJSON *value)
{
	return (const void *)value;
}

/* Of one of cJSON's types; NULL is of none. */
static bool
is_a(const struct json *value, int types)
{
	return value != NULL && (look(value)->type & types) != 0;
}

/* The rest of a string behind its opening quote; what is wrong, or NULL. */
static const char *
scan_string(struct slice *rest)
{
	while (rest->len > 0) {
		unsigned char c = (unsigned char)rest->ptr[0];

		if (c < ' ')
			return "a control character in a string";
		if (slice_starts(*rest, "\\u0000"))
			return "an escaped NUL";
		*rest = slice_skip(*rest, c == '\\' ? 2 : 1);
		if (c == '"')
			return NULL;
	}
	return "a string without end";
}

/*
 * What cJSON takes but we do not: too much depth, a NUL, bytes that are not
 * UTF-8, control characters for blanks.
 */
static const char *
scan(struct slice rest)
{
	struct slice outside = slice_of(" \t\r\n,:+-.0123456789Eaeflnrstu");
	size_t depth = 0;
	const char *wrong = NULL;

	if (!slice_utf8(rest))
		return "not UTF-8";
	while (rest.len > 0 && wrong == NULL) {
		char c = rest.ptr[0];

		rest = slice_skip(rest, 1);
		if (c == '"')
			wrong = scan_string(&rest);
		else if (c == '[' || c == '{')
			depth++;
		else if (c == ']' || c == '}')
			depth -= depth > 0;
		else if (!slice_has(outside, c))
			wrong = "an unexpected character";
		if (depth > JSON_DEPTH_MAX)
			wrong = "nested too deeply";
	}
	return wrong;
}

int
json_parse(struct json **out, const char *text, size_t len, struct err *err)
{
	struct slice whole = slice_make(text, len);
	const char *wrong = scan(whole);
	const char *end = NULL;
	cJSON *doc = NULL;

	install_hooks();
	exhausted = false;
	if (wrong != NULL)
		return err_set(err, ERR_KIND_PARSE, "bad JSON: %s", wrong);
	if (len > 0)
		doc = cJSON_ParseWithLengthOpts(text, len, &end, 0);
	if (doc == NULL)
		return err_set(err, ERR_KIND_PARSE, "bad JSON: %s",
		    exhausted ? "too many values" : "not a value");
	whole = slice_skip(whole, (size_t)(end - text));
	if (whole.len > 0 && !slice_all_in(whole, " \t\r\n")) {
		cJSON_Delete(doc);
		return err_set(err, ERR_KIND_PARSE,
		    "bad JSON: something behind the value");
	}
	*out = outer(doc);
	return 0;
}

void
json_free(struct json *doc)
{
	cJSON_Delete(inner(doc));
}

const struct json *
json_get(const struct json *obj, const char *key)
{
	if (!json_is_object(obj))
		return NULL;
	return show(cJSON_GetObjectItemCaseSensitive(look(obj), key));
}

const struct json *
json_find(const struct json *obj, const char *key)
{
	if (!json_is_object(obj))
		return NULL;
	return show(cJSON_GetObjectItem(look(obj), key));
}

const char *
json_text(const struct json *obj, const char *key)
{
	return json_string(json_get(obj, key));
}

bool
json_number(const struct json *obj, const char *key, double *out)
{
	return json_as_number(json_get(obj, key), out);
}

bool
json_bool(const struct json *obj, const char *key, bool *out)
{
	return json_as_bool(json_get(obj, key), out);
}

bool
json_as_number(const struct json *value, double *out)
{
	/* 1e999 is read as infinite. */
	if (!is_a(value, cJSON_Number) || !isfinite(look(value)->valuedouble))
		return false;
	*out = look(value)->valuedouble;
	return true;
}

bool
json_as_bool(const struct json *value, bool *out)
{
	if (!is_a(value, cJSON_True | cJSON_False))
		return false;
	*out = is_a(value, cJSON_True);
	return true;
}

bool
json_is_null(const struct json *value)
{
	return is_a(value, cJSON_NULL);
}

bool
json_is_object(const struct json *value)
{
	return is_a(value, cJSON_Object);
}

bool
json_is_array(const struct json *value)
{
	return is_a(value, cJSON_Array);
}

const char *
json_string(const struct json *value)
{
	return is_a(value, cJSON_String) ? look(value)->valuestring : NULL;
}

const char *
json_name(const struct json *member)
{
	return member != NULL ? look(member)->string : NULL;
}

const struct json *
json_first(const struct json *list)
{
	if (!json_is_object(list) && !json_is_array(list))
		return NULL;
	return show(look(list)->child);
}

const struct json *
json_next(const struct json *item)
{
	return item != NULL ? show(look(item)->next) : NULL;
}

/* Members of the same name behind the first are never seen by json_get();
 * whoever reads what we print must not see them either. */
static void
drop_twins(cJSON *obj, const cJSON *first)
{
	cJSON *next = first->next;

	while (next != NULL) {
		cJSON *item = next;

		next = item->next;
		if (strcmp(item->string, first->string) == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(obj, item));
	}
}

static bool
replace_member(cJSON *obj, cJSON *old, const char *key, cJSON *value)
{
	drop_twins(obj, old);
	if (!cJSON_ReplaceItemInObjectCaseSensitive(obj, key, value))
		return false;
	/* Without memory for its name it is in there all the same. */
	if (value->string == NULL)
		cJSON_DetachItemViaPointer(obj, value);
	return value->string != NULL;
}

int
json_append(struct json *to, const char *key, struct json *value)
{
	bool done = false;

	if (key != NULL && json_is_object(to))
		done = cJSON_AddItemToObject(inner(to), key, inner(value));
	else if (key == NULL && json_is_array(to))
		done = cJSON_AddItemToArray(inner(to), inner(value));
	if (!done)
		json_free(value);
	return done ? 0 : -1;
}

int
json_add(struct json *to, const char *key, struct json *value)
{
	cJSON *old = NULL;

	if (value != NULL && key != NULL && json_is_object(to))
		old = cJSON_GetObjectItemCaseSensitive(inner(to), key);
	if (old == NULL)
		return json_append(to, key, value);
	if (replace_member(inner(to), old, key, inner(value)))
		return 0;
	json_free(value);
	return -1;
}

struct json *
json_new(char kind, const char *text)
{
	install_hooks();
	if (kind == '"')
		return outer(cJSON_CreateString(text));
	return outer(kind == '{' ? cJSON_CreateObject() : cJSON_CreateArray());
}

struct json *
json_detach(struct json *obj, const char *key)
{
	return outer(cJSON_DetachItemFromObjectCaseSensitive(inner(obj), key));
}

struct json *
json_object_in(struct json *obj, const char *key)
{
	cJSON *item;

	if (!json_is_object(obj))
		return NULL;
	item = cJSON_GetObjectItemCaseSensitive(inner(obj), key);
	if (item == NULL) {
		if (json_add(obj, key, outer(cJSON_CreateObject())) != 0)
			return NULL;
		item = cJSON_GetObjectItemCaseSensitive(inner(obj), key);
	}
	drop_twins(inner(obj), item);
	return cJSON_IsObject(item) ? outer(item) : NULL;
}

static int
print(struct buf *out, const struct json *value, bool pretty)
{
	size_t start = out->len;
	char *text = NULL;

	install_hooks();
	if (value != NULL)
		text = pretty ? cJSON_Print(look(value))
		              : cJSON_PrintUnformatted(look(value));
	if (text == NULL) {
		out->failed = true;
		return -1;
	}
	json_escape(out, text);
	cJSON_free(text);
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

/* The character that the text begins with, cut off. */
static void
quote_next(struct buf *out, struct slice *rest)
{
	uint32_t code = 0;
	size_t len = slice_character(*rest, &code);

	if (len == 0)
		buf_puts(out, "\xef\xbf\xbd");
	else if (code == '"' || code == '\\')
		buf_printf(out, "\\%c", (char)code);
	else if (code == '\n')
		buf_puts(out, "\\n");
	else if (code == '\t')
		buf_puts(out, "\\t");
	else if (slice_printable(*rest) == 0)
		buf_printf(out, "\\u%04x", (unsigned)code);
	else
		buf_add(out, rest->ptr, len);
	*rest = slice_skip(*rest, len > 0 ? len : 1);
}

void
json_quote(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text);

	buf_putc(out, '"');
	while (rest.len > 0 && !out->failed)
		quote_next(out, &rest);
	buf_putc(out, '"');
}

void
json_escape(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text);

	while (rest.len > 0 && !out->failed) {
		unsigned char c = (unsigned char)rest.ptr[0];

		/* Quotes are no part of a string, and neither are blanks of a
		 * pretty text. */
		if (c < 0x7f) {
			buf_putc(out, (char)c);
			rest = slice_skip(rest, 1);
		} else {
			quote_next(out, &rest);
		}
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
