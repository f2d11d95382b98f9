/* SPDX-License-Identifier: MIT */
#ifndef SERVE_PROGRAM_H
#define SERVE_PROGRAM_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "mgs/document.h"
#include "mgs/flow.h"
#include "serve/ask.h"

struct err;

/*
 * A session with a program, for its worker: a shell, or a command, that the
 * helper starts when the client is ready.  Its terminal or pipes are read only
 * as far as the client takes what they say, and input stays with the client
 * until the program takes it.
 */
enum { PROGRAM_FDS = 2, PROGRAM_GRACE_MS = 200 };

struct program {
	/* Given, and borrowed. */
	const struct document *doc;
	struct flow *flow;
	int hand;        /* to the helper */
	struct ask *ask; /* to be used for records */
	/* What follows is zero at first. */
	bool ready, asked, exited;
	unsigned columns, rows;
	int fds[PROGRAM_FDS]; /* terminal, or output and errors; 0 = none */
	int code;
	int64_t quiet_from;       /* it has ended, and is silent since then */
	size_t after;             /* bytes that were read since it has ended */
	bool within[PROGRAM_FDS]; /* in the middle of a line */
	struct slice typed;       /* of the profile; then a line end */
	bool profile_typed, held; /* input waits for the terminal */
};

/* What all of these give: 0 = the session goes on, 1 = it is over, -1 = it has
 * failed, err->msg is for the user. */

/* Tell the helper what the document wants, which binds it (ask_within()). */
int program_bind(const struct document *doc, int hand, struct ask *ask,
    struct err *err);

/* An event of the flow; INPUT may stay. */
int program_event(struct program *program, const struct flow_event *event,
    struct err *err);

/* A record of the helper, with its descriptors, which are the program's. */
int program_told(struct program *program, const struct ask *ask, const int *fds,
    size_t count, struct err *err);

/* Start, and pass on what goes; afterwards flow_pump(). */
int program_move(struct program *program, int64_t now, struct err *err);

/* What to wait for. */
size_t program_poll(const struct program *program,
    struct pollfd fds[static PROGRAM_FDS]);
int64_t program_due(const struct program *program);

void program_close(struct program *program);

#endif
