/* SPDX-License-Identifier: MIT */
#ifndef WORK_CERTS_H
#define WORK_CERTS_H

#include <stdbool.h>

#include "work/work.h"

struct config;
struct err;

/*
 * The certificates that the agent trusts.  It is a Go program: it knows the
 * system's store and SSL_CERT_FILE, and would crash on an AWS_CA_BUNDLE that
 * is missing.  So where the user set AWS_CA_BUNDLE, or where the image has no
 * store, a file of ours holds the store plus that bundle, else our built-in
 * roots; the agent is started with SSL_CERT_FILE naming it.
 */

/* Write the file if it is needed, else remove it. */
int certs_install(const struct config *cfg, struct err *err);

/* Its path. */
void certs_path(char out[static WORK_PATH_MAX], const struct config *cfg);

/* It is there: the agent is to use it. */
bool certs_exist(const struct config *cfg);

#endif
