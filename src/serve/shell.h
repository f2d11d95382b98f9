/* SPDX-License-Identifier: MIT */
#ifndef SERVE_SHELL_H
#define SERVE_SHELL_H

#include <sys/types.h>

#include "agent/child.h"
#include "serve/ask.h"

struct config;
struct err;

/*
 * The program of a session, for its helper: whose it is, its environment, its
 * terminal or pipes, its end (amazon-ssm-agent, agent/session/shell).
 *
 * Whose: where we are root, the user of the document; else that of
 * SSM_ACTIVATE_SESSION_USER; else ssm-user, or the number that
 * shell_reserve() found where there is none.  Where we are not root, or the
 * document wants that ("elevated"), the program is the agent's own user's.
 */
struct shell_in {
	const struct config *cfg;
	const char *region;    /* of the node */
	const struct ask *ask; /* ASK_TASK, valid, with a size */
};

struct shell {
	struct child child; /* until it runs; pid 0 = none was started */
	pid_t pid;          /* 0 = none, or reaped */
	pid_t group;        /* its process group, and session if it has one */
	int terminal;       /* its master; 0 = none */
	/* What the worker is given: the master, or ends of pipes. */
	int fds[2];
	size_t count;
};

/* Find a number for sessions where there is no ssm-user, once for all of them;
 * warns that they cannot use sudo.  To be called before the helper is forked.
 */
void shell_reserve(const struct config *cfg);

/* -1: err->msg is what the user shall read.  Zero is an empty *out. */
int shell_start(struct shell *out, const struct shell_in *in, struct err *err);

/* Put what the user shall read in place of a failure of exec(2). */
void shell_explain(const struct shell_in *in, int exec_errno, struct err *err);

/* The size of the terminal; nothing without one. */
void shell_resize(const struct shell *shell, const struct ask *ask);

/* SIGHUP, as when a terminal is gone. */
void shell_hang_up(const struct shell *shell);

/* Whether a process of it is there: of its session, or, where it has no
 * terminal, of its group. */
bool shell_lives(const struct shell *shell);

/* SIGKILL to all of these. */
void shell_kill(const struct shell *shell);

/* The helper needs the worker's descriptors no more. */
void shell_handed(struct shell *shell);

#endif
