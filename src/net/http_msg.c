#include "net/http_msg.h"

#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/http_frame.h"

enum { CHUNK_LINE_MAX = 1024 };

enum state {
	STATUS_LINE,
	FIELDS,
	BODY,        /* of a known length */
	BODY_TO_END, /* of the connection */
	CHUNK_LINE,
	CHUNK_DATA,
	CHUNK_END, /* the CRLF behind a chunk */
	TRAILERS,
	DONE,
	BROKEN,
};

/* A token (RFC 9110, 5.6.2) is made of these. */
#define TOKEN_CHARS                 \
	"!#$%&'*+-.^_`|~0123456789" \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* No control character but tabs, which may stand for blanks (RFC 9110, 5.5). */
static bool
is_field_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int
malformed(struct err *err, const char *what)
{
	return err_set(err, ERR_KIND_PARSE, "malformed HTTP answer: %s", what);
}

/* HTTP/1.1 200 and maybe a reason (RFC 9112, 4) */
static int
take_status(struct http_msg *msg, struct slice line, struct err *err)
{
	struct slice version = slice_head(line, 9);
	struct slice reason = slice_skip(line, 12);
	uint64_t status = 0;

	msg->old = slice_eq(version, "HTTP/1.0 ");
	if (!msg->old && !slice_eq(version, "HTTP/1.1 "))
		return malformed(err, "it does not begin with HTTP/1.1");
	if (slice_skip(line, 9).len < 3 ||
	    !slice_u64(slice_head(slice_skip(line, 9), 3), 999, &status) ||
	    status < 100 || (reason.len > 0 && reason.ptr[0] != ' ') ||
	    !is_field_text(reason))
		return malformed(err, "status line");
	msg->status = (int)status;
	reason = slice_trim(reason);
	err_clean(msg->reason, sizeof msg->reason,
	    reason.len > 0 ? reason.ptr : "", reason.len);
	msg->state = FIELDS;
	return 0;
}

/* Split "name: value"; a line that begins with a blank, which once went on
 * with the value before it, has no valid name. */
static int
split_field(struct slice line, struct slice *name, struct slice *value,
    struct err *err)
{
	if (!slice_split(line, ':', name, value) ||
	    !slice_all_in(*name, TOKEN_CHARS))
		return malformed(err, "name of a header");
	if (!is_field_text(*value))
		return malformed(err, "control character in a header");
	*value = slice_trim(*value);
	return 0;
}

static int
take_field(struct http_msg *msg, struct slice line, struct err *err)
{
	struct slice name = { 0 }, value = { 0 };

	if (split_field(line, &name, &value, err) != 0)
		return -1;
	if (msg->field_count == HTTP_MSG_HEADERS_MAX)
		return malformed(err, "more than 100 headers");
	msg->fields[msg->field_count].name = msg->head.len;
	buf_add(&msg->head, name.ptr, name.len);
	buf_putc(&msg->head, '\0');
	msg->fields[msg->field_count].value = msg->head.len;
	buf_add(&msg->head, value.ptr, value.len);
	buf_putc(&msg->head, '\0');
	if (!buf_ok(&msg->head))
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	msg->field_count++;
	return 0;
}

static void
finish(struct http_msg *msg)
{
	msg->state = DONE;
	msg->complete = true;
}

static int
too_large(const struct http_msg *msg, struct err *err)
{
	return err_set(err, ERR_KIND_PARSE,
	    "the body of the answer is larger than %zu bytes", msg->body_max);
}

/* A 1xx answer announces the real one (RFC 9110, 15.2). */
static int
skip_interim(struct http_msg *msg, struct err *err)
{
	if (msg->status == 101)
		return malformed(err, "a change of protocol");
	buf_cut(&msg->head, 0);
	msg->field_count = 0;
	msg->state = STATUS_LINE;
	return 0;
}

/* How the body comes (RFC 9112, 6.3). */
static int
start_body(struct http_msg *msg, const struct http_frame *frame,
    struct err *err)
{
	if (frame->chunked) {
		msg->state = CHUNK_LINE;
	} else if (!frame->has_length) {
		msg->keep_alive = false;
		msg->state = BODY_TO_END;
	} else if (frame->length > msg->body_max) {
		return too_large(msg, err);
	} else {
		msg->left = (size_t)frame->length;
		msg->state = BODY;
	}
	return 0;
}

/* The empty line after the headers. */
static int
end_head(struct http_msg *msg, struct err *err)
{
	struct http_frame frame = { 0 };
	bool empty = msg->no_body || msg->status == 204 || msg->status == 304;

	if (msg->status < 200)
		return skip_interim(msg, err);
	/* Lengths mean nothing in front of a tunnel (RFC 9110, 9.3.6). */
	if (!msg->no_body && http_frame_read(msg, &frame, err) != 0)
		return -1;
	msg->keep_alive = frame.keep_alive;
	if (!empty && start_body(msg, &frame, err) != 0)
		return -1;
	if (empty || (msg->state == BODY && msg->left == 0))
		finish(msg);
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The size in hexadecimal, then nothing or ";" and extensions, which count
 * as part of the head so that they are bounded. */
static int
take_chunk_line(struct http_msg *msg, struct slice line, struct err *err)
{
	size_t room = msg->body_max - msg->body.len;
	size_t size = 0, digits = 0;
	struct slice extension;

	for (; digits < line.len; digits++) {
		int digit = hex_digit(line.ptr[digits]);

		if (digit < 0)
			break;
		if (size > room / 16 || size * 16 + (size_t)digit > room)
			return too_large(msg, err);
		size = size * 16 + (size_t)digit;
	}
	extension = slice_trim(slice_skip(line, digits));
	if (digits == 0 || !is_field_text(extension) ||
	    (extension.len > 0 && extension.ptr[0] != ';'))
		return malformed(err, "size of a chunk");
	msg->head_len += extension.len;
	if (msg->head_len > HTTP_MSG_HEAD_MAX)
		return malformed(err, "too many chunk extensions");
	msg->left = size;
	msg->state = size > 0 ? CHUNK_DATA : TRAILERS;
	return 0;
}

static int
take_trailer(struct http_msg *msg, struct slice line, struct err *err)
{
	struct slice name = { 0 }, value = { 0 };

	if (line.len > 0)
		return split_field(line, &name, &value, err);
	finish(msg);
	return 0;
}

static int
end_chunk(struct http_msg *msg, struct slice line, struct err *err)
{
	if (line.len > 0)
		return malformed(err, "no line end behind a chunk");
	msg->state = CHUNK_LINE;
	return 0;
}

/* A whole line, without its CRLF. */
static int
take_line(struct http_msg *msg, struct slice line, struct err *err)
{
	switch (msg->state) {
	case STATUS_LINE:
		return take_status(msg, line, err);
	case FIELDS:
		return line.len > 0 ? take_field(msg, line, err)
		                    : end_head(msg, err);
	case CHUNK_LINE:
		return take_chunk_line(msg, line, err);
	case CHUNK_END:
		return end_chunk(msg, line, err);
	default:
		return take_trailer(msg, line, err);
	}
}

/* More bytes of a line: does it stay within the limits? */
static int
count_line(struct http_msg *msg, size_t len, struct err *err)
{
	if (msg->state == CHUNK_LINE || msg->state == CHUNK_END) {
		if (msg->line.len + len > CHUNK_LINE_MAX)
			return malformed(err, "line between chunks too long");
		return 0;
	}
	if (len > HTTP_MSG_HEAD_MAX - msg->head_len)
		return malformed(err, "more than 64 KiB of headers");
	msg->head_len += len;
	return 0;
}

static int
feed_line(struct http_msg *msg, struct slice *rest, struct err *err)
{
	struct slice piece = *rest, tail = { 0 };
	bool whole = slice_split(*rest, '\n', &piece, &tail);
	struct slice line;
	int rc;

	if (count_line(msg, piece.len + (whole ? 1 : 0), err) != 0)
		return -1;
	buf_add(&msg->line, piece.ptr, piece.len);
	if (!buf_ok(&msg->line))
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	*rest = tail;
	if (!whole)
		return 0;
	line = slice_make(msg->line.data, msg->line.len);
	if (!slice_ends(line, "\r"))
		return malformed(err, "a line that does not end with CRLF");
	rc = take_line(msg, slice_head(line, line.len - 1), err);
	buf_cut(&msg->line, 0);
	return rc;
}

static int
feed_body(struct http_msg *msg, struct slice *rest, struct err *err)
{
	bool to_end = msg->state == BODY_TO_END;
	struct slice piece = to_end ? *rest : slice_head(*rest, msg->left);

	if (piece.len > msg->body_max - msg->body.len)
		return too_large(msg, err);
	buf_add(&msg->body, piece.ptr, piece.len);
	if (!buf_ok(&msg->body))
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	*rest = slice_skip(*rest, piece.len);
	if (to_end)
		return 0;
	msg->left -= piece.len;
	if (msg->left == 0 && msg->state == CHUNK_DATA)
		msg->state = CHUNK_END;
	else if (msg->left == 0)
		finish(msg);
	return 0;
}

static bool
in_body(const struct http_msg *msg)
{
	return msg->state == BODY || msg->state == BODY_TO_END ||
	       msg->state == CHUNK_DATA;
}

void
http_msg_init(struct http_msg *msg, size_t body_max, bool no_body)
{
	*msg = (struct http_msg){ .body_max = body_max, .no_body = no_body };
	/* 0 would stand for the default; nothing is added then. */
	msg->body.max = body_max > 0 ? body_max : 1;
	msg->head.max = HTTP_MSG_HEAD_MAX;
	msg->line.max = HTTP_MSG_HEAD_MAX;
}

int
http_msg_feed(struct http_msg *msg, const char *data, size_t len, size_t *used,
    struct err *err)
{
	struct slice rest = slice_make(data, len);

	if (msg->state == BROKEN)
		return malformed(err, "bytes after an error");
	if (len > 0)
		msg->started = true;
	while (rest.len > 0 && !msg->complete) {
		int rc = in_body(msg) ? feed_body(msg, &rest, err)
		                      : feed_line(msg, &rest, err);

		if (rc != 0) {
			msg->state = BROKEN;
			return -1;
		}
	}
	*used = len - rest.len;
	return 0;
}

int
http_msg_end(struct http_msg *msg, struct err *err)
{
	if (msg->state == BODY_TO_END)
		finish(msg);
	if (msg->complete)
		return 0;
	(void)err_set(err, ERR_KIND_CONNECTION,
	    msg->started ? "the connection ended in the middle of the answer"
	                 : "the connection was closed without an answer");
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

struct http_header
http_msg_field(const struct http_msg *msg, size_t index)
{
	return (struct http_header){
		.name = &msg->head.data[msg->fields[index].name],
		.value = &msg->head.data[msg->fields[index].value],
	};
}

const char *
http_msg_header(const struct http_msg *msg, const char *name)
{
	for (size_t i = 0; i < msg->field_count; i++) {
		struct http_header field = http_msg_field(msg, i);

		if (slice_eq_nocase(slice_of(field.name), name))
			return field.value;
	}
	return NULL;
}

void
http_msg_free(struct http_msg *msg)
{
	buf_free(&msg->body);
	buf_free(&msg->head);
	buf_free(&msg->line);
	*msg = (struct http_msg){ 0 };
}
