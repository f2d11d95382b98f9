/* SPDX-License-Identifier: MIT */
#ifndef SERVE_BADGE_H
#define SERVE_BADGE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred/value.h"
#include "serve/facts.h"
#include "serve/records.h"

struct client;
struct err;
struct work;

/*
 * What makes the channel worker the node: its credentials, renewed at half of
 * their life, and its heartbeat (UpdateInstanceInformation).  The calls wait
 * for AWS, BADGE_CALL_MS at most.  The core has the key that signs.
 */
enum { BADGE_CALL_MS = 10000 };

/* How the core is told and asked; ask() gives an answer that has bytes, valid
 * until the next one, or NULL with err. */
struct badge_core {
	void *context;
	const struct records_core *(*ask)(void *context,
	    const struct records_core *question, enum records_kind wanted,
	    struct err *err);
	void (*tell)(void *context, enum records_kind kind);
};

struct badge {
	const struct work *work;
	struct client *client;
	struct badge_core core;
	struct cred cred;
	struct facts facts;
	bool with_new; /* the core signs with the key that is to be */
	int64_t token_at, beat_at;
	int token_tries;
};

/* The work and the client are borrowed. */
void badge_open(struct badge *badge, const struct work *work,
    struct client *client, struct badge_core core);
void badge_close(struct badge *badge);

/* Get new credentials if it is time; true if there are new ones.  A failure is
 * logged, and put off by its kind. */
bool badge_renew(struct badge *badge);

/* NULL = there are none yet. */
const struct cred *badge_cred(const struct badge *badge);

/* A call failed; if AWS says that they are out of date there are new ones
 * soon. */
void badge_refused(struct badge *badge, const struct err *why);

/* Send the heartbeat if it is time; soon, after badge_hurry(). */
void badge_beat(struct badge *badge, bool connected);
void badge_hurry(struct badge *badge);

/* When either is due. */
int64_t badge_due(const struct badge *badge);

#endif
