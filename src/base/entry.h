/* SPDX-License-Identifier: MIT */
#ifndef BASE_ENTRY_H
#define BASE_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * Lines of passwd(5) and group(5).  What is missing is empty; comments and
 * switches of NIS have no fields at all.
 */
enum {
	ENTRY_NAME = 0,
	ENTRY_ID = 2,
	ENTRY_GID = 3,
	ENTRY_MEMBERS = 3, /* of a group, with commas between */
	ENTRY_HOME = 5,
	ENTRY_FIELDS = 7
};

struct entry {
	struct slice field[ENTRY_FIELDS];
};

/* Cut the next line off; false at the end. */
bool entry_next(struct slice *text, struct entry *out);

/* The first entry with a name whose field is the value. */
bool entry_find(struct slice text, int field, struct slice value,
    struct entry *out);

/* The group names the user as a member. */
bool entry_has_member(const struct entry *group, struct slice user);

/* A number that is an id; 2^32 - 1 is none.  Set on success only. */
bool entry_id(struct slice text, uint32_t *id);

#endif
