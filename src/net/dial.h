#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

struct err;

enum { DIAL_ADDRESS_MS = 10000, DIAL_STAGGER_MS = 300 };

/*
 * A connected non-blocking, close-on-exec TCP socket with TCP_NODELAY.
 * All addresses of the name are tried in getaddrinfo(3)'s order; the next
 * one starts after DIAL_STAGGER_MS without an answer, or at once after a
 * refusal, so that a dead IPv6 route does not hold up IPv4.  "localhost" is
 * not looked up.  The resolver itself can block beyond the deadline: a worker
 * that must end in time is killed by its keeper.
 * A name that does not exist is ERR_FINAL, other failures ERR_TRANSIENT.
 */
int dial_tcp(const char *host, uint16_t port, int64_t deadline, int *fd,
    struct err *err);

#endif
