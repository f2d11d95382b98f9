#include "net/http.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/ca.h"
#include "net/conn.h"
#include "net/http_req.h"
#include "net/proxy.h"
#include "net/sock.h"

struct http {
	struct http_options options;
	struct ca *ca;     /* NULL = the built-in roots */
	struct conn *conn; /* kept from the last request, or NULL */
};

int
http_open(struct http **out, const struct http_options *options,
    struct err *err)
{
	struct http *http = calloc(1, sizeof *http);

	if (http == NULL)
		return err_memory(err);
	http->options = *options;
	if (options->ca_file != NULL &&
	    ca_load(&http->ca, options->ca_file, options->ca_by,
	        options->ca_setting, err) != 0) {
		http_close(http);
		return -1;
	}
	*out = http;
	return 0;
}

static void
drop_conn(struct http *http)
{
	conn_close(http->conn);
	http->conn = NULL;
}

void
http_close(struct http *http)
{
	if (http == NULL)
		return;
	drop_conn(http);
	ca_free(http->ca);
	free(http);
}

struct transport
http_transport(struct http *http)
{
	return (struct transport){ .context = http,
		.roundtrip = http_roundtrip };
}

/* The whole request, so that it goes out in one piece. */
static int
format_request(const struct http_request *request, const struct proxy *proxy,
    struct buf *out, struct err *err)
{
	const struct url *url = request->url;
	/* The absolute form is for proxies that get plain requests. */
	bool absolute = proxy->used && !url->tls;
	struct buf target = { 0 }, host = { 0 };
	struct http_req req = { .method = request->method,
		.headers = request->headers,
		.header_count = request->header_count,
		.proxy_auth = absolute ? proxy->auth : NULL,
		.body_len = request->body_len,
		.has_length = request->has_length };
	int rc;

	url_authority(url, &host);
	req.host = buf_str(&host);
	buf_printf(&target, "%s%s%s%s", absolute ? "http://" : "",
	    absolute ? req.host : "", url->path[0] == '/' ? "" : "/",
	    url->path);
	req.target = buf_str(&target);
	rc = http_req_format(&req, out, err);
	buf_add(out, request->body, request->body_len);
	if (rc == 0 && !buf_ok(out))
		rc = err_memory(err);
	buf_free(&host);
	buf_free(&target);
	return rc;
}

/* Have a connection for the request: the one from before if it will do. */
static int
connect_for(struct http *http, const struct http_request *request,
    const struct proxy *proxy, struct err *err)
{
	struct conn_target target = { .url = request->url,
		.proxy = proxy,
		.ca = http->ca,
		.connect_ms = request->connect_ms,
		.read_ms = request->read_ms,
		.deadline = request->deadline };

	if (http->conn != NULL && conn_fits(http->conn, request->url, proxy))
		return 0;
	drop_conn(http);
	return conn_open(&http->conn, &target, err);
}

static int
exchange(struct http *http, const struct http_request *request,
    const struct buf *text, struct http_msg *answer, struct err *err)
{
	const char *step = "request to";
	int rc = conn_write(http->conn, text->data, text->len,
	    conn_deadline(request->read_ms, request->deadline), err);

	if (rc == 0) {
		step = "answer of";
		rc = conn_receive(http->conn, answer, request->read_ms,
		    request->deadline, err);
	}
	return rc == 0 ? 0 : sock_wrap(err, step, request->url->host);
}

static int
send_request(struct http *http, const struct http_request *request,
    const struct proxy *proxy, struct http_msg *answer, struct err *err)
{
	struct buf text = { .max = HTTP_MSG_HEAD_MAX + request->body_len };
	int rc = -1;

	if (format_request(request, proxy, &text, err) != 0 ||
	    connect_for(http, request, proxy, err) != 0)
		goto out;
	rc = exchange(http, request, &text, answer, err);
	if (rc == 0 && answer->status == 407 && proxy->used &&
	    !request->url->tls)
		rc = proxy_refused(proxy, false, err);
	else if (rc != 0 && err != NULL)
		err->ambiguous = true;
	/* Who sends more than was asked for is not to go on with. */
	if (rc != 0 || !answer->keep_alive || answer->surplus)
		drop_conn(http);
out:
	buf_free(&text);
	return rc;
}

int
http_roundtrip(void *http, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	struct http *self = http;
	struct proxy proxy = { 0 };
	int rc = 0;

	http_msg_init(answer, request->body_max, false);
	if (!request->no_proxy)
		rc = proxy_choose(&proxy, request->url, self->options.env, err);
	if (rc == 0)
		rc = send_request(self, request, &proxy, answer, err);
	proxy_wipe(&proxy);
	return rc;
}
