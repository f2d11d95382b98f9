#ifndef NET_HTTP_FRAME_H
#define NET_HTTP_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* What the headers of an answer say about the length of its body and the
 * connection behind it (RFC 9112, 6.3 and 9.3); pure.  Zero is an answer
 * without headers. */
struct http_frame {
	bool chunked;
	bool has_length;
	bool close, keep; /* words of the Connection headers */
	uint64_t length;
};

/* Take a header; NULL, or what is malformed or ambiguous in it, a static
 * text. */
const char *http_frame_add(struct http_frame *frame, struct slice name,
    struct slice value);

#endif
