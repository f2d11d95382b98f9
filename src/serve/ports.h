/* SPDX-License-Identifier: MIT */
#ifndef SERVE_PORTS_H
#define SERVE_PORTS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mgs/document.h"
#include "mgs/flow.h"
#include "mgs/smux.h"
#include "net/cidr.h"
#include "serve/ask.h"

struct err;

/*
 * A session with ports, for its worker: connections that the helper makes,
 * many of them by smux, or one whose bytes are the session's
 * (amazon-ssm-agent, agent/session/plugins/port).
 *
 * A remote host is looked up here and judged by mgs/deny.h, its name and each
 * of its addresses; the helper judges them again.  What a connection does not
 * take waits in a buffer of PORTS_HELD bytes, behind which the client waits.
 */
enum {
	PORTS_HELD = 32 * 1024,
	PORTS_RESOLVE_MS = 5000,
	PORTS_KEPT_MS = 10000,      /* addresses of a name */
	PORTS_HALF_OPEN_MS = 60000, /* the client has ended, silence since */
};

struct ports_stream {
	uint32_t id; /* 0 = unused */
	int fd;      /* 0 = not connected yet */
	size_t next; /* which address is tried */
	bool dialing;
	bool ending, ended; /* the client sends no more; and that was said */
	bool heard;         /* the peer sends no more */
	struct buf held;    /* bytes for it */
	size_t held_at;
	int64_t moved; /* when it last gave bytes */
};

struct ports {
	/* Given, and borrowed. */
	const struct document *doc;
	struct flow *flow;
	int hand;
	struct ask *ask;
	/* What follows is zero at first. */
	bool ready, mux;
	struct smux smux;
	struct ports_stream at[SMUX_STREAMS]; /* without mux: the first one */
	size_t turn;                          /* which one is read first */
	struct cidr_list found;
	int64_t found_at;
};

/* As in serve/program.h. */
int ports_event(struct ports *ports, const struct flow_event *event,
    int64_t now, struct err *err);
int ports_told(struct ports *ports, const struct ask *ask, const int *fds,
    size_t count, struct err *err);
int ports_move(struct ports *ports, int64_t now, struct err *err);
size_t ports_poll(const struct ports *ports,
    struct pollfd fds[static SMUX_STREAMS]);
int64_t ports_due(const struct ports *ports);
void ports_close(struct ports *ports);

#endif
