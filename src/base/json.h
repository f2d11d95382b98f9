/* SPDX-License-Identifier: MIT */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/*
 * JSON values (RFC 8259) over cJSON: nesting up to 32, memory wiped when it is
 * freed.  Reading functions take any value, NULL too, and answer NULL or
 * false when the member is absent or of another type, so that paths can be
 * chained: json_text(json_get(doc, "Credentials"), "AccessKeyId").
 */
struct json;

enum { JSON_DEPTH_MAX = 32 };

/* Bytes that all documents of a process take at most. */
enum { JSON_MEMORY_MAX = 20 * 1024 * 1024 };

/*
 * Parse one complete value; anything but white space after it is an error,
 * and so are bytes that are not UTF-8, a byte order mark, and an escaped NUL,
 * which would cut a string short, and more values than JSON_MEMORY_MAX has
 * room for.  The caller bounds len.
 */
int json_parse(struct json **out, const char *text, size_t len,
    struct err *err);
void json_free(struct json *doc);

/*
 * Reading.  Everything is borrowed from the document.  Names are compared
 * with letter case; of members of the same name the first counts.  A number
 * is finite.  json_as_* and json_string look at the value itself.
 */
const struct json *json_get(const struct json *obj, const char *key);
/* The same, but letter case does not count. */
const struct json *json_find(const struct json *obj, const char *key);
const char *json_text(const struct json *obj, const char *key);
bool json_number(const struct json *obj, const char *key, double *out);
bool json_bool(const struct json *obj, const char *key, bool *out);
bool json_as_number(const struct json *value, double *out);
bool json_as_bool(const struct json *value, bool *out);
bool json_is_null(const struct json *value);
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
const char *json_string(const struct json *value);
const char *json_name(const struct json *member); /* its key, or NULL */
const struct json *json_first(const struct json *list);
const struct json *json_next(const struct json *item);

/*
 * Writing.  Put a new member into an object, in place of all members of the
 * same name, or an element into an array (key NULL): 0, or -1 without memory
 * or when "to" is of another type.  The value belongs to the document
 * afterwards, also when -1 is given.
 */
int json_add(struct json *to, const char *key, struct json *value);
/* The same for a member that is not looked for first: of members of the same
 * name the first counts. */
int json_append(struct json *to, const char *key, struct json *value);
/* A new value: '{' an empty object, '[' an empty array, '"' the text, which
 * must be UTF-8.  NULL without memory. */
struct json *json_new(char kind, const char *text);
/* Take the member of that name out of the object, for the caller to free; NULL
 * if there is none. */
struct json *json_detach(struct json *obj, const char *key);
/* The object member of that name, made when absent; NULL if it is something
 * else or without memory. */
struct json *json_object_in(struct json *obj, const char *key);

/*
 * Append the value as text, without white space (pretty: in lines, indented by
 * tabs).  Integers up to 2^53 are printed exactly; a number that is not finite
 * becomes null.  -1 when it does not fit or there is no memory; out has failed
 * then and holds what it held before.
 */
int json_print(struct buf *out, const struct json *value);
int json_print_pretty(struct buf *out, const struct json *value);

/* Append JSON text with what a terminal would obey inside of its strings
 * escaped. */
void json_escape(struct buf *out, const char *text);

/* Append text as a JSON string with its quotes; bytes that are not UTF-8
 * become U+FFFD.  For writers that may not allocate, see log.c. */
void json_quote(struct buf *out, const char *text);

/*
 * Append the template with its places filled in: % a text as a JSON string
 * (NULL: null), # a long long, ? a bool, @ a text as it stands, which must be
 * JSON already.  For documents of a fixed shape; what buf_ok() says counts.
 */
void json_write(struct buf *out, const char *template, ...);

#endif
