#ifndef AWS_QUERY_H
#define AWS_QUERY_H

struct api_reply;
struct buf;
struct err;
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

/*
 * The same forms and answers as the JSON that `api` speaks for every service.
 */

/* The form of a flat object: its strings, numbers and booleans. */
int query_form(struct buf *form, const struct json *params, struct err *err);

/* The members of the result in an answer: text as strings, elements with
 * children as objects, those with "member" children as arrays. */
int query_answer(const struct api_reply *reply, struct json **out,
    struct err *err);

#endif
