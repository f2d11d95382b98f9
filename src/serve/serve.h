/* SPDX-License-Identifier: MIT */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

struct err;
struct work;

/*
 * The agent of our own: what keeps the node online and its sessions, in place
 * of amazon-ssm-agent.  Its core is a worker of the keeper that stays:
 *
 *	core             holds the node's private key, signs; reads no byte
 *	 |               from the network
 *	 |- channel      in the net worker's jail: credentials, heartbeat,
 *	 |               control channel
 *	 '- a helper for each session: pty, shell, dials; reads no byte from
 *	     |           the network
 *	     '- its session worker, in the same jail: data channel, names
 *
 * A channel worker that dies is started again, and sessions live on.  The core
 * ends all of it when it ends.
 *
 * Its keeper tells it by signals: SIGHUP, the container stops, so sessions are
 * to end and their users to be told; SIGTERM, end.  It tells its keeper
 * JOURNAL_ONLINE and JOURNAL_OFFLINE, JOURNAL_BUSY and JOURNAL_IDLE (a session
 * is open), JOURNAL_DOUBT (AWS seems not to know the node any more).
 */
enum {
	SERVE_SESSIONS = 128, /* at once; one more is refused with a word */
	SERVE_PARTS_MS = 300, /* sessions get from SIGHUP to their end */
};

/* What we call ourselves.  From 3.3.2746.0 on AWS expects ENV_VAR interpolation
 * of documents. */
#define SERVE_VERSION "3.3.0.0"

/* The core, for job_start(); work->state is the node. */
int serve_run(const struct work *work, int out, struct err *err);

#endif
