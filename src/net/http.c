/* SPDX-License-Identifier: MIT */
#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/dial.h"
#include "net/duplex.h"
#include "net/proxy.h"
#include "net/sock.h"
#include "net/tls.h"

enum { HANDSHAKE_MS = 10000, READ_MS = 60000, READ_BYTES = 16 * 1024 };
enum { SWITCHING = 101 };

/*
 * A connection: plain or TLS, straight to the host, through a proxy's tunnel
 * (https) or to the proxy itself (http).
 */
struct conn {
	int fd;           /* -1 = none */
	struct tls *tls;  /* NULL = plain */
	struct ca *roots; /* owned, when they are the built-in ones */
	struct buf route; /* where it leads, see add_route() */
	struct buf early; /* bytes of another protocol, after 101 */
};

struct http {
	struct http_options options;
	struct ca *ca;    /* NULL = the built-in roots */
	struct conn conn; /* kept from the last request */
};

/* A text that differs for connections that differ. */
static void
add_route(struct buf *out, const struct url *url, const struct proxy *proxy)
{
	buf_printf(out, "%d %s:%u %s:%u", url->tls, url->host,
	    (unsigned)url->port, proxy->host, (unsigned)proxy->port);
}

/* The end of a wait of read_ms milliseconds that begins now, if the deadline
 * is not before. */
static int64_t
read_deadline(int read_ms, int64_t deadline)
{
	return clock_min(deadline, clock_in(read_ms > 0 ? read_ms : READ_MS));
}

/* Read 1 to len bytes; *got = 0 is the end, with TLS only an announced one. */
static int
read_bytes(struct conn *conn, void *data, size_t len, size_t *got,
    int64_t deadline, struct err *err)
{
	if (conn->tls != NULL)
		return tls_read(conn->tls, data, len, got, deadline, err);
	return sock_read(conn->fd, data, len, got, deadline, err);
}

static int
write_all(struct conn *conn, const struct buf *text, int64_t deadline,
    struct err *err)
{
	if (conn->tls != NULL)
		return tls_write(conn->tls, text->data, text->len, deadline,
		    err);
	return sock_write(conn->fd, text->data, text->len, deadline, err);
}

/* Read an answer, which was initialised, to its end. */
static int
receive(struct conn *conn, struct http_msg *answer, int read_ms,
    int64_t deadline, struct err *err)
{
	char data[READ_BYTES];
	size_t got = 0, used = 0;
	int rc = 0;

	while (rc == 0 && !answer->complete) {
		rc = read_bytes(conn, data, sizeof data, &got,
		    read_deadline(read_ms, deadline), err);
		if (rc == 0 && got == 0)
			rc = http_msg_end(answer, err);
		else if (rc == 0)
			rc = http_msg_feed(answer, data, got, &used, err);
	}
	if (rc == 0 && answer->upgrade && used < got)
		buf_add(&conn->early, &data[used], got - used);
	explicit_bzero(data, sizeof data);
	return rc;
}

static int
check_tunnel(const struct proxy *proxy, const struct http_msg *answer,
    struct err *err)
{
	/* Nobody may speak before us in the tunnel. */
	if (answer->status / 100 == 2 && answer->surplus)
		return err_set(err, ERR_KIND_PARSE,
		    "bytes after the answer to CONNECT");
	if (answer->status / 100 == 2)
		return 0;
	if (answer->status == 407)
		return proxy_refused(proxy, true, err);
	err_set(err, ERR_KIND_PROXY, "%s answers CONNECT with %d %s",
	    proxy->host, answer->status, answer->reason);
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

/* Have the proxy open a tunnel to the host (RFC 9110, 9.3.6). */
static int
tunnel(struct conn *conn, const struct http_request *request,
    const struct proxy *proxy, struct err *err)
{
	int64_t deadline = read_deadline(request->read_ms, request->deadline);
	struct buf place = { 0 }, head = { 0 };
	struct http_msg answer;
	struct http_req req = { .method = "CONNECT",
		.proxy_auth = proxy->auth };
	int rc = -1;

	http_msg_init(&answer, 0, true);
	/* Without the port it would not be a CONNECT; TLS has names only. */
	url_add_host(&place, request->url->host, request->url->port, 0);
	req.target = buf_str(&place);
	req.host = req.target;
	if (http_msg_format(&req, &head, err) == 0 &&
	    write_all(conn, &head, deadline, err) == 0 &&
	    receive(conn, &answer, 0, deadline, err) == 0)
		rc = check_tunnel(proxy, &answer, err);
	else
		sock_wrap(err, "answer of", proxy->host);
	http_msg_free(&answer);
	buf_free(&head);
	buf_free(&place);
	return rc;
}

/* Connect and go through the proxy, if there is one.  Trouble with it keeps
 * its nature but gets a kind of its own. */
static int
reach(struct conn *conn, const struct http_request *request,
    const struct proxy *proxy, struct err *err)
{
	const struct url *url = request->url;
	struct dial_target to = { .host = proxy->used ? proxy->host : url->host,
		.port = proxy->used ? proxy->port : url->port,
		.whole = url->whole && !proxy->used,
		.address_ms = request->connect_ms };
	int rc = dial_tcp(&to, request->deadline, &conn->fd, err);

	if (rc == 0 && proxy->used && url->tls)
		rc = tunnel(conn, request, proxy, err);
	if (rc == 0 || !proxy->used || err == NULL)
		return rc;
	err->kind = ERR_KIND_PROXY;
	err->code = ERR_NETWORK;
	err_fix(err, "check https_proxy, http_proxy and no_proxy");
	return err_wrap(err, "proxy");
}

static int
secure(struct conn *conn, const struct http_request *request,
    const struct ca *ca, struct err *err)
{
	char host[sizeof request->url->host];
	int limit =
	    request->connect_ms > 0 ? request->connect_ms : HANDSHAKE_MS;

	slice_copy(url_bare(request->url->host), host, sizeof host);
	if (ca == NULL) {
		if (ca_builtin(&conn->roots, host, err) != 0)
			return -1;
		ca = conn->roots;
	}
	return tls_open(&conn->tls, conn->fd, host, ca,
	    clock_min(request->deadline, clock_in(limit)), err);
}

static void
close_conn(struct http *http)
{
	struct conn *conn = &http->conn;

	tls_free(conn->tls);
	ca_free(conn->roots);
	if (conn->fd >= 0)
		close(conn->fd);
	buf_free(&conn->route);
	buf_free(&conn->early);
	*conn = (struct conn){ .fd = -1 };
}

static int
open_conn(struct http *http, const struct http_request *request,
    const struct proxy *proxy, struct err *err)
{
	struct conn *conn = &http->conn;
	bool tls = request->url->tls;

	if (tls && tls_check_host(request->url->host, err) != 0)
		return -1;
	add_route(&conn->route, request->url, proxy);
	if (reach(conn, request, proxy, err) == 0 &&
	    (!tls || secure(conn, request, http->ca, err) == 0))
		return 0;
	close_conn(http);
	return -1;
}

/* The connection leads to the same place and can carry another request. */
static bool
fits(const struct conn *conn, const struct url *url, const struct proxy *proxy)
{
	struct buf route = { 0 };
	bool same;

	add_route(&route, url, proxy);
	same = conn->fd >= 0 && buf_ok(&route) && buf_ok(&conn->route) &&
	       strcmp(buf_str(&route), buf_str(&conn->route)) == 0;
	buf_free(&route);
	if (!same)
		return false;
	return conn->tls != NULL ? tls_idle(conn->tls) : sock_quiet(conn->fd);
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
	rc = http_msg_format(&req, out, err);
	buf_add(out, request->body, request->body_len);
	if (rc == 0 && !buf_ok(out))
		rc = err_memory(err);
	buf_free(&host);
	buf_free(&target);
	return rc;
}

static int
exchange(struct http *http, const struct http_request *request,
    const struct buf *text, struct http_msg *answer, struct err *err)
{
	const char *step = "request to";
	int rc = write_all(&http->conn, text,
	    read_deadline(request->read_ms, request->deadline), err);

	if (rc == 0) {
		step = "answer of";
		rc = receive(&http->conn, answer, request->read_ms,
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

	if (format_request(request, proxy, &text, err) != 0)
		goto out;
	if (!fits(&http->conn, request->url, proxy)) {
		close_conn(http);
		if (open_conn(http, request, proxy, err) != 0)
			goto out;
	}
	rc = exchange(http, request, &text, answer, err);
	if (rc == 0 && answer->status == 407 && proxy->used &&
	    !request->url->tls)
		rc = proxy_refused(proxy, false, err);
	else if (rc != 0 && err != NULL)
		err->ambiguous = true;
	/* Who sends more than was asked for is not to go on with. */
	if (rc != 0 || ((!answer->keep_alive || answer->surplus) &&
	                   answer->status != SWITCHING))
		close_conn(http);
out:
	buf_free(&text);
	return rc;
}

static int
ask(struct http *self, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	struct proxy proxy = { 0 };
	int rc = 0;

	if (!request->no_proxy)
		rc = proxy_choose(&proxy, request->url, self->options.env, err);
	if (rc == 0)
		rc = send_request(self, request, &proxy, answer, err);
	proxy_wipe(&proxy);
	return rc;
}

int
http_roundtrip(void *http, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	http_msg_init(answer, request->body_max, false);
	return ask(http, request, answer, err);
}

int
http_upgrade(void *http, const struct http_request *request,
    struct http_msg *answer, struct duplex **line, struct err *err)
{
	struct http *self = http;
	struct conn *conn = &self->conn;
	struct duplex_parts parts;

	http_msg_init(answer, request->body_max, false);
	answer->upgrade = true;
	if (ask(self, request, answer, err) != 0)
		return -1;
	if (answer->status != SWITCHING) {
		close_conn(self);
		return 0;
	}
	parts = (struct duplex_parts){ conn->fd, conn->tls, conn->roots,
		conn->early };
	buf_free(&conn->route);
	*conn = (struct conn){ .fd = -1 };
	return duplex_make(line, &parts, err);
}

int
http_open(struct http **out, const struct http_options *options,
    struct err *err)
{
	struct http *http = calloc(1, sizeof *http);

	if (http == NULL)
		return err_memory(err);
	http->options = *options;
	http->conn.fd = -1;
	if (options->ca_file != NULL &&
	    ca_load(&http->ca, options->ca_file, options->ca_by,
	        options->ca_setting, err) != 0) {
		http_close(http);
		return -1;
	}
	*out = http;
	return 0;
}

void
http_close(struct http *http)
{
	if (http == NULL)
		return;
	close_conn(http);
	ca_free(http->ca);
	free(http);
}

struct transport
http_transport(struct http *http)
{
	return (struct transport){ .context = http,
		.roundtrip = http_roundtrip,
		.upgrade = http_upgrade };
}
