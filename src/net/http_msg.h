#ifndef NET_HTTP_MSG_H
#define NET_HTTP_MSG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;

/*
 * HTTP/1.1 messages (RFC 9112); pure.  The parser takes a response in pieces
 * of any size and holds hard limits: 64 KiB of status line and headers, 100
 * headers, body_max bytes of body.
 */
enum { HTTP_MSG_HEAD_MAX = 64 * 1024, HTTP_MSG_HEADERS_MAX = 100 };

struct http_header {
	const char *name;
	const char *value;
};

/* A request head with Host, Content-Length and the given headers. A header
 * with a control character in it is refused (ERR_KIND_INVALID_VALUE). */
struct http_msg_request {
	const char *method;
	const char *target; /* path or absolute form */
	const char *host;   /* value of the Host header */
	const struct http_header *headers;
	size_t header_count;
	size_t body_len;
	bool has_length; /* send Content-Length (also for 0) */
};
int http_msg_format(const struct http_msg_request *req, struct buf *out,
    struct err *err);

struct http_msg {
	int status;
	bool keep_alive; /* the connection may carry another request */
	bool complete;
	bool started;	 /* at least one byte has arrived */
	size_t body_max; /* bytes, set by http_msg_init() */
	struct buf body;
	/* What follows belongs to http_msg.c. */
	struct buf head;
	struct buf line;
	struct {
		size_t name, name_len, value, value_len;
	} fields[HTTP_MSG_HEADERS_MAX];
	size_t field_count;
	int state;
	bool no_body; /* answer to HEAD or CONNECT */
	bool chunked, has_length;
	size_t left; /* bytes of the body or chunk still to come */
};

/* no_body: whatever the headers say, none follows a 2xx (CONNECT). */
void http_msg_init(struct http_msg *msg, size_t body_max, bool no_body);

/*
 * Take the next bytes; *used says how many belonged to this message (fewer
 * than len only once msg->complete).  1xx answers are skipped.
 */
int http_msg_feed(struct http_msg *msg, const char *data, size_t len,
    size_t *used, struct err *err);

/* The connection ended: completes a body without a length, else an error. */
int http_msg_end(struct http_msg *msg, struct err *err);

/* The value of a header, any letter case; NULL when absent, the first one
 * when repeated. Borrowed from msg. */
const char *http_msg_header(const struct http_msg *msg, const char *name);

void http_msg_free(struct http_msg *msg);

#endif
