/* SPDX-License-Identifier: MIT */
#ifndef KEEP_COMMAND_H
#define KEEP_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

#include "agent/child.h"

struct config;
struct err;
struct exec_signals;
struct user_ids;

/* The application under `run`. */
struct command {
	pid_t pid; /* 0 = not started, or ended */
	struct child child;
	int status; /* once it has ended, as a shell reports it */
	bool ended;
	pid_t on_up; /* what runs of SSM_ACTIVATE_ON_UP, 0 = nothing */
};

/* Start cfg->argv with signals as they were before ours; where the system does
 * not let us start a child, command_replace().  On failure status is what to
 * end with: 127 not found, 126 not executable, else as err says.  A program
 * whose volume does not answer in COMMAND_EXEC_MS counts as started: if it
 * cannot be run after all, it has ended with that status. */
enum { COMMAND_EXEC_MS = 2000 };

int command_start(struct command *command, const struct config *cfg,
    const struct user_ids *user, const struct exec_signals *signals,
    struct err *err);

/* Tell that pid was reaped; true if that was the command. */
bool command_reaped(struct command *command, pid_t pid, int status);

/*
 * Begin what SSM_ACTIVATE_ON_UP says, if it says something, beside the
 * application: as its user, with its signals, and with its environment but for
 * NODE, REGION and NAME; in a process group of its own, with /dev/null as
 * standard input.  Nobody waits for it; that it failed is a warning.
 */
struct command_news {
	const char *node, *region, *name;
};
void command_on_up(struct command *command, const struct config *cfg,
    const struct user_ids *user, const struct exec_signals *signals,
    const struct command_news *news);

/*
 * Become the command (execve(2)): with the gate off nothing else happens.
 * Comes back on failure only, with the status to end with.
 */
int command_become(const struct config *cfg, const struct user_ids *user,
    struct err *err);

/*
 * The same where there can be no keeper, for the reason in err, which becomes a
 * line: the command runs in its place, without a node, unless one is
 * required.  signals: those before ours, or NULL.
 */
int command_replace(const struct config *cfg, const struct user_ids *user,
    const struct exec_signals *signals, struct err *err);

#endif
