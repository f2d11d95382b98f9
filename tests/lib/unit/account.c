/* SPDX-License-Identifier: MIT */
#include "unit/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "aws/conf.h"
#include "base/clock.h"

enum { TIME_MS = 60000 };

void
account_make(struct account *a)
{
	struct conf_options options = { .region = "eu-west-1" };

	*a = (struct account){ .client = NULL };
	world_make(&a->world);
	world_set(&a->world, "AWS_EC2_METADATA_DISABLED=true");
	world_set(&a->world, "AWS_ACCESS_KEY_ID=" ACCOUNT_KEY);
	world_set(&a->world, "AWS_SECRET_ACCESS_KEY=secret");
	world_set(&a->world, "AWS_MAX_ATTEMPTS=1");
	options.env.vars = a->world.vars;
	assert_int_equal(client_open(&a->client, &options, &a->err), 0);
	assert_int_equal(client_locate(a->client, &a->err), 0);
	a->ssm.client = a->client;
	a->ssm.role = "Role";
	a->ssm.deadline = clock_in(TIME_MS);
	account_expect(a, NULL, 0);
}

bool
account_free(struct account *a)
{
	bool done = a->world.step == a->world.step_count;

	client_free(a->client);
	world_free(&a->world);
	return done;
}

void
account_expect(struct account *a, const struct world_step *steps, size_t count)
{
	err_clear(&a->err);
	world_expect(&a->world, steps, count);
	client_api(a->client)->transport = a->world.api.transport;
}

void
account_done(const struct account *a)
{
	world_done(&a->world);
}
