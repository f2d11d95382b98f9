#ifndef AWS_CANON_H
#define AWS_CANON_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buf;
struct err;

/*
 * Parts of a canonical request (AWS Signature Version 4, "Create a canonical
 * request"; where its text leaves room, as botocore does it); pure.
 */
enum { CANON_PAIRS_MAX = 64 };

/*
 * Headers or parameters in their canonical order: headers by name in lower
 * case, equal ones as they were added; parameters by the bytes of name and
 * value.  Zero is an empty list of headers.
 */
struct canon_list {
	struct canon_pair {
		struct slice name;
		struct slice value;
	} pairs[CANON_PAIRS_MAX];
	size_t count;
	bool parameters;
};

/* Put a pair in its place; more than CANON_PAIRS_MAX are refused. */
int canon_insert(struct canon_list *list, struct slice name, struct slice value,
    struct err *err);

/* The names of two headers are the same, whatever their letter case. */
bool canon_same(struct slice a, struct slice b);

/* Append the path without ".", ".." and empty segments, then percent-encoded
 * once more. */
void canon_path(struct buf *out, const char *path);

/* Append the parameters of a query, which is encoded already, in order.  NULL
 * is an empty query; one of more than CANON_PAIRS_MAX parameters is refused.
 */
int canon_query(struct buf *out, const char *query, struct err *err);

/* Append text percent-encoded: only A-Z a-z 0-9 - . _ ~ stay. */
void canon_encode(struct buf *out, struct slice text);

/* A-Z becomes a-z. */
char canon_lower(char c);

#endif
