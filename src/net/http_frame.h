#ifndef NET_HTTP_FRAME_H
#define NET_HTTP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

struct http_msg;

/* What the headers of an answer say about the length of its body and the
 * connection behind it (RFC 9112, 6.3 and 9.3); pure. */
struct http_frame {
	bool chunked;
	bool has_length;
	bool close, keep; /* words of the Connection headers */
	bool keep_alive;
	uint64_t length;
};

/* NULL, or what is malformed or ambiguous: the name of a header of msg, or a
 * static text. */
const char *http_frame_read(const struct http_msg *msg, struct http_frame *out);

#endif
