/* SPDX-License-Identifier: MIT */
#include "serve/session.h"

#include "base/err.h"

int
session_start(struct job *job, const struct session_in *in, struct err *err)
{
	(void)job;
	(void)in;
	return err_set(err, ERR_KIND_SYSTEM,
	    "The builtin agent of this version opens no sessions. "
	    "SSM_ACTIVATE_AGENT=auto uses amazon-ssm-agent.");
}
