#ifndef WORK_JOURNAL_H
#define WORK_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ssm/state.h"

/*
 * What a worker tells its keeper: records of one size over a pipe, each one a
 * single atomic write.  Those of the net worker are the journal: what exists
 * on the account is known as soon as it exists, and a worker that is killed
 * takes no knowledge with it.  Their types are enum journal of ssm/state.h.
 */
enum { JOURNAL_TEXT_SIZE = 384 };

/* One type in a set of types. */
#define JOURNAL_BIT(type) (UINT32_C(1) << (type))

struct journal_entry {
	uint32_t magic;
	uint32_t type;
	char text[JOURNAL_TEXT_SIZE];
	struct state state;
	struct err err;
};

/* An empty record of the type. */
void journal_make(struct journal_entry *out, enum journal type);

/* Send one; text, state and err may be NULL. */
int journal_send(int fd, enum journal type, const char *text,
    const struct state *state, const struct err *err);

/* Send the last one: JOURNAL_DONE, or JOURNAL_FAILED with the error. */
void journal_finish(int fd, int rc, const struct err *err);

/* 1 = a record, 0 = none yet, -1 = the end.  What is not of the right form
 * is dropped with a warning, since the sender talked to the network. */
int journal_receive(int fd, struct journal_entry *out);

/* Take what the record says into the state; true if that changed it.  Pure.
 */
bool journal_apply(struct state *state, const struct journal_entry *record);

/* Pure. */
bool journal_valid(const struct journal_entry *record);
bool journal_err_valid(const struct err *err);

#endif
