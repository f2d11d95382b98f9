#include "net/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/ca.h"
#include "net/dial.h"
#include "net/http_msg.h"
#include "net/http_req.h"
#include "net/proxy.h"
#include "net/sock.h"
#include "net/tls.h"
#include "net/url.h"

enum { HANDSHAKE_MS = 10000, READ_MS = 60000, READ_BYTES = 16 * 1024 };

struct conn {
	int fd;           /* -1 = none */
	struct tls *tls;  /* NULL = plain */
	struct ca *roots; /* owned, when they are the built-in ones */
	struct buf route; /* where it leads, see add_route() */
};

/* A text that differs for connections that differ. */
static void
add_route(struct buf *out, const struct url *url, const struct proxy *proxy)
{
	buf_printf(out, "%d %s:%u %s:%u", url->tls, url->host,
	    (unsigned)url->port, proxy->host, (unsigned)proxy->port);
}

static int
dial(struct conn *conn, const struct conn_target *target, struct err *err)
{
	const struct url *url = target->url;
	const struct proxy *proxy = target->proxy;
	struct dial_target to = { .host = proxy->used ? proxy->host : url->host,
		.port = proxy->used ? proxy->port : url->port,
		.address_ms = target->connect_ms };

	return dial_tcp(&to, target->deadline, &conn->fd, err);
}

int64_t
conn_deadline(int read_ms, int64_t deadline)
{
	return clock_min(deadline, clock_in(read_ms > 0 ? read_ms : READ_MS));
}

int
conn_receive(struct conn *conn, struct http_msg *answer, int read_ms,
    int64_t deadline, struct err *err)
{
	char data[READ_BYTES];
	size_t got = 0, used = 0;
	int rc = 0;

	while (rc == 0 && !answer->complete) {
		rc = conn_read(conn, data, sizeof data, &got,
		    conn_deadline(read_ms, deadline), err);
		if (rc == 0 && got == 0)
			rc = http_msg_end(answer, err);
		else if (rc == 0)
			rc = http_msg_feed(answer, data, got, &used, err);
	}
	explicit_bzero(data, sizeof data);
	return rc;
}

static int
check_answer(const struct proxy *proxy, const struct http_msg *answer,
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
	(void)err_set(err, ERR_KIND_PROXY, "%s answers CONNECT with %d %s",
	    proxy->host, answer->status, answer->reason);
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

/* Have the proxy open a tunnel to the host (RFC 9110, 9.3.6). */
static int
tunnel(struct conn *conn, const struct conn_target *target, struct err *err)
{
	int64_t deadline = conn_deadline(target->read_ms, target->deadline);
	struct buf place = { 0 }, head = { 0 };
	struct http_msg answer;
	struct http_req req = { .method = "CONNECT",
		.proxy_auth = target->proxy->auth };
	int rc = -1;

	http_msg_init(&answer, 0, true);
	/* Without the port it would not be a CONNECT; TLS has names only. */
	url_add_host(&place, target->url->host, target->url->port, 0);
	req.target = buf_str(&place);
	req.host = req.target;
	if (http_req_format(&req, &head, err) == 0 &&
	    sock_write(conn->fd, head.data, head.len, deadline, err) == 0 &&
	    conn_receive(conn, &answer, 0, deadline, err) == 0)
		rc = check_answer(target->proxy, &answer, err);
	else
		(void)sock_wrap(err, "answer of", target->proxy->host);
	http_msg_free(&answer);
	buf_free(&head);
	buf_free(&place);
	return rc;
}

/* Connect and go through the proxy, if there is one.  Trouble with it keeps
 * its nature but gets a kind of its own. */
static int
reach(struct conn *conn, const struct conn_target *target, struct err *err)
{
	bool proxied = target->proxy->used;
	int rc = dial(conn, target, err);

	if (rc == 0 && proxied && target->url->tls)
		rc = tunnel(conn, target, err);
	if (rc == 0 || !proxied || err == NULL)
		return rc;
	err->kind = ERR_KIND_PROXY;
	err->code = ERR_NETWORK;
	err_fix(err, "check https_proxy, http_proxy and no_proxy");
	return err_wrap(err, "proxy");
}

static int
secure(struct conn *conn, const struct conn_target *target, struct err *err)
{
	const char *host = target->url->host;
	const struct ca *ca = target->ca;
	int limit = target->connect_ms > 0 ? target->connect_ms : HANDSHAKE_MS;

	if (ca == NULL) {
		if (ca_builtin(&conn->roots, host, err) != 0)
			return -1;
		ca = conn->roots;
	}
	return tls_open(&conn->tls, conn->fd, host, ca,
	    clock_min(target->deadline, clock_in(limit)), err);
}

int
conn_open(struct conn **out, const struct conn_target *target, struct err *err)
{
	bool tls = target->url->tls;
	struct conn *conn;

	if (tls && tls_check_host(target->url->host, err) != 0)
		return -1;
	conn = calloc(1, sizeof *conn);
	if (conn == NULL)
		return err_memory(err);
	conn->fd = -1;
	add_route(&conn->route, target->url, target->proxy);
	if (reach(conn, target, err) != 0 ||
	    (tls && secure(conn, target, err) != 0)) {
		conn_close(conn);
		return -1;
	}
	*out = conn;
	return 0;
}

void
conn_close(struct conn *conn)
{
	if (conn == NULL)
		return;
	tls_free(conn->tls);
	ca_free(conn->roots);
	if (conn->fd >= 0)
		(void)close(conn->fd);
	buf_free(&conn->route);
	free(conn);
}

bool
conn_fits(const struct conn *conn, const struct url *url,
    const struct proxy *proxy)
{
	struct buf route = { 0 };
	bool same;

	add_route(&route, url, proxy);
	same = buf_ok(&route) && buf_ok(&conn->route) &&
	       strcmp(buf_str(&route), buf_str(&conn->route)) == 0;
	buf_free(&route);
	if (!same)
		return false;
	return conn->tls != NULL ? tls_idle(conn->tls) : sock_quiet(conn->fd);
}

int
conn_read(struct conn *conn, void *data, size_t len, size_t *got,
    int64_t deadline, struct err *err)
{
	if (conn->tls != NULL)
		return tls_read(conn->tls, data, len, got, deadline, err);
	return sock_read(conn->fd, data, len, got, deadline, err);
}

int
conn_write(struct conn *conn, const void *data, size_t len, int64_t deadline,
    struct err *err)
{
	if (conn->tls != NULL)
		return tls_write(conn->tls, data, len, deadline, err);
	return sock_write(conn->fd, data, len, deadline, err);
}
