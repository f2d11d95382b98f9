#ifndef AWS_CANON_H
#define AWS_CANON_H

struct buf;
struct err;
struct slice;

/*
 * Path and query of a canonical request (AWS Signature Version 4, "Create a
 * canonical request"; where its text leaves room, as botocore does it); pure.
 */

/* Append the path without ".", ".." and empty segments, then percent-encoded
 * once more. */
void canon_path(struct buf *out, const char *path);

/* Append the parameters of a query, which is encoded already, in order.  NULL
 * is an empty query; one of more than 64 parameters is refused. */
int canon_query(struct buf *out, const char *query, struct err *err);

/* Append text percent-encoded: only A-Z a-z 0-9 - . _ ~ stay. */
void canon_encode(struct buf *out, struct slice text);

#endif
