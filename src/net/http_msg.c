/* SPDX-License-Identifier: MIT */
#include "net/http_msg.h"

#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "net/url.h"

enum { CHUNK_LINE_MAX = 1024 };

enum state {
	STATUS_LINE,
	FIELDS,
	BODY,        /* of a known length */
	BODY_TO_END, /* of the connection */
	CHUNK_LINE,
	CHUNK_DATA,
	CHUNK_END, /* the line end behind a chunk */
	TRAILERS,
	DONE,
	BROKEN,
};

bool
http_msg_is_text(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* This and the functions below that give a text give NULL when all is well,
 * else what is malformed. */

/* HTTP/1.1 200 and maybe a reason (RFC 9112, 4) */
static const char *
take_status(struct http_msg *msg, struct slice line)
{
	struct slice version = slice_head(line, 9);
	struct slice status = slice_skip(line, 9);
	struct slice reason = slice_skip(status, 3);
	uint64_t number = 0;

	msg->old = slice_eq(version, "HTTP/1.0 ");
	if (!msg->old && !slice_eq(version, "HTTP/1.1 "))
		return "it does not begin with HTTP/1.1";
	if (!slice_u64(slice_head(status, 3), 999, &number) || number < 100 ||
	    (reason.len > 0 && !slice_starts(reason, " ")) ||
	    !http_msg_is_text(reason))
		return "status line";
	msg->status = (int)number;
	reason = slice_trim(reason);
	err_clean(msg->reason, sizeof msg->reason, reason.ptr, reason.len);
	msg->state = FIELDS;
	return NULL;
}

/* Append the text with a NUL; where it begins. */
static size_t
keep_text(struct buf *head, struct slice text)
{
	size_t at = head->len;

	buf_add(head, text.ptr, text.len);
	buf_putc(head, '\0');
	return at;
}

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

/* Take a header; NULL, or what is malformed or ambiguous in it, a static
 * text. */
static const char *
add_to_frame(struct http_frame *frame, struct slice name, struct slice value)
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

/* A line that begins with a blank goes on with the value before it, if there
 * is one; one blank takes the place of the line end (RFC 9112, 5.2). */
static const char *
unfold(struct http_msg *msg, struct slice line)
{
	struct slice more = slice_trim(line);

	if (!http_msg_is_text(line) ||
	    (msg->state == FIELDS && msg->field_count == 0))
		return "header";
	if (msg->state == TRAILERS || more.len == 0)
		return NULL;
	buf_cut(&msg->head, msg->head.len - 1);
	if (msg->head.len > msg->fields[msg->field_count - 1].value)
		buf_putc(&msg->head, ' ');
	keep_text(&msg->head, more);
	return NULL;
}

/* "name: value".  Trailers are not kept. */
static const char *
take_field(struct http_msg *msg, struct slice line)
{
	struct slice name = { 0 }, value = { 0 };

	if (slice_starts(line, " ") || slice_starts(line, "\t"))
		return unfold(msg, line);
	if (!slice_split(line, ':', &name, &value) ||
	    !slice_all_in(name, HTTP_MSG_TOKEN) || !http_msg_is_text(value))
		return "header";
	if (msg->state == TRAILERS)
		return NULL;
	if (msg->field_count == HTTP_MSG_HEADERS_MAX)
		return "more than 100 headers";
	value = slice_trim(value);
	msg->fields[msg->field_count].name = keep_text(&msg->head, name);
	msg->fields[msg->field_count].value = keep_text(&msg->head, value);
	if (buf_ok(&msg->head))
		msg->field_count++;
	return NULL;
}

/* What all headers say. */
static const char *
read_frame(struct http_msg *msg)
{
	const char *why = NULL;

	for (size_t i = 0; i < msg->field_count && why == NULL; i++) {
		struct http_header field = http_msg_field(msg, i);

		why = add_to_frame(&msg->frame, slice_of(field.name),
		    slice_of(field.value));
	}
	return why;
}

static void
finish(struct http_msg *msg)
{
	msg->state = DONE;
	msg->complete = true;
}

static const char too_large[] = "the body is larger than allowed";

/* A 1xx answer announces the real one (RFC 9110, 15.2), but for 101. */
static const char *
skip_interim(struct http_msg *msg)
{
	if (msg->status == 101 && msg->upgrade) {
		finish(msg);
		return NULL;
	}
	if (msg->status == 101)
		return "a change of protocol";
	buf_cut(&msg->head, 0);
	msg->field_count = 0;
	msg->state = STATUS_LINE;
	return NULL;
}

/* How the body comes (RFC 9112, 6.3). */
static const char *
start_body(struct http_msg *msg)
{
	const struct http_frame *frame = &msg->frame;

	if (frame->chunked) {
		msg->state = CHUNK_LINE;
	} else if (!frame->has_length) {
		msg->keep_alive = false;
		msg->state = BODY_TO_END;
	} else if (frame->length > msg->body_max) {
		return too_large;
	} else {
		msg->left = (size_t)frame->length;
		msg->state = BODY;
		if (msg->left == 0)
			finish(msg);
	}
	return NULL;
}

/* The empty line after the headers. */
static const char *
end_head(struct http_msg *msg)
{
	const struct http_frame *frame = &msg->frame;
	const char *why;

	if (msg->status < 200)
		return skip_interim(msg);
	/* Lengths mean nothing in front of a tunnel (RFC 9110, 9.3.6). */
	why = msg->no_body ? NULL : read_frame(msg);
	if (why != NULL)
		return why;
	/* Whoever sends both may want two readers to disagree. */
	if (frame->chunked && (frame->has_length || msg->old))
		return "two lengths of the body";
	msg->keep_alive =
	    !msg->no_body && !frame->close && (!msg->old || frame->keep);
	if (!msg->no_body && msg->status != 204 && msg->status != 304)
		return start_body(msg);
	finish(msg);
	return NULL;
}

/* The size in hexadecimal, then nothing or ";" and extensions, which count
 * as part of the head so that they are bounded. */
static const char *
take_chunk_line(struct http_msg *msg, struct slice line)
{
	size_t room = msg->body_max - msg->body.len;
	size_t size = 0, digits = 0;
	unsigned digit = 0;

	for (; digits < line.len && url_hex(line.ptr[digits], &digit);
	     digits++) {
		if (size > room / 16 || size * 16 + digit > room)
			return too_large;
		size = size * 16 + digit;
	}
	line = slice_trim(slice_skip(line, digits));
	msg->head_len += line.len;
	if (digits == 0 || !http_msg_is_text(line) ||
	    (line.len > 0 && line.ptr[0] != ';') ||
	    msg->head_len > HTTP_MSG_HEAD_MAX)
		return "size of a chunk";
	msg->left = size;
	msg->state = size > 0 ? CHUNK_DATA : TRAILERS;
	return NULL;
}

/* A whole line, without its end. */
static const char *
take_line(struct http_msg *msg, struct slice line)
{
	switch (msg->state) {
	case STATUS_LINE:
		return take_status(msg, line);
	case CHUNK_LINE:
		return take_chunk_line(msg, line);
	case CHUNK_END:
		msg->state = CHUNK_LINE;
		return line.len > 0 ? "no line end behind a chunk" : NULL;
	default:
		break;
	}
	if (line.len > 0)
		return take_field(msg, line);
	if (msg->state == FIELDS)
		return end_head(msg);
	finish(msg);
	return NULL;
}

/* More bytes of a line: do they stay within the limits? */
static bool
count_line(struct http_msg *msg, size_t len)
{
	if (msg->state == CHUNK_LINE || msg->state == CHUNK_END)
		return msg->line.len + len <= CHUNK_LINE_MAX;
	msg->head_len += len;
	return msg->head_len <= HTTP_MSG_HEAD_MAX;
}

static const char *
feed_line(struct http_msg *msg, struct slice *rest)
{
	struct slice piece = *rest, tail = { 0 };
	bool whole = slice_split(*rest, '\n', &piece, &tail);
	struct slice line;
	const char *why;

	if (!count_line(msg, piece.len + (whole ? 1 : 0)))
		return "more than 64 KiB of headers";
	buf_add(&msg->line, piece.ptr, piece.len);
	*rest = tail;
	if (!whole)
		return NULL;
	line = slice_make(msg->line.data, msg->line.len);
	why =
	    take_line(msg, slice_head(line, line.len - slice_ends(line, "\r")));
	buf_cut(&msg->line, 0);
	return why;
}

static const char *
feed_body(struct http_msg *msg, struct slice *rest)
{
	bool to_end = msg->state == BODY_TO_END;
	struct slice piece = to_end ? *rest : slice_head(*rest, msg->left);

	if (piece.len > msg->body_max - msg->body.len)
		return too_large;
	buf_add(&msg->body, piece.ptr, piece.len);
	*rest = slice_skip(*rest, piece.len);
	if (to_end)
		return NULL;
	msg->left -= piece.len;
	if (msg->left == 0 && msg->state == CHUNK_DATA)
		msg->state = CHUNK_END;
	else if (msg->left == 0)
		finish(msg);
	return NULL;
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
	const char *why = msg->state == BROKEN ? "bytes after an error" : NULL;
	bool memory = true;

	if (len > 0)
		msg->started = true;
	while (rest.len > 0 && !msg->complete && why == NULL && memory) {
		why = in_body(msg) ? feed_body(msg, &rest)
		                   : feed_line(msg, &rest);
		memory = buf_ok(&msg->head) && buf_ok(&msg->line) &&
		         buf_ok(&msg->body);
	}
	if (memory && why == NULL) {
		msg->surplus = rest.len > 0;
		*used = len - rest.len;
		return 0;
	}
	msg->state = BROKEN;
	if (!memory)
		return err_memory(err);
	return err_set(err, ERR_KIND_PARSE, "malformed HTTP answer: %s", why);
}

int
http_msg_end(struct http_msg *msg, struct err *err)
{
	if (msg->state == BODY_TO_END)
		finish(msg);
	if (msg->complete)
		return 0;
	err_set(err, ERR_KIND_CONNECTION,
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

/* It breaks no line, and has no tabs either. */
static bool
is_plain(const char *text)
{
	struct slice all = slice_of(text);

	return http_msg_is_text(all) && !slice_has(all, '\t');
}

static bool
is_token(const char *text)
{
	return slice_all_in(slice_of(text), HTTP_MSG_TOKEN);
}

static int
refuse_part(struct err *err, const char *what)
{
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "%s of a request is malformed or too long", what);
}

static int
check_request(const struct http_req *req, struct err *err)
{
	if (!is_token(req->method) || req->target[0] == '\0' ||
	    !is_plain(req->target) || slice_has(slice_of(req->target), ' ') ||
	    !is_plain(req->host))
		return refuse_part(err, "method, target or host");
	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *header = &req->headers[i];

		if (!is_token(header->name))
			return refuse_part(err, "the name of a header");
		if (!is_plain(header->value))
			return refuse_part(err, header->name);
	}
	return 0;
}

int
http_msg_format(const struct http_req *req, struct buf *out, struct err *err)
{
	static const char field[] = "%s: %s\r\n";

	if (check_request(req, err) != 0)
		return -1;
	buf_printf(out, "%s %s HTTP/1.1\r\n", req->method, req->target);
	buf_printf(out, field, "Host", req->host);
	for (size_t i = 0; i < req->header_count; i++)
		buf_printf(out, field, req->headers[i].name,
		    req->headers[i].value);
	if (req->proxy_auth != NULL && req->proxy_auth[0] != '\0')
		buf_printf(out, field, "Proxy-Authorization", req->proxy_auth);
	if (req->has_length || req->body_len > 0)
		buf_printf(out, "Content-Length: %zu\r\n", req->body_len);
	buf_puts(out, "\r\n");
	if (!buf_ok(out))
		return refuse_part(err, "the head");
	return 0;
}
