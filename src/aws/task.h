#ifndef AWS_TASK_H
#define AWS_TASK_H

#include <stdint.h>

struct api;
struct err;

/*
 * What ECS says of the task and container we are in: task metadata, version 4
 * (Amazon ECS developer guide, "task metadata endpoint version 4").
 */
enum { TASK_TEXT_MAX = 256 };

struct task {
	char arn[TASK_TEXT_MAX];	 /* TaskARN */
	char region[64];		 /* 4th field of the ARN */
	char zone[64];			 /* AvailabilityZone, may be "" */
	char cluster[TASK_TEXT_MAX];	 /* short name */
	char family[TASK_TEXT_MAX];
	char id[TASK_TEXT_MAX];		 /* last part of the ARN */
	char container[TASK_TEXT_MAX];	 /* this container's Name, or "" */
	char docker_id[TASK_TEXT_MAX];	 /* this container's DockerId, or "" */
	char desired_status[32];	 /* RUNNING, STOPPED */
};

/*
 * Ask the metadata endpoint, 2 s, two attempts, no proxy.  Gives 1 when the
 * environment names none (or one that is not 169.254.170.2), 0 when out is
 * filled in, -1 when it was there and failed.
 */
int task_load(struct task *out, struct api *api, int64_t deadline,
    struct err *err);

#endif
