/* SPDX-License-Identifier: MIT */
#ifndef SERVE_DIALER_H
#define SERVE_DIALER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mgs/smux.h"
#include "serve/ask.h"

struct err;

/*
 * The connections of a session with ports, for its helper: all at once, none
 * waits for another.  A remote address is refused where mgs/deny.h says so,
 * whatever the worker had checked.
 */
enum { DIALER_MAX = SMUX_STREAMS, DIALER_MS = 10000 };

struct dialer_one {
	uint32_t id;
	int fd;
	uint16_t port;
	bool more; /* this host: there is another address to try */
	int64_t until;
};

/* Zero has none. */
struct dialer {
	struct dialer_one at[DIALER_MAX];
	size_t count;
};

/* Begin with ASK_DIAL, valid. */
int dialer_begin(struct dialer *dialer, const struct ask *ask, struct err *err);

/* Forget one. */
void dialer_drop(struct dialer *dialer, uint32_t id);

/* What to wait for. */
size_t dialer_poll(const struct dialer *dialer,
    struct pollfd fds[static DIALER_MAX]);
int64_t dialer_due(const struct dialer *dialer);

/* One that is over, which is forgotten: its id, and its socket, the caller's,
 * or -1 with err.  False: none is. */
bool dialer_next(struct dialer *dialer, uint32_t *id, int *fd, struct err *err);

#endif
