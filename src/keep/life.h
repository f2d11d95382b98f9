/* SPDX-License-Identifier: MIT */
#ifndef KEEP_LIFE_H
#define KEEP_LIFE_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keep/life_table.h"

struct config;
struct err;
struct state;

/* What a keeper does with the life of its node.  Nothing is allocated. */
struct life_options {
	const struct config *cfg;
	const char *role;
	char *code; /* wiped when it is used, or of no use any more */
};

/* It waits for one of the three that follow. */
void life_init(struct life *life, const struct life_options *options);
void life_start(struct life *life);

/*
 * Access on demand: remove what a predecessor left, and rest until
 * life_start().  Once it is over, rest again; why it was stays in last.
 * life_rests(): the start is all that is missing.
 */
void life_rest(struct life *life);
void life_renew(struct life *life);
bool life_rests(const struct life *life);

/* The node goes at this time instead (seconds since 1970, 0 = after
 * SSM_ACTIVATE_TTL from now); at once, sessions apart. */
void life_prolong(struct life *life, int64_t until);
void life_cut(struct life *life);

/* There will be no node, because of err. */
void life_bar(struct life *life, const struct err *err);

/* Only remove what the state, read from the disk, knows of; the agent's files
 * not when somebody else uses their folder. */
void life_clear(struct life *life, const struct state *state, bool shared);

/* AWS seems not to know the node any more: ask, and register anew if so. */
void life_doubt(struct life *life);

/* The process ends before the life does: say what is left. */
void life_abandon(const struct life *life);

/* Do whatever is due: read what workers tell, start the next one. */
void life_step(struct life *life);

/* Tell that pid was reaped; true if that was one of the workers. */
bool life_reaped(struct life *life, pid_t pid);

/* The agent runs; or it cannot be started, or is lost. */
void life_agent_runs(struct life *life);
void life_agent_lost(struct life *life, const struct err *err);

/* The container ends, and the next one is to have the node
 * (SSM_ACTIVATE_KEEP_IDENTITY): where it is registered, the stop that follows
 * leaves it on the account and on disk. */
void life_keep(struct life *life);

/* Begin the take-down, whatever the state. */
void life_stop(struct life *life);

/* The node is that of an earlier start of this container. */
bool life_reuses(const struct life *life);

/* Sessions were just told that it is over: the agent is needed still. */
bool life_parts(const struct life *life);

/* The agent is our own. */
bool life_builtin(const struct life *life);

/* Nothing more will happen. */
bool life_over(const struct life *life);

/* What life_step() waits for: descriptors, at most LIFE_FDS, and a point in
 * time (INT64_MAX = none). */
enum { LIFE_JOBS = 5, LIFE_FDS = LIFE_JOBS * JOB_FDS };
size_t life_poll(const struct life *life, struct pollfd *fds);
int64_t life_due(const struct life *life);

#endif
