/* SPDX-License-Identifier: MIT */
#ifndef KEEP_KEEPER_H
#define KEEP_KEEPER_H

#include <stdbool.h>

struct config;
struct err;
struct state;
struct user_ids;

/*
 * The process that lives as long as the node: init of the application under
 * `run`, a process of its own after `up`.  It forwards signals, reaps, has
 * workers do what the node's life needs (keep/life.h), keeps the agent running
 * (keep/supervisor.h), answers `status` and `down` (work/control.h).  It reads
 * no byte from the network.
 */
struct keeper_options {
	const struct config *cfg;
	const char *role; /* as checked by preflight */
	char *code;       /* of a given activation, wiped once used, or NULL */
	const struct err *refused;    /* why there will be no node, or NULL */
	const struct user_ids *user;  /* of the command, or NULL */
	const struct state *leftover; /* only remove this, or NULL */
	bool command;                 /* cfg->argv is to be run */
	int report_fd; /* where `up` waits for JOURNAL_NODE or JOURNAL_FAILED,
	                * -1 = nowhere */
};

/* Gives the exit status of the process; err says why, where there is more to
 * say than was logged (the command cannot be run). */
int keeper_run(const struct keeper_options *options, struct err *err);

#endif
