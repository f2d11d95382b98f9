/* SPDX-License-Identifier: MIT */
#ifndef WORK_WHICH_H
#define WORK_WHICH_H

#include <stdbool.h>

#include "work/work.h"

struct config;
struct err;

/*
 * Which agent runs (SSM_ACTIVATE_AGENT).  `auto` is amazon-ssm-agent where it
 * is installed whole, root's, and we are root; else our own, unless a setting
 * asks for what that cannot do.
 */

/* Its path or WORK_BUILTIN.  *skipped, which is empty before: why an
 * amazon-ssm-agent that is there is not the one.  Looks at files, whose volume
 * may not answer. */
int which_agent(char out[static WORK_AGENT_SIZE], const struct config *cfg,
    struct err *skipped, struct err *err);

/* It is our own; looks at files. */
bool which_builtin(const struct config *cfg);

/* A setting that our own agent cannot do stands beside
 * SSM_ACTIVATE_AGENT=builtin or too few privileges for the other one, or a path
 * beside these; pure but for asking the kernel for our privileges. */
int which_check(const struct config *cfg, struct err *err);

#endif
