#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ca;
struct err;
struct http_msg;
struct proxy;
struct url;

/*
 * A connection that can carry requests: plain or TLS, straight to the host,
 * through a proxy's tunnel (https) or to the proxy itself (http).
 */
struct conn;

struct conn_target {
	const struct url *url;
	const struct proxy *proxy; /* used or not */
	const struct ca *ca;       /* NULL = the built-in roots */
	int connect_ms;            /* each address, TLS handshake; 0 = 10 s */
	int read_ms;               /* for the proxy's answer; 0 = 60 s */
	int64_t deadline;
};

/*
 * Errors name the host, or the proxy (ERR_KIND_PROXY).  ca must outlive the
 * connection, the rest of the target is not kept.
 */
int conn_open(struct conn **out, const struct conn_target *target,
    struct err *err);
void conn_close(struct conn *conn);

/* It leads to the same place and can carry another request. */
bool conn_fits(const struct conn *conn, const struct url *url,
    const struct proxy *proxy);

/* Read 1 to len bytes; *got = 0 is the end, with TLS only an announced
 * one. */
int conn_read(struct conn *conn, void *data, size_t len, size_t *got,
    int64_t deadline, struct err *err);

/* The end of a wait of read_ms milliseconds (0 = 60 s) that begins now, if
 * the deadline is not before. */
int64_t conn_deadline(int read_ms, int64_t deadline);

/* Read an answer, which was initialised, to its end. */
int conn_receive(struct conn *conn, struct http_msg *answer, int read_ms,
    int64_t deadline, struct err *err);

/* Write all. */
int conn_write(struct conn *conn, const void *data, size_t len,
    int64_t deadline, struct err *err);

#endif
