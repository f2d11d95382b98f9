/* SPDX-License-Identifier: MIT */
#ifndef NET_HTTP_MSG_H
#define NET_HTTP_MSG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

struct err;

/*
 * Messages of HTTP/1.1 (RFC 9112): heads of requests, and answers; pure.  The
 * parser takes an answer in pieces of any size and holds hard limits: 64 KiB of
 * status line and headers (with 1xx answers, trailers and chunk extensions),
 * 100 headers, body_max bytes of body.  Lines end with CRLF, or with LF alone
 * as some proxies and test servers write them; folded headers are unfolded.
 */
enum { HTTP_MSG_HEAD_MAX = 64 * 1024, HTTP_MSG_HEADERS_MAX = 100 };

/* A token (RFC 9110, 5.6.2) is made of these. */
#define HTTP_MSG_TOKEN              \
	"!#$%&'*+-.^_`|~0123456789" \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct http_header {
	const char *name;
	const char *value;
};

enum { HTTP_MSG_REASON_SIZE = 64 };

/* What the headers of an answer say about the length of its body and the
 * connection behind it (RFC 9112, 6.3 and 9.3); pure.  Zero is an answer
 * without headers. */
struct http_frame {
	bool chunked;
	bool has_length;
	bool close, keep; /* words of the Connection headers */
	uint64_t length;
};

struct http_msg {
	int status;
	char reason[HTTP_MSG_REASON_SIZE]; /* printable; cut to this size */
	bool keep_alive; /* the connection may carry another request */
	bool complete;
	bool surplus;    /* bytes came behind it */
	bool started;    /* at least one byte has arrived */
	size_t body_max; /* bytes, set by http_msg_init() */
	bool upgrade;    /* 101 is an answer, and ends with its head; the caller
	                  * sets it after http_msg_init() */
	struct buf body;
	/* What follows belongs to http_msg.c. */
	struct buf head;
	struct buf line;
	struct {
		size_t name, value; /* where they begin in head */
	} fields[HTTP_MSG_HEADERS_MAX];
	size_t field_count;
	size_t head_len; /* bytes that count against HTTP_MSG_HEAD_MAX */
	int state;
	struct http_frame frame;
	bool old;     /* HTTP/1.0 */
	bool no_body; /* answer to CONNECT */
	size_t left;  /* bytes of the body or chunk still to come */
};

/* no_body: the answer ends with its head, whatever that says (CONNECT). */
void http_msg_init(struct http_msg *msg, size_t body_max, bool no_body);

/*
 * Take the next bytes; *used says how many belonged to this message (fewer
 * than len only once msg->complete).  1xx answers are skipped.
 */
int http_msg_feed(struct http_msg *msg, const char *data, size_t len,
    size_t *used, struct err *err);

/* The connection ended: completes a body without a length, else an error. */
int http_msg_end(struct http_msg *msg, struct err *err);

/* One of the field_count headers, in order; borrowed from msg. */
struct http_header http_msg_field(const struct http_msg *msg, size_t index);

/* The value of a header, any letter case; NULL when absent, the first one
 * when repeated. Borrowed from msg. */
const char *http_msg_header(const struct http_msg *msg, const char *name);

/* It can stand in a header: no control character but tabs, which may stand
 * for blanks (RFC 9110, 5.5). */
bool http_msg_is_text(struct slice text);

void http_msg_free(struct http_msg *msg);

/* A request head with Host, Content-Length and the given headers. A header
 * with a control character in it is refused (ERR_KIND_INVALID_VALUE). */
struct http_req {
	const char *method;
	const char *target; /* path or absolute form */
	const char *host;   /* value of the Host header */
	const struct http_header *headers;
	size_t header_count;
	const char *proxy_auth; /* Proxy-Authorization; NULL or "" = none */
	size_t body_len;
	bool has_length; /* send Content-Length (also for 0) */
};
int http_msg_format(const struct http_req *req, struct buf *out,
    struct err *err);

#endif
