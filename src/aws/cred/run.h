/* SPDX-License-Identifier: MIT */
#ifndef AWS_CRED_RUN_H
#define AWS_CRED_RUN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/owner.h"

struct err;

/*
 * Run a helper program: its own process group, the two outputs captured, every
 * other descriptor closed, standard input inherited.  For another user it runs
 * as owner_become() has it, in a session of its own.  The group is killed when
 * our process ends, however that happens; what left the group stays.
 */
struct cred_run {
	char *const *argv; /* ends with NULL; argv[0] is sought in PATH */
	struct env env;
	struct owner owner; /* as whom; zero = as ourselves */
	int64_t deadline;
	struct buf out;    /* standard output, with its ceiling; freed by the
	                    * caller, as is errors */
	struct buf errors; /* standard error; what is over its ceiling is
	                    * dropped */
	int status;        /* as waitpid(2) gives it */
};

/*
 * 0 once the program has ended, however it did.  -1 when it could not be
 * started, wrote too much or was still running at the deadline: its whole
 * process group is killed then.  ERR_KIND_CREDENTIAL_RETRIEVAL.
 */
int cred_run_program(struct cred_run *run, struct err *err);

#endif
