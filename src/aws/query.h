#ifndef AWS_QUERY_H
#define AWS_QUERY_H

struct buf;
struct json;

/*
 * The form of a request in the Query protocol (Smithy, "AWS query protocol"):
 * names and values percent-encoded, a blank as %20; and its answers, as
 * xml_parse() gives them.  Pure.
 */

/* Append NAME=VALUE, after a '&' when the form has begun; nothing without a
 * value (NULL). */
void query_add(struct buf *form, const char *name, const char *value);

/* <OperationResponse><OperationResult>…</OperationResult>…: the result, or
 * NULL. */
const struct json *query_result(const struct json *doc);

#endif
