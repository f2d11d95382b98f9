/* SPDX-License-Identifier: MIT */
#ifndef SERVE_LEDGER_H
#define SERVE_LEDGER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "serve/records.h"
#include "serve/serve.h"

struct err;
struct websocket;

/*
 * The sessions as a channel worker knows them: what each is still to be told,
 * and how it ended until the service has acknowledged that.  Nothing waits.
 */
enum {
	LEDGER_MAX = SERVE_SESSIONS + 16, /* those that are refused, too */
	LEDGER_RECENT = 256,
	LEDGER_RECENT_MS = 30 * 60 * 1000, /* as amazon-ssm-agent has it */
	LEDGER_TRIES = 3,                  /* on one control channel */
	LEDGER_AGAIN_MS = 1000,
	LEDGER_GIVE_UP_MS = 10 * 60 * 1000,
};

struct ledger_entry {
	char id[ORDER_SESSION_SIZE]; /* "" = free */
	int fd;                      /* the session's socket, 0 = none yet */
	struct buf task;             /* what was not sent yet of it */
	size_t sent;
	bool task_due, cred_due, stop_due;
	bool stopped; /* the service ended it */
	bool ended;   /* outcome says how */
	struct records_outcome outcome;
	int tries;
	int64_t next, give_up_at;
};

struct ledger {
	int line; /* to the core */
	bool parting;
	struct records_session *cred; /* owned: RECORDS_CRED; kind 0 = none */
	/* Those that are free are not written to, and take no memory then. */
	struct ledger_entry entries[LEDGER_MAX];
	struct ledger_recent {
		char id[ORDER_SESSION_SIZE];
		int64_t until;
	} recent[LEDGER_RECENT];
	size_t recent_next;
};

int ledger_open(struct ledger **out, int line, struct err *err);
void ledger_free(struct ledger *ledger); /* wipes; NULL is fine */

/* The service wants a session: it is asked for, unless it is there or was a
 * short time ago.  The task moves into the ledger. */
void ledger_want(struct ledger *ledger, const char *id, struct buf *task);
/* The service ends one. */
void ledger_stop(struct ledger *ledger, const char *id);
/* The service has heard how it ended. */
void ledger_acknowledged(struct ledger *ledger, const char *id);

/* The core has started it, or cannot; fd belongs to the ledger. */
void ledger_seat(struct ledger *ledger, const char *id, int fd);
void ledger_refused(struct ledger *ledger, const char *id, const char *why);

/* All sessions are to get these credentials; the record is copied. */
void ledger_credentials(struct ledger *ledger,
    const struct records_session *cred);

/* Tell sessions what is due, hear how they ended. */
void ledger_move(struct ledger *ledger);

/* Tell the service what is due, where the websocket is open; one that was just
 * opened is told everything again. */
void ledger_report(struct ledger *ledger, struct websocket *ws,
    const char *node);
void ledger_reopened(struct ledger *ledger);

/* What to wait for, at most LEDGER_MAX, and until when. */
size_t ledger_poll(const struct ledger *ledger, struct pollfd *fds);
int64_t ledger_due(const struct ledger *ledger);

#endif
