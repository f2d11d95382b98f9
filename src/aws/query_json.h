#ifndef AWS_QUERY_JSON_H
#define AWS_QUERY_JSON_H

struct api_reply;
struct buf;
struct err;
struct json;

/*
 * The Query protocol's forms and answers as the JSON that `api` speaks for
 * every service; pure.
 */

/* The form of a flat object: its strings, numbers and booleans. */
int query_json_form(struct buf *form, const struct json *params,
    struct err *err);

/* The members of the result in an answer: text as strings, elements with
 * children as objects, those with "member" children as arrays. */
int query_json_answer(const struct api_reply *reply, struct json **out,
    struct err *err);

#endif
