#ifndef AWS_QUERY_H
#define AWS_QUERY_H

struct buf;

/*
 * The form of a request in the Query protocol (Smithy, "AWS query protocol"):
 * names and values percent-encoded, a blank as %20; pure.
 */

/* Append NAME=VALUE, after a '&' when the form has begun; nothing without a
 * value (NULL). */
void query_add(struct buf *form, const char *name, const char *value);

#endif
