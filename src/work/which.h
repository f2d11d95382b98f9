/* SPDX-License-Identifier: MIT */
#ifndef WORK_WHICH_H
#define WORK_WHICH_H

#include <stdbool.h>

#include "work/work.h"

struct config;
struct err;

/*
 * Which agent runs (SSM_ACTIVATE_AGENT).  `auto` is amazon-ssm-agent where it
 * is installed, may be run by us, and may be what the settings ask for; else
 * our own.  One that is there and cannot be used is told of by one warning.
 */

/* Its path or WORK_BUILTIN.  Looks at files, whose volume may not answer. */
int which_agent(char out[static WORK_AGENT_SIZE], const struct config *cfg,
    struct err *err);

/* It is our own, by the setting alone: no file is looked at. */
bool which_builtin(const struct config *cfg);

/* A setting that our own agent cannot do stands beside
 * SSM_ACTIVATE_AGENT=builtin, or a path beside too few privileges; pure but for
 * asking the kernel for our privileges. */
int which_check(const struct config *cfg, struct err *err);

#endif
