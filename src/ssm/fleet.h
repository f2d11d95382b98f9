/* SPDX-License-Identifier: MIT */
#ifndef SSM_FLEET_H
#define SSM_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "ssm/ssm.h"

struct err;
struct json;

/*
 * The managed nodes of the account that are tagged as ours, with the ECS tasks
 * that they are in: from DescribeInstanceInformation, ListTagsForResource (one
 * call a node) and DescribeTasks (100 tasks a call).
 */
enum fleet_task {
	FLEET_TASK_NONE, /* no task, or none that may be asked for */
	FLEET_TASK_KNOWN,
	FLEET_TASK_ASKED,
	FLEET_TASK_UNCLEAR, /* asking failed */
	FLEET_TASK_RUNS,    /* anything but STOPPED */
	FLEET_TASK_ENDED,
	FLEET_TASK_GONE, /* MISSING */
};

enum {
	FLEET_MAX = 20000,
	FLEET_NAME_SIZE = 128,
	FLEET_ARN_SIZE = SSM_TEXT_MAX + 1,
};

/* Texts are printable, and cut to their sizes. */
struct fleet_node {
	enum fleet_task state; /* of the task */
	bool online;
	bool pinged;        /* ever */
	int64_t since;      /* last sign of life, or registered; 0 = unknown */
	int64_t registered; /* seconds since 1970; 0 = unknown */
	char id[SSM_NODE_SIZE];
	char name[FLEET_NAME_SIZE];
	char task[FLEET_ARN_SIZE];     /* ARN, "" = none */
	char family[FLEET_NAME_SIZE];  /* of its definition, "" = unknown */
	char service[FLEET_NAME_SIZE]; /* "" = none, or unknown */
};

/* NULL lets everything pass. */
struct fleet_filter {
	const char *name; /* a pattern (slice_glob()) */
	const char *task; /* an ARN, or the id in it */
	const char *family, *cluster;
	const char *blind; /* what we do without tags or tasks, for the
	                    * warning that they may not be asked for */
};

/*
 * All that pass go into list, an array of struct fleet_node (freed by the
 * caller).  What could not be examined is logged: -1, with the first such
 * failure in err and all else in the list.
 */
int fleet_find(const struct ssm *ssm, const struct fleet_filter *filter,
    struct buf *list, struct err *err);

/* The last part of the task's ARN, and its cluster; "" = none. */
struct slice fleet_task_id(const struct fleet_node *node);
struct slice fleet_cluster(const struct fleet_node *node);

/* The ARN of a task of the region, up to the task's id:
 * arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER; pure. */
bool fleet_group(struct slice arn, const char *region, struct slice *group);

/* Say that something could not be looked at; the first failure stays. */
void fleet_failed(struct err *first, const struct err *err);

/* A text of a listing, printable and cut; a time or a count of one, 0 = not
 * told, or none. */
void fleet_text(char *out, size_t size, const struct json *item,
    const char *key);
int64_t fleet_number(const struct json *item, const char *key);

#endif
