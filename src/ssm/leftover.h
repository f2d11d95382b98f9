/* SPDX-License-Identifier: MIT */
#ifndef SSM_LEFTOVER_H
#define SSM_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "ssm/fleet.h"

struct err;

/*
 * What stays on the account after containers that are gone, and that no start
 * will ever find: nodes tagged as ours whose ECS task has ended or that have
 * been silent for long, and activations that carry a nonce of ours.
 */
enum leftover_why {
	LEFTOVER_NO, /* it is in use, or may be */
	LEFTOVER_TASK_STOPPED,
	LEFTOVER_TASK_MISSING, /* ECS forgets a task after an hour or more */
	LEFTOVER_SILENT,       /* ConnectionLost for too long */
	LEFTOVER_NEVER_ONLINE,
	LEFTOVER_EXPIRED,
	LEFTOVER_USED_UP,
	LEFTOVER_UNUSED, /* and older than any start takes */
};

struct leftover {
	enum leftover_why why;
	bool activation; /* then node has id, since and, as name, description */
	struct fleet_node node;
};

struct leftover_scope {
	int64_t age;      /* how long a node may be silent, seconds */
	const char *task; /* only nodes of this task, an ARN or its id; NULL =
	                   * everything */
};

/*
 * All nodes and activations of ours go into list, an array of struct leftover
 * (freed by the caller), each with why it is left, if it is.  What could not be
 * examined is logged and does not count as left: -1, with the first such
 * failure in err and all else in the list.
 */
int leftover_find(const struct ssm *ssm, const struct leftover_scope *scope,
    struct buf *list, struct err *err);

/* Whether a node has been silent for longer than age, seconds; one that was
 * never online gets an hour at least, since its start may be under way. */
bool leftover_silent(const struct fleet_node *node, int64_t now, int64_t age);

/* Why a node is left; pure, as the one above. */
enum leftover_why leftover_judge(const struct fleet_node *node, bool silent);

/* "task_stopped" */
const char *leftover_reason(enum leftover_why why);

#endif
