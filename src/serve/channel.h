/* SPDX-License-Identifier: MIT */
#ifndef SERVE_CHANNEL_H
#define SERVE_CHANNEL_H

struct err;
struct work;

/*
 * The channel worker, for job_start(): the node's credentials, its heartbeat,
 * its control channel, and what sessions are told of these.  It goes into the
 * net worker's jail first.  work->line_fd and work->pass_fd lead to the core.
 * It ends when they do.
 */
int channel_run(const struct work *work, int out, struct err *err);

#endif
