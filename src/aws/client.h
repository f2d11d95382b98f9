/* SPDX-License-Identifier: MIT */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/api.h"
#include "aws/cred/cred.h"

struct conf_options;
struct err;

/*
 * Who calls, and where: configuration, region, credentials and the connection
 * together.  client_open() reads files and may run a program, so it comes
 * before privileges are dropped; client_locate() and api_call() use the
 * network.
 */
struct client;

int client_open(struct client **out, const struct conf_options *options,
    struct err *err);
void client_free(struct client *client);

/*
 * Settle the region: flag, AWS_REGION, AWS_DEFAULT_REGION, profile, task
 * metadata, and IMDS where the credentials come from it, too.
 */
int client_locate(struct client *client, struct err *err);

/* Without fips- and -fips; "" = not yet. */
const char *client_region(const struct client *client);

/* Where the credentials come from, "" = there are none: then calls with own
 * fail, but those with another signer work. */
const char *client_method(const struct client *client);

/*
 * For api_call().  Requests with own are signed with our credentials, which
 * are fetched at the first one and again when less than 60 s of their life are
 * left, or once when AWS says that the token is out of date.
 */
struct api *client_api(struct client *client);

#endif
