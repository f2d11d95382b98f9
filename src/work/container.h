/* SPDX-License-Identifier: MIT */
#ifndef WORK_CONTAINER_H
#define WORK_CONTAINER_H

#include "base/env.h"
#include "ssm/state.h"

/*
 * Which container this is, so that a registration made elsewhere (in the
 * image, a snapshot, on a shared volume) is never taken for ours: a hash of
 * the boot id, on ECS of the address of the task metadata, which ends in the
 * id of the container (Amazon ECS developer guide), and of the upper folder of
 * the root overlay, else of device, inode and, where the kernel knows it,
 * birth time of "/".  Two containers never have the same; a restart in place
 * keeps it.  "" when it cannot be told.
 */
void container_identity(char out[static STATE_CONTAINER_SIZE], struct env env);

/* The upper folder in the text of /proc/PID/mountinfo (proc(5)); "" = the
 * root is no overlay.  Pure. */
void container_upperdir(char *out, size_t size, const char *mountinfo);

#endif
