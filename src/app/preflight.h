#ifndef APP_PREFLIGHT_H
#define APP_PREFLIGHT_H

#include "ssm/ssm.h"

struct config;
struct err;

/*
 * The settings as a whole, checked before anything is started or asked for.
 */
enum { PREFLIGHT_PATH_MAX = 1024 };

struct preflight {
	char role[SSM_ROLE_MAX + 1];
	char agent[PREFLIGHT_PATH_MAX];
	char code[SSM_CODE_SIZE]; /* secret, "" = none or from a file */
};

/* The code is taken out of the process's environment in any case. */
int preflight_check(struct preflight *out, struct config *cfg, struct err *err);
void preflight_wipe(struct preflight *preflight);

#endif
