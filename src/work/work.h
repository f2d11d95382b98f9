/* SPDX-License-Identifier: MIT */
#ifndef WORK_WORK_H
#define WORK_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "ssm/state.h"

struct buf;
struct config;
struct err;

/*
 * The jobs that a keeper has done by workers (work/job.h).  All take a struct
 * work and tell what they did by records (work/job.h).
 */

/* The path of amazon-ssm-agent, with its end; a journal entry has room for it.
 */
enum { WORK_AGENT_SIZE = 384 };

/* In place of that path: the agent of our own. */
#define WORK_BUILTIN "builtin"

struct work {
	const struct config *cfg;
	const char *agent; /* path of amazon-ssm-agent or WORK_BUILTIN, "" = not
	                    * known yet */
	const char *role;  /* as CreateActivation takes it */
	const struct state *state;
	char *code;     /* of a given activation, NULL = read the file */
	bool delegate;  /* the agent registers */
	bool tidy;      /* remove what is left beside a living node */
	bool memory;    /* nothing can be written on disk */
	bool idle;      /* prepare: only look for a predecessor's */
	int key_fd;     /* WORK_BUILTIN: the node's key, at most 0 = none
	                 * (work/node_key.h) */
	int public_fd;  /* pipe: base64 of the public key, a line */
	int private_fd; /* pipe: base64 of the private key, a line */
	bool refused;   /* there will be no node: no more than the lock */
	int guard_fd;   /* socket: descriptors, for pass_receive() */
	int code_fd;    /* pipe: struct ssm_activation, handed over */
	/* Of the agent of our own (serve/serve.h): the socket of a channel or
	 * session worker for records, that for descriptors, and the session. */
	int line_fd, pass_fd;
	const char *session;
	int64_t deadline;          /* clock_ms() time base, of the requests */
	const struct err *failure; /* to be noted, code 0 = none, or NULL */
};

/* Network workers; the first thing they do is to give up privileges. */

/* JOURNAL_REGION, JOURNAL_ACTIVATION, JOURNAL_NODE, …  Where the state is that
 * of a registration (work_registered()): is it still good?  JOURNAL_ACCEPTED or
 * JOURNAL_REFUSED. */
int work_net_register(const struct work *work, int out, struct err *err);
bool work_registered(const struct state *state);

/* What does the parameter of SSM_ACTIVATE_DEMAND say?  JOURNAL_WISH; where
 * there is none, that of version 0, and the failure. */
int work_net_wish(const struct work *work, int out, struct err *err);

/* Remove what the state knows of. */
int work_net_remove(const struct work *work, int out, struct err *err);

/* Ask for the task's metadata until ECS wants it to stop: JOURNAL_DONE. */
int work_watch_run(const struct work *work, int out, struct err *err);

/* It is to be watched, and can be: on ECS.  Pure. */
bool work_watch_wanted(const struct work *work);

/* Files workers. */

/* Take the lock and the control socket for the keeper (keep/guard.h): the
 * descriptors, or JOURNAL_HELD if another keeper holds them.  Dropping removes
 * the socket. */
int work_guard_take(const struct work *work, int out, struct err *err);
int work_guard_drop(const struct work *work, int out, struct err *err);

/*
 * Tell what the agent's log says until nobody reads any more: JOURNAL_READY,
 * then JOURNAL_ONLINE, JOURNAL_OFFLINE, JOURNAL_HIBERNATE and JOURNAL_DOUBT;
 * warnings and errors go to our own log.
 */
int work_log_follow(const struct work *work, int out, struct err *err);

/*
 * Can everything be written that will have to be; is somebody else's agent
 * running; where is the agent; what is known of an earlier start?
 * JOURNAL_AGENT, then JOURNAL_STATE (registered in this container, or a new
 * state, on disk already) or JOURNAL_LEFTOVER (somebody's, to be removed
 * first).  With idle nothing but the last one, of this container too, or
 * nothing.
 */
int work_files_prepare(const struct work *work, int out, struct err *err);

/* Put the state on disk. */
int work_files_save(const struct work *work, int out, struct err *err);

/* Let amazon-ssm-agent register: JOURNAL_NODE. */
int work_delegate_run(const struct work *work, int out, struct err *err);

/* Vault, configuration, ssm-user, sudoers, certificates: JOURNAL_STATE. */
int work_files_install(const struct work *work, int out, struct err *err);

/* Remove what we put on disk, and note the failure. */
int work_files_forget(const struct work *work, int out, struct err *err);

/* Note why there is no node, for `status`; or that there is no reason. */
int work_files_note(const struct work *work, int out, struct err *err);

/* The key maker: the two halves into the two pipes. */
int work_key_make(const struct work *work, int out, struct err *err);

/* A line of the key maker, without its end. */
int work_read_line(int fd, struct buf *out, int64_t deadline, struct err *err);

/* Wipe the code of a given activation in this process. */
void work_wipe_code(const struct work *work);

/* Advise to mount volumes, where nothing can be written. */
void work_advise_volumes(const struct config *cfg, struct err *err);

/* The names of our files in the state directory. */
#define WORK_LOG "agent.log"
#define WORK_NAMES \
	"state.json lock control failure ca.pem key agent.log agent.log.1"

/* A file of ours in the state directory, whose length is bounded. */
enum { WORK_PATH_MAX = 128 };
void work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name);

#endif
