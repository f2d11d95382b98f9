/* SPDX-License-Identifier: MIT */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cidr_address;
struct err;

/*
 * Bytes over a connected non-blocking socket, with a deadline on every wait.
 * A deadline that has passed counts even when no wait would be needed, so
 * that a peer that never stops cannot keep us.
 * Failures are ERR_KIND_CONNECTION and ERR_TRANSIENT; a deadline that passes
 * is "timed out" and sets err->timed_out.  Signals do not interrupt.
 */

/*
 * A socket of the type (SOCK_STREAM, SOCK_DGRAM), connected to the address or
 * about to be, non-blocking and close-on-exec; -1 and errno.  Writing to one
 * that is about to be connected waits for it.
 */
int sock_open(const struct cidr_address *to, uint16_t port, int type);

/* Wait until one of the poll(2) events is there, or an error to be met. */
int sock_wait(int fd, short events, int64_t deadline, struct err *err);

/* Read 1 to len bytes; *got = 0 is the end of the stream. */
int sock_read(int fd, void *data, size_t len, size_t *got, int64_t deadline,
    struct err *err);

/* Write 1 to len bytes. */
int sock_send(int fd, const void *data, size_t len, size_t *sent,
    int64_t deadline, struct err *err);

/* Write all. */
int sock_write(int fd, const void *data, size_t len, int64_t deadline,
    struct err *err);

/* The same, never waiting: 0 bytes if none go now.  sock_take() gives 1 at the
 * end of the stream. */
int sock_take(int fd, void *data, size_t len, size_t *got, struct err *err);
int sock_give(int fd, const void *data, size_t len, size_t *sent,
    struct err *err);

/* There is nothing to read, and the peer has not closed. */
bool sock_quiet(int fd);

/* Put "WHAT HOST: " before the message of an error that is set; gives -1. */
int sock_wrap(struct err *err, const char *what, const char *host);

/* Fill err in as above; gives -1.  sock_failed() takes the text of errno. */
int sock_fail(struct err *err, const char *why);
int sock_failed(struct err *err);
int sock_timed_out(struct err *err);

#endif
