/* SPDX-License-Identifier: MIT */
#ifndef NET_DUPLEX_H
#define NET_DUPLEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct ca;
struct err;
struct tls;

/*
 * A connection, plain or TLS, that carries bytes both ways at once and never
 * waits: what is left of an HTTP connection after 101 (net/http.h,
 * http_upgrade()).  Owned by who got it; duplex_free() closes it.
 *
 * The owner polls duplex_fd() for duplex_events(), unless duplex_ready() says
 * that bytes wait inside; TLS may have some though the socket is silent.
 */
struct duplex;

int duplex_fd(const struct duplex *duplex);

/* What to poll(2) for: POLLIN if the owner wants to read, POLLOUT while bytes
 * of ours have not left, and what TLS itself needs. */
short duplex_events(const struct duplex *duplex, bool reading);

/* Bytes can be read without a poll. */
bool duplex_ready(const struct duplex *duplex);

/*
 * Read at most len bytes; *got = 0: there are none now.  1: the peer has
 * ended its direction, and all before it was read; -1: ERR_TRANSIENT.
 */
int duplex_read(struct duplex *duplex, void *data, size_t len, size_t *got,
    struct err *err);

/*
 * Take up to len bytes and send what goes now; *taken < len: call again
 * after POLLOUT with the rest.  len = 0 only sends what was taken before.
 */
int duplex_write(struct duplex *duplex, const void *data, size_t len,
    size_t *taken, struct err *err);

/* Bytes that were taken have not left yet. */
bool duplex_busy(const struct duplex *duplex);

/* For TLS a close_notify, if it needs no wait; close and free.  NULL is
 * fine. */
void duplex_free(struct duplex *duplex);

/* For net/http.c: the parts of a connection, with the bytes that were read
 * already.  All belong to the duplex afterwards, also after a failure. */
struct duplex_parts {
	int fd;
	struct tls *tls;  /* NULL = plain */
	struct ca *roots; /* NULL = not ours */
	struct buf early;
};
int duplex_make(struct duplex **out, const struct duplex_parts *parts,
    struct err *err);

#endif
