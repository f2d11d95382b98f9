#ifndef WORK_RECORD_H
#define WORK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ssm/state.h"

/*
 * What a worker tells its keeper: records of one size over a pipe, each one a
 * single atomic write.  Those of the net worker are the journal: what exists
 * on the account is known as soon as it exists, and a worker that is killed
 * takes no knowledge with it.
 */
enum record_type {
	RECORD_NONE,
	/* files worker */
	RECORD_STATE, /* state: what is on disk */
	RECORD_CERTS, /* the agent is to trust a file of ours */
	RECORD_HELD,  /* by another keeper; text: its pid, 0 = not known */
	/* net worker */
	RECORD_REGION,        /* text */
	RECORD_ACTIVATION,    /* text: id */
	RECORD_NODE,          /* text: id */
	RECORD_NO_ACTIVATION, /* it is gone */
	RECORD_NO_NODE,
	RECORD_SETTLED,     /* no lost activation is left */
	RECORD_HANDED_OVER, /* the code waits in the code pipe */
	RECORD_ACCEPTED,    /* AWS still accepts the registration */
	RECORD_REFUSED,     /* it does not */
	/* reader of the agent's log */
	RECORD_READY,     /* what is written from now on will be read */
	RECORD_ONLINE,    /* the agent's control channel is open */
	RECORD_HIBERNATE, /* the agent sleeps */
	RECORD_DOUBT,     /* AWS seems not to know the node any more */
	/* the last one of every worker */
	RECORD_DONE,
	RECORD_FAILED, /* err */
	RECORD_TYPES,
};

enum { RECORD_TEXT_SIZE = 128 };

/* One type in a set of types. */
#define RECORD_BIT(type) (UINT32_C(1) << (type))

struct record {
	uint32_t magic;
	uint32_t type;
	char text[RECORD_TEXT_SIZE];
	struct state state;
	struct err err;
};

/* An empty record of the type. */
void record_make(struct record *out, enum record_type type);

/* Send one; text, state and err may be NULL. */
int record_send(int fd, enum record_type type, const char *text,
    const struct state *state, const struct err *err);

/* Send the last one: RECORD_DONE, or RECORD_FAILED with the error. */
void record_finish(int fd, int rc, const struct err *err);

/* 1 = a record, 0 = none yet, -1 = the end.  What is not of the right form
 * is dropped with a warning, since the sender talked to the network. */
int record_receive(int fd, struct record *out);

/* Take what the record says into the state; true if that changed it.  Pure.
 */
bool record_apply(struct state *state, const struct record *record);

/* Pure. */
bool record_valid(const struct record *record);
bool record_err_valid(const struct err *err);

#endif
