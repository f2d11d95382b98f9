/* SPDX-License-Identifier: MIT */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { DIAL_ADDRESS_MS = 10000, DIAL_STAGGER_MS = 300 };

struct dial_target {
	const char *host; /* name or address, IPv6 without brackets */
	uint16_t port;
	bool whole;     /* host is a whole name: no domain is searched */
	int address_ms; /* limit for each address; 0 = DIAL_ADDRESS_MS */
};

/*
 * A connected non-blocking, close-on-exec TCP socket with TCP_NODELAY.
 * The addresses of the name are tried in the order of net/resolve.h; the next
 * one starts after DIAL_STAGGER_MS without an answer, or at once after a
 * refusal, so that a dead IPv6 route does not hold up IPv4.
 * A name that does not exist is ERR_FINAL, other failures ERR_TRANSIENT.
 */
int dial_tcp(const struct dial_target *target, int64_t deadline, int *fd,
    struct err *err);

#endif
