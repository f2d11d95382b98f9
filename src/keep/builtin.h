/* SPDX-License-Identifier: MIT */
#ifndef KEEP_BUILTIN_H
#define KEEP_BUILTIN_H

#include <stdbool.h>
#include <sys/types.h>

#include "work/job.h"

struct err;
struct work;

/*
 * The agent of our own (serve/serve.h) for its supervisor: a worker that stays.
 * Zero is none.
 */
struct builtin {
	const struct work *work; /* its state is the node */
	struct job job;
	bool busy; /* a session is open */
};

int builtin_start(struct builtin *builtin, struct err *err);

/* Read what it tells; gives the news as follow_step() does. */
unsigned builtin_step(struct builtin *builtin, unsigned news);

/* It was reaped, or killed: no more is heard of it than what it has said. */
void builtin_ended(struct builtin *builtin, pid_t pid);

/* The container stops: sessions are told so, within SERVE_PARTS_MS.  True if
 * there was one. */
bool builtin_part(const struct builtin *builtin);

#endif
