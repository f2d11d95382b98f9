/* SPDX-License-Identifier: MIT */
#ifndef SSM_LEFTOVER_H
#define SSM_LEFTOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "ssm/ssm.h"

struct err;
struct slice;

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

enum leftover_task {
	LEFTOVER_TASK_NONE, /* no task, or none that may be asked for */
	LEFTOVER_TASK_KNOWN,
	LEFTOVER_TASK_ASKED,
	LEFTOVER_TASK_UNCLEAR, /* asking failed */
	LEFTOVER_TASK_RUNS,    /* anything but STOPPED */
	LEFTOVER_TASK_ENDED,
	LEFTOVER_TASK_GONE, /* MISSING */
};

enum {
	LEFTOVER_MAX = 20000,
	LEFTOVER_NAME_SIZE = 128,
	LEFTOVER_ARN_SIZE = SSM_TEXT_MAX + 1,
};

struct leftover {
	enum leftover_why why;
	enum leftover_task state; /* of the task */
	bool activation;          /* else a node */
	bool online;
	bool pinged;   /* ever */
	int64_t since; /* last sign of life, or end; 0 = not known */
	char id[SSM_NODE_SIZE];
	char name[LEFTOVER_NAME_SIZE]; /* or description; printable, cut */
	char task[LEFTOVER_ARN_SIZE];  /* ARN, "" = none */
};

/*
 * All nodes and activations of ours go into list, an array of struct leftover
 * (freed by the caller), each with why it is left, if it is.  age: how long,
 * in seconds, a node may be silent.  What could not be examined is logged and
 * does not count as left: -1, with the first such failure in err and all else
 * in the list.
 */
int leftover_find(const struct ssm *ssm, int64_t age, struct buf *list,
    struct err *err);

/* Whether a node has been silent for longer than age, seconds; one that was
 * never online gets an hour at least, since its start may be under way. */
bool leftover_silent(const struct leftover *node, int64_t now, int64_t age);

/* Why a node is left; pure, as the one above. */
enum leftover_why leftover_judge(const struct leftover *node, bool silent);

/* "task_stopped" */
const char *leftover_reason(enum leftover_why why);

/* The ARN of a task of the region, up to the task's id:
 * arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER; pure. */
bool leftover_task_group(struct slice arn, const char *region,
    struct slice *group);

#endif
