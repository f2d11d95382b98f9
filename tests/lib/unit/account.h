/* SPDX-License-Identifier: MIT */
#ifndef UNIT_ACCOUNT_H
#define UNIT_ACCOUNT_H

#include "aws/client.h"
#include "base/err.h"
#include "ssm/ssm.h"
#include "unit/world.h"

/*
 * A real client whose network is a world's: for tests of what calls SSM.
 * Each call is attempted once, so that a step is an answer to the caller.
 */
struct account {
	struct world world;
	struct client *client;
	struct ssm ssm; /* a minute is left */
	struct err err;
};

#define ACCOUNT_KEY  "AKIDACCOUNT"
#define ACCOUNT_URL  "POST https://ssm.eu-west-1.amazonaws.com/"
#define ACCOUNT_ID_A "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#define ACCOUNT_ID_B "ffffffff-0000-1111-2222-333333333333"
#define ACCOUNT_ID_C "01234567-89ab-cdef-0123-456789abcdef"
#define ACCOUNT_NODE "mi-0123456789abcdef0"

/* Members of a step: the operation and its whole body; an answer; an error
 * answer with AWS's code and text. */
#define ACCOUNT_ASKS(operation, json) \
	.start = ACCOUNT_URL,         \
	.has = { "AmazonSSM." operation "\n", "\n\n" json }
#define ACCOUNT_SAYS(json) .status = 200, .body = json
#define ACCOUNT_REFUSES(code, text) \
	.status = 400,              \
	.body = "{\"__type\":\"" code "\",\"message\":\"" text "\"}"

void account_make(struct account *a);

/* False: something that was expected has not been asked. */
bool account_free(struct account *a);

/* What is to be asked next, all of it by the next account_done(). */
void account_expect(struct account *a, const struct world_step *steps,
    size_t count);
void account_done(const struct account *a);

#endif
