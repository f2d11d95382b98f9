/* SPDX-License-Identifier: MIT */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ca;
struct err;

/*
 * A TLS 1.2 client on a non-blocking descriptor, with a deadline on every
 * wait: ECDHE with RSA or ECDSA, AES-GCM or ChaCha20-Poly1305.  The server's
 * certificate must lead to an anchor, be valid now and name the host.
 */
struct tls;

/* A certificate cannot be checked against an IP address: an error for these,
 * so that nobody need connect first.  tls_open() asks, too. */
int tls_check_host(const char *host, struct err *err);

/*
 * Shake hands; the descriptor stays the caller's.  Failures of the
 * certificate are ERR_FINAL with a text of their own each (not trusted,
 * expired, wrong name, …); the others ERR_TRANSIENT.  ca must live until
 * tls_free().  A connection takes about 45 KiB.
 */
int tls_open(struct tls **out, int fd, const char *host, const struct ca *ca,
    int64_t deadline, struct err *err);

/* Read 1 to len bytes; *got = 0 is the peer's close_notify.  The end of the
 * connection without one is an error. */
int tls_read(struct tls *tls, void *data, size_t len, size_t *got,
    int64_t deadline, struct err *err);

/* Write all and flush. */
int tls_write(struct tls *tls, const void *data, size_t len, int64_t deadline,
    struct err *err);

/*
 * The same without waiting, for traffic that goes both ways at once.
 * tls_take(): *got = 0, nothing is there now; 1, the peer's close_notify.
 * tls_give(): *taken bytes are in the engine, of which some may not have left
 * (tls_busy()); len = 0 only sends those.
 */
int tls_take(struct tls *tls, void *data, size_t len, size_t *got,
    struct err *err);
int tls_give(struct tls *tls, const void *data, size_t len, size_t *taken,
    struct err *err);
bool tls_busy(const struct tls *tls);

/* tls_take() has bytes without the socket; it wants to read from it. */
bool tls_ready(const struct tls *tls);
bool tls_hungry(const struct tls *tls);

/* Nothing has arrived that was not asked for: the connection can carry
 * another request. */
bool tls_idle(const struct tls *tls);

/* Send a close_notify if that needs no wait, wipe and free. */
void tls_free(struct tls *tls);

#endif
