#include "net/http_frame.h"

#include "base/slice.h"
#include "net/http_msg.h"

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

/* False for a field that is malformed or does not go with those before. */
static bool
add_field(struct http_frame *frame, struct slice name, struct slice value)
{
	uint64_t length = 0;

	if (slice_eq_nocase(name, "connection"))
		add_connection(frame, value);
	if (slice_eq_nocase(name, "content-length")) {
		if (!slice_u64(value, INT64_MAX, &length) ||
		    (frame->has_length && frame->length != length))
			return false;
		frame->has_length = true;
		frame->length = length;
	}
	if (slice_eq_nocase(name, "transfer-encoding")) {
		if (frame->chunked || !slice_eq_nocase(value, "chunked"))
			return false;
		frame->chunked = true;
	}
	return true;
}

const char *
http_frame_read(const struct http_msg *msg, struct http_frame *out)
{
	struct http_frame frame = { 0 };

	for (size_t i = 0; i < msg->field_count; i++) {
		struct http_header field = http_msg_field(msg, i);

		if (!add_field(&frame, slice_of(field.name),
		        slice_of(field.value)))
			return field.name;
	}
	/* Whoever sends both may want two readers to disagree. */
	if (frame.chunked && (frame.has_length || msg->old))
		return "two lengths of the body";
	frame.keep_alive = !frame.close && (!msg->old || frame.keep);
	*out = frame;
	return NULL;
}
