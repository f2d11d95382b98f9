/* SPDX-License-Identifier: MIT */
#ifndef SSM_STATE_H
#define SSM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ssm/id.h"

struct buf;
struct err;

/*
 * What this container holds on the account and on disk: plain data without
 * pointers, so that it can cross a pipe.  Zero is "nothing".  It is on disk
 * before anything is created, so that a start after a crash knows what its
 * predecessor left.
 */
enum { STATE_CONTAINER_SIZE = 65, STATE_FILE_MAX = 64 * 1024 };

struct state {
	char container[STATE_CONTAINER_SIZE]; /* which container; hash */
	char nonce[SSM_UUID_SIZE]; /* in the activation's description */
	char role[SSM_ROLE_MAX + 1];
	char region[64];
	char activation[SSM_UUID_SIZE]; /* exists on the account, ours */
	char node[SSM_NODE_SIZE];       /* exists on the account */
	char fingerprint[SSM_UUID_SIZE];
	bool unsettled; /* CreateActivation was sent, outcome not known */
	bool begun;     /* vault and sudoers file, where they are, are ours */
	bool installed; /* they are complete */
	bool builtin;   /* for the agent of our own (serve/serve.h) */
	int64_t since;  /* registered, seconds since 1970 */
};

/*
 * The journal: all that workers tell their keeper, in one list, as soon as it
 * has happened.  text and state: what comes with it (work/job.h).
 */
enum journal {
	JOURNAL_NONE,
	/* of the account, by ssm/register.h */
	JOURNAL_ACTIVATION,    /* text: id; it exists now */
	JOURNAL_NODE,          /* text: id; it exists now */
	JOURNAL_NO_ACTIVATION, /* it is gone */
	JOURNAL_NO_NODE,       /* it is gone */
	JOURNAL_SETTLED,       /* nothing unknown is left from a lost answer */
	JOURNAL_HANDED_OVER,   /* the code waits in the code pipe: the agent is
	                        * to register by itself */
	/* by the net worker itself */
	JOURNAL_REGION,   /* text; before the first request */
	JOURNAL_NAME,     /* text: of the node; for SSM_ACTIVATE_ON_UP */
	JOURNAL_ACCEPTED, /* AWS still accepts the registration */
	JOURNAL_REFUSED,  /* it does not */
	JOURNAL_WISH,     /* text: what the parameter says (work/wish.h) */
	/* by files workers */
	JOURNAL_STATE,    /* state: what is on disk, of this container */
	JOURNAL_LEFTOVER, /* state: what is on disk, of a predecessor */
	JOURNAL_AGENT,    /* text: path of amazon-ssm-agent, or WORK_BUILTIN */
	JOURNAL_MEMORY,   /* nothing can be written: the state is in memory */
	JOURNAL_CERTS,    /* the agent is to trust a file of ours */
	JOURNAL_HELD,     /* by another keeper; text: its pid, 0 = not known */
	/* by the reader of the agent's log, or by our own agent */
	JOURNAL_READY,     /* what is written from now on will be read */
	JOURNAL_ONLINE,    /* the agent's control channel is open */
	JOURNAL_OFFLINE,   /* it is closed */
	JOURNAL_HIBERNATE, /* the agent sleeps */
	JOURNAL_DOUBT,     /* AWS seems not to know the node any more */
	JOURNAL_BUSY,      /* a session is open */
	JOURNAL_IDLE,      /* none is */
	/* the last one of every worker */
	JOURNAL_DONE,
	JOURNAL_FAILED, /* err */
	JOURNAL_TYPES,
};

/* One type in a set of types. */
#define JOURNAL_BIT(type) (UINT32_C(1) << (type))

/* Take into the state what has happened; true if that changed it.  told: the
 * state that comes with JOURNAL_STATE and JOURNAL_LEFTOVER.  Pure. */
bool state_apply(struct state *state, enum journal what, const char *text,
    const struct state *told);

/* Nothing is left on the account that this state knows of. */
bool state_settled(const struct state *state);

/* Every text is terminated and of the form its meaning asks for. */
bool state_valid(const struct state *state);

/* From a pipe a text may have no end, and a bool be any byte. */
bool state_text(const char *text, size_t size);
bool state_flag(const bool *flag);

int state_encode(struct buf *out, const struct state *state, struct err *err);
int state_decode(struct state *out, const char *text, struct err *err);

/* 1 = no file. */
int state_load(struct state *out, const char *path, struct err *err);
int state_save(const struct state *state, const char *path, struct err *err);

#endif
