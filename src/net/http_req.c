#include "net/http_req.h"

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/* A token (RFC 9110, 5.6.2) is made of these. */
#define TOKEN_CHARS                 \
	"!#$%&'*+-.^_`|~0123456789" \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool
has_control(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

static int
check_request(const struct http_req *req, struct err *err)
{
	struct slice target = slice_of(req->target);

	if (!slice_all_in(slice_of(req->method), TOKEN_CHARS) ||
	    target.len == 0 || has_control(target) || slice_has(target, ' ') ||
	    has_control(slice_of(req->host)))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "method, target or host of a request is malformed");
	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *header = &req->headers[i];

		if (!slice_all_in(slice_of(header->name), TOKEN_CHARS))
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "the name of a header is malformed");
		if (has_control(slice_of(header->value))) {
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "header %s has a control character in it",
			    header->name);
		}
	}
	return 0;
}

int
http_req_format(const struct http_req *req, struct buf *out, struct err *err)
{
	if (check_request(req, err) != 0)
		return -1;
	buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", req->method,
	    req->target, req->host);
	for (size_t i = 0; i < req->header_count; i++)
		buf_printf(out, "%s: %s\r\n", req->headers[i].name,
		    req->headers[i].value);
	if (req->proxy_auth != NULL && req->proxy_auth[0] != '\0')
		buf_printf(out, "Proxy-Authorization: %s\r\n", req->proxy_auth);
	if (req->has_length || req->body_len > 0)
		buf_printf(out, "Content-Length: %zu\r\n", req->body_len);
	buf_puts(out, "\r\n");
	if (!buf_ok(out))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the head of a request is too long");
	return 0;
}
