#ifndef AGENT_SPEC_H
#define AGENT_SPEC_H

#include <stdbool.h>

#include "base/env.h"

struct err;

/*
 * How the agent is started: argv with an absolute argv[0] (it looks for its
 * workers beside it), and the environment that sessions will see.
 */
struct spec {
	char **argv;   /* owned, NULL-terminated, as is envp */
	char **envp;
};

struct spec_options {
	struct env env;		  /* the application's */
	const char *path;	  /* amazon-ssm-agent, absolute */
	bool minimal;		  /* SSM_ACTIVATE_AGENT_ENV=minimal */
	const char *region;	  /* of the node */
	const char *cert_file;	  /* SSL_CERT_FILE to set when it is unset */
};

/*
 * Which variables stay: see README, "What sessions see".  Static keys and
 * profile names go (the agent's worker hibernates for ever with them),
 * AWS_CA_BUNDLE goes (a missing file crashes it), SSM_ACTIVATE_* goes.  Pure.
 */
int spec_build(struct spec *out, const struct spec_options *options,
    struct err *err);
void spec_free(struct spec *spec);

/*
 * Find the agent: path when given, else /usr/bin/amazon-ssm-agent, else the
 * folders of PATH.  It and ssm-agent-worker (beside it, or in /usr/bin) must
 * be executable.  ERR_KIND_INVALID_VALUE with what to add to the Dockerfile.
 */
int spec_find(char *out, unsigned long size, const char *path,
    struct env env, struct err *err);

#endif
