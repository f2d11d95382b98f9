/* SPDX-License-Identifier: MIT */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include <stddef.h>

struct buf;
struct config;
struct err;

/*
 * The command `aws ssm start-session` for a node; pure.  Documents and their
 * parameters are those of Session Manager (AWS-StartPortForwardingSession,
 * AWS-StartPortForwardingSessionToRemoteHost, AWS-StartInteractiveCommand).
 */
enum { SESSION_ARGS_MAX = 16 };

struct session {
	const char *argv[SESSION_ARGS_MAX + 1]; /* borrowed; NULL at the end */
	size_t count;
};

/*
 * node and region are borrowed, parameters holds the JSON and must live as
 * long.  cfg: --port, the command, --profile, --endpoint-url.
 * ERR_KIND_USAGE: a port that is none.
 */
int session_build(struct session *out, struct buf *parameters,
    const struct config *cfg, const char *node, const char *region,
    struct err *err);

/* The command as a line for a POSIX shell, without an end of line. */
void session_print(struct buf *out, const struct session *session);

#endif
