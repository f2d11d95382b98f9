/* SPDX-License-Identifier: MIT */
#ifndef WORK_CONTROL_H
#define WORK_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ssm/id.h"

struct buf;
struct config;

/*
 * How commands talk to a keeper: a sequenced-packet socket in the state
 * directory, a request of one byte, an answer of one fixed struct.  Only root
 * and the keeper's own user are answered, and believed.
 */
enum control_request {
	CONTROL_STATUS = 's',
	CONTROL_UP = 'u',   /* the same; a keeper that waits to be asked is */
	CONTROL_DOWN = 'd', /* answered when the take-down is over */
};

#define CONTROL_NAME "control"
enum { CONTROL_MAGIC = 0x53534d44 };

struct control_status {
	uint32_t magic;
	pid_t keeper, agent; /* agent: 0 = does not run */
	int64_t since;       /* registered, seconds since 1970, 0 = not */
	int64_t until;       /* SSM_ACTIVATE_TTL is over, 0 = never */
	int restarts;        /* of the agent */
	bool up, online, over;
	bool builtin; /* the agent is our own */
	bool stays;   /* the keeper, after the take-down: `run` with CMD, or on
	               * demand */
	bool waits;   /* for somebody who asks for the node */
	char phase[16];
	char node[SSM_NODE_SIZE];
	char region[64];
	struct err last;
};

/* What a keeper answers: every text is terminated and of the form its meaning
 * asks for, every number and flag is one that a keeper has.  Pure, as are the
 * next two. */
bool control_valid(const struct control_status *status);

/* Append what `status` shows of it; texts of an error are made printable.  The
 * phase is CONTROL_UNKNOWN where the keeper could not be asked. */
#define CONTROL_UNKNOWN "unknown"
void control_text(struct buf *out, const struct control_status *status);
void control_json(struct buf *out, const struct control_status *status);

/* Who is at the other end of a connection is root or our own user. */
bool control_known(int fd);

/*
 * For a worker, since a volume may not answer: make the socket in the state
 * directory, of mode 0600 from its first moment, where none is listened at;
 * remove it.  Both may leave the process in that directory.
 */
int control_bind(int *out, const struct config *cfg, struct err *err);
void control_unbind(const struct config *cfg);

/*
 * The client's side: 1 = there is no keeper, 0 = answered.  The deadline is of
 * clock_ms().
 */
int control_ask(const struct config *cfg, enum control_request request,
    int64_t deadline, struct control_status *out, struct err *err);

/*
 * Have the node taken down, within the time that this may take, and wait for
 * the end of a keeper that has nothing else to do.  Results as control_ask().
 */
int control_down(const struct config *cfg, struct control_status *out,
    struct err *err);

#endif
