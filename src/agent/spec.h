/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SPEC_H
#define AGENT_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/env.h"

struct err;

/*
 * How the agent is started: argv with an absolute argv[0] (it looks for its
 * workers beside it), and the environment that sessions will see.
 */
struct spec {
	char **argv; /* owned, NULL-terminated, as is envp */
	char **envp;
};

struct spec_options {
	struct env env;        /* the application's */
	const char *path;      /* amazon-ssm-agent, absolute */
	bool minimal;          /* SSM_ACTIVATE_AGENT_ENV=minimal */
	const char *region;    /* of the node */
	const char *cert_file; /* SSL_CERT_FILE to set when it is unset */
	const char *home;      /* HOME of a session, in place of that, with TERM
	                        * and LANG as amazon-ssm-agent sets them; NULL =
	                        * it is the agent */
};

/*
 * Which variables stay: see docs/sessions.md.  Static keys and
 * profile names go (the agent's worker hibernates for ever with them),
 * AWS_CA_BUNDLE goes (a missing file crashes it), SSM_ACTIVATE and
 * SSM_ACTIVATE_* go.  What is added, where it is unset: PATH, HOME,
 * SSL_CERT_FILE; with minimal also AWS_REGION.  Of a name that comes twice the
 * first one stays.  Pure.
 */
int spec_build(struct spec *out, const struct spec_options *options,
    struct err *err);
void spec_free(struct spec *spec);

/*
 * Find the agent: path (absolute) when given, else /usr/bin/amazon-ssm-agent,
 * else the absolute folders of PATH.  It and the ssm-agent-worker that it will
 * start must be executable: the one beside it if ssm-session-worker is there
 * too and both are root's and nobody else can write them, else /usr/bin's.
 * Where we are root, each must be one that nobody else can change or replace
 * (base/walk.h, walk_trusted); of PATH, folders where that is not so are left
 * out, the first one with its reason in *skipped.  ERR_KIND_INVALID_VALUE with
 * what to add to the Dockerfile, ERR_KIND_SYSTEM where others could have put
 * the agent there; 1 in place of -1 where no path is given and there is none at
 * all.
 */
int spec_find(char *out, size_t size, const char *path, struct env env,
    struct err *skipped, struct err *err);

#endif
