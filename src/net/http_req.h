#ifndef NET_HTTP_REQ_H
#define NET_HTTP_REQ_H

#include <stdbool.h>
#include <stddef.h>

#include "net/http_msg.h"

struct buf;
struct err;

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
int http_req_format(const struct http_req *req, struct buf *out,
    struct err *err);

#endif
