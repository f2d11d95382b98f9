#include "net/http_req.h"

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

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
refuse(struct err *err, const char *what)
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
		return refuse(err, "method, target or host");
	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *header = &req->headers[i];

		if (!is_token(header->name))
			return refuse(err, "the name of a header");
		if (!is_plain(header->value))
			return refuse(err, header->name);
	}
	return 0;
}

int
http_req_format(const struct http_req *req, struct buf *out, struct err *err)
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
		return refuse(err, "the head");
	return 0;
}
