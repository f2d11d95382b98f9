#ifndef NET_HTTP_FRAME_H
#define NET_HTTP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_msg;

/* What the headers of an answer say about the length of its body and the
 * connection behind it (RFC 9112, 6.3 and 9.3); pure. */
struct http_frame {
	bool chunked;
	bool has_length;
	bool keep_alive;
	uint64_t length;
};

/* Fails (ERR_KIND_PARSE) when the length is malformed or ambiguous. */
int http_frame_read(const struct http_msg *msg, struct http_frame *out,
    struct err *err);

#endif
