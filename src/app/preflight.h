/* SPDX-License-Identifier: MIT */
#ifndef APP_PREFLIGHT_H
#define APP_PREFLIGHT_H

#include "ssm/ssm.h"

struct config;
struct err;

/*
 * The settings as a whole, checked before anything is started or asked for;
 * with a node that is required, that there is an agent, too.
 */
struct preflight {
	char role[SSM_ROLE_MAX + 1];
	char code[SSM_CODE_SIZE]; /* secret, "" = none or from a file */
};

/* The code is taken out of the process's environment in any case. */
int preflight_check(struct preflight *out, struct config *cfg, struct err *err);
void preflight_wipe(struct preflight *preflight);

#endif
