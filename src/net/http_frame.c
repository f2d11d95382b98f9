#include "net/http_frame.h"

static void
add_connection(struct http_frame *frame, struct slice value)
{
	struct slice item;

	while (slice_cut(&value, ',', &item)) {
		item = slice_trim(item);
		if (slice_eq_nocase(item, "close"))
			frame->close = true;
		if (slice_eq_nocase(item, "keep-alive"))
			frame->keep = true;
	}
}

static const char *
add_length(struct http_frame *frame, struct slice value)
{
	uint64_t length = 0;

	if (!slice_u64(value, INT64_MAX, &length) ||
	    (frame->has_length && frame->length != length))
		return "Content-Length";
	frame->has_length = true;
	frame->length = length;
	return NULL;
}

const char *
http_frame_add(struct http_frame *frame, struct slice name, struct slice value)
{
	if (slice_eq_nocase(name, "connection"))
		add_connection(frame, value);
	if (slice_eq_nocase(name, "content-length"))
		return add_length(frame, value);
	if (slice_eq_nocase(name, "transfer-encoding")) {
		if (frame->chunked || !slice_eq_nocase(value, "chunked"))
			return "Transfer-Encoding";
		frame->chunked = true;
	}
	return NULL;
}
