#include "net/http_frame.h"

#include "base/err.h"
#include "base/slice.h"
#include "net/http_msg.h"

static int
malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_KIND_PARSE, "malformed HTTP answer: %s", what);
}

/* The word is in one of the Connection headers. */
static bool
connection_says(const struct http_msg *msg, const char *word)
{
	struct slice rest, item = { 0 };

	for (size_t i = 0; i < msg->field_count; i++) {
		struct http_header field = http_msg_field(msg, i);

		if (!slice_eq_nocase(slice_of(field.name), "connection"))
			continue;
		rest = slice_of(field.value);
		while (slice_cut(&rest, ',', &item)) {
			if (slice_eq_nocase(slice_trim(item), word))
				return true;
		}
	}
	return false;
}

static int
add_length(struct http_frame *frame, struct slice value, struct err *err)
{
	uint64_t length = 0;

	if (!slice_u64(value, INT64_MAX, &length))
		return malformed(err, "Content-Length");
	if (frame->has_length && frame->length != length)
		return malformed(err, "two different Content-Length headers");
	frame->has_length = true;
	frame->length = length;
	return 0;
}

static int
add_coding(struct http_frame *frame, struct slice value, struct err *err)
{
	if (frame->chunked || !slice_eq_nocase(value, "chunked"))
		return malformed(err, "Transfer-Encoding other than chunked");
	frame->chunked = true;
	return 0;
}

static int
add_field(struct http_frame *frame, struct http_header field, struct err *err)
{
	struct slice name = slice_of(field.name);

	if (slice_eq_nocase(name, "content-length"))
		return add_length(frame, slice_of(field.value), err);
	if (slice_eq_nocase(name, "transfer-encoding"))
		return add_coding(frame, slice_of(field.value), err);
	return 0;
}

int
http_frame_read(const struct http_msg *msg, struct http_frame *out,
    struct err *err)
{
	struct http_frame frame = { 0 };

	for (size_t i = 0; i < msg->field_count; i++) {
		if (add_field(&frame, http_msg_field(msg, i), err) != 0)
			return -1;
	}
	/* Whoever sends both may want two readers to disagree. */
	if (frame.chunked && (frame.has_length || msg->old))
		return malformed(err, "ambiguous length of the body");
	frame.keep_alive = !connection_says(msg, "close") &&
	                   (!msg->old || connection_says(msg, "keep-alive"));
	*out = frame;
	return 0;
}
