#include "net/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/ca.h"
#include "net/dial.h"
#include "net/http_msg.h"
#include "net/http_req.h"
#include "net/proxy.h"
#include "net/sock.h"
#include "net/tls.h"
#include "net/url.h"

enum { HANDSHAKE_MS = 10000, READ_MS = 60000, TUNNEL_READ = 1024 };

struct conn {
	int fd;           /* -1 = none */
	struct tls *tls;  /* NULL = plain */
	struct ca *roots; /* owned, when they are the built-in ones */
	bool secure, proxied;
	uint16_t port, proxy_port;
	char host[URL_HOST_MAX + 1];
	char proxy_host[URL_HOST_MAX + 1];
};

static struct conn *
new_conn(const struct conn_target *target)
{
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL)
		return NULL;
	conn->fd = -1;
	conn->secure = target->url->tls;
	conn->port = target->url->port;
	memcpy(conn->host, target->url->host, sizeof conn->host);
	conn->proxied = target->proxy->used;
	conn->proxy_port = target->proxy->port;
	memcpy(conn->proxy_host, target->proxy->host, sizeof conn->proxy_host);
	return conn;
}

/* Trouble with the proxy itself keeps its nature but gets a kind of its
 * own. */
static int
proxy_failed(const struct err *why, struct err *err)
{
	(void)err_set(err, ERR_KIND_PROXY, "proxy: %s", why->msg);
	err_fix(err, "check https_proxy, http_proxy and no_proxy");
	if (err != NULL) {
		err->retry = why->retry;
		err->timed_out = why->timed_out;
	}
	return -1;
}

static int
dial(struct conn *conn, const struct conn_target *target, struct err *err)
{
	struct dial_target to = { .host = conn->host,
		.port = conn->port,
		.address_ms = target->connect_ms };
	struct err why = { 0 };

	if (!conn->proxied)
		return dial_tcp(&to, target->deadline, &conn->fd, err);
	to.host = conn->proxy_host;
	to.port = conn->proxy_port;
	if (dial_tcp(&to, target->deadline, &conn->fd, &why) != 0)
		return proxy_failed(&why, err);
	return 0;
}

/* Read the head of the proxy's answer, which ends the plain text. */
static int
read_answer(struct conn *conn, struct http_msg *answer, int64_t deadline,
    struct err *err)
{
	char data[TUNNEL_READ];
	size_t got = 0, used = 0;

	while (!answer->complete) {
		if (sock_read(conn->fd, data, sizeof data, &got, deadline,
		        err) != 0)
			return -1;
		if (got == 0)
			return http_msg_end(answer, err);
		if (http_msg_feed(answer, data, got, &used, err) != 0)
			return -1;
		/* Nobody may speak before us in the tunnel. */
		if (answer->status / 100 == 2 && used < got)
			return err_set(err, ERR_KIND_PARSE,
			    "bytes after the answer to CONNECT");
	}
	return 0;
}

static int
check_answer(const struct conn *conn, const struct proxy *proxy,
    const struct http_msg *answer, struct err *err)
{
	if (answer->status / 100 == 2)
		return 0;
	if (answer->status == 407)
		return proxy_refused(proxy, true, err);
	(void)err_set(err, ERR_KIND_PROXY,
	    "proxy %s: it answered CONNECT %s with %d %s", proxy->host,
	    conn->host, answer->status, answer->reason);
	if (err != NULL && (answer->status >= 500 || answer->status == 429))
		err->retry = ERR_TRANSIENT;
	return -1;
}

/* Have the proxy open a tunnel to the host (RFC 9110, 9.3.6). */
static int
tunnel(struct conn *conn, const struct conn_target *target, struct err *err)
{
	int64_t deadline = clock_min(target->deadline,
	    clock_in(target->read_ms > 0 ? target->read_ms : READ_MS));
	struct buf place = { 0 }, head = { 0 };
	struct http_msg answer;
	struct http_req req = { .method = "CONNECT",
		.proxy_auth = target->proxy->auth };
	struct err why = { 0 };
	int rc = -1;

	http_msg_init(&answer, 0, true);
	/* Without the port it would not be a CONNECT; TLS has names only. */
	buf_printf(&place, "%s:%u", conn->host, (unsigned)conn->port);
	req.target = buf_str(&place);
	req.host = req.target;
	if (http_req_format(&req, &head, &why) != 0 ||
	    sock_write(conn->fd, head.data, head.len, deadline, &why) != 0 ||
	    read_answer(conn, &answer, deadline, &why) != 0) {
		(void)sock_wrap(&why, "answer of", conn->proxy_host);
		(void)proxy_failed(&why, err);
		goto out;
	}
	rc = check_answer(conn, target->proxy, &answer, err);
out:
	http_msg_free(&answer);
	buf_free(&head);
	buf_free(&place);
	return rc;
}

static int
secure(struct conn *conn, const struct conn_target *target, struct err *err)
{
	int limit = target->connect_ms > 0 ? target->connect_ms : HANDSHAKE_MS;
	int64_t deadline = clock_min(target->deadline, clock_in(limit));
	const struct ca *ca = target->ca;

	if (ca == NULL) {
		if (ca_builtin(&conn->roots, conn->host, err) != 0)
			return -1;
		ca = conn->roots;
	}
	return tls_open(&conn->tls, conn->fd, conn->host, ca, deadline, err);
}

int
conn_open(struct conn **out, const struct conn_target *target, struct err *err)
{
	struct conn *conn;

	if (target->url->tls && tls_check_host(target->url->host, err) != 0)
		return -1;
	conn = new_conn(target);
	if (conn == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	if (dial(conn, target, err) != 0)
		goto fail;
	if (conn->proxied)
		log_debug("through the proxy %s", conn->proxy_host);
	if (conn->secure && conn->proxied && tunnel(conn, target, err) != 0)
		goto fail;
	if (conn->secure && secure(conn, target, err) != 0)
		goto fail;
	*out = conn;
	return 0;
fail:
	conn_close(conn);
	return -1;
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
	free(conn);
}

bool
conn_fits(const struct conn *conn, const struct url *url,
    const struct proxy *proxy)
{
	if (conn->secure != url->tls || conn->port != url->port ||
	    strcmp(conn->host, url->host) != 0)
		return false;
	if (conn->proxied != proxy->used || conn->proxy_port != proxy->port ||
	    strcmp(conn->proxy_host, proxy->host) != 0)
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
