/* SPDX-License-Identifier: MIT */
#ifndef AWS_TASK_H
#define AWS_TASK_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct err;

/*
 * What ECS says of the task and container we are in: task metadata, version 4
 * (Amazon ECS developer guide, "task metadata endpoint version 4").
 */
#define TASK_METADATA_VARIABLE "ECS_CONTAINER_METADATA_URI_V4"
enum { TASK_TEXT_MAX = 256 };

struct task {
	char arn[TASK_TEXT_MAX];     /* TaskARN */
	char region[64];             /* 4th field of the ARN */
	char zone[64];               /* AvailabilityZone, may be "" */
	char cluster[TASK_TEXT_MAX]; /* short name */
	char family[TASK_TEXT_MAX];
	char id[TASK_TEXT_MAX];        /* last part of the ARN */
	char container[TASK_TEXT_MAX]; /* this container's Name, or "" */
};

/*
 * Ask the metadata endpoint, 2 s, two attempts, no proxy.  Gives 1 when the
 * environment names none (or one that is not 169.254.170.2), 0 when out is
 * filled in, -1 when it was there and failed.
 */
int task_load(struct task *out, struct api *api, int64_t deadline,
    struct err *err);

/*
 * The region alone, by one request for the task: that of TaskARN, else that
 * of the availability zone.  Results as task_load(); 1 also when the answer
 * names neither.
 */
enum { TASK_REGION_SIZE = 64 };
int task_region(struct api *api, char out[static TASK_REGION_SIZE],
    int64_t deadline, struct err *err);

/* Whether ECS wants the task to stop, by one request.  Results as
 * task_load(). */
int task_stops(struct api *api, bool *out, int64_t deadline, struct err *err);

/* The region that a zone lies in ("us-west-2-lax-1a": us-west-2); false when
 * there is none to be seen.  Pure. */
bool task_zone_region(const char *zone, char out[static TASK_REGION_SIZE]);

#endif
