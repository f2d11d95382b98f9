/* SPDX-License-Identifier: MIT */
#ifndef AWS_CRED_CRED_H
#define AWS_CRED_CRED_H

#include <stdint.h>

#include "aws/cred/value.h"

struct api;
struct conf;
struct err;

/*
 * Credentials: where they come from (a plan, made from local files and the
 * environment only, while the process still has its privileges) and getting
 * them (over the network, when the source needs it).  The order of the sources
 * is one table in cred.c.  keys.c has those that are written down as they are,
 * role.c those that STS gives; each other source is a file.
 */
struct cred_plan;

/*
 * Find the source.  Reads token files and runs credential_process; opens no
 * socket.  Without any source: ERR_KIND_NO_CREDENTIALS, whose text says of
 * each source why it was skipped.
 */
int cred_plan(struct cred_plan **out, const struct conf *conf, struct err *err);
void cred_plan_free(struct cred_plan *plan);

/* The name of the source, for messages: "container-role". */
const char *cred_plan_method(const struct cred_plan *plan);

/*
 * Get credentials as planned; api sends the requests (metadata services, and
 * STS in api's region).  out is replaced on success.
 */
int cred_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err);

#endif
