/* SPDX-License-Identifier: MIT */
/* Region, credentials on demand, and their renewal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/client.h"
#include "base/clock.h"
#include "unit/canned.h"
#include "unit/world.h"

/* A client of a world, with the network of canned answers. */
struct stage {
	struct world w;
	struct canned net;
	struct client *client;
	struct api_reply reply;
	struct err err;
};

static const struct api_request describe = { .service = API_SSM,
	.operation = "DescribeActivations" };

static const struct api_request describe_own = {
	.service = API_SSM, .operation = "DescribeActivations", .own = true
};

static const char keys[] = "AWS_ACCESS_KEY_ID=AKIDENV";
static const char secret[] = "AWS_SECRET_ACCESS_KEY=s";

static void
stage_make(struct stage *s)
{
	memset(s, 0, sizeof *s);
	world_make(&s->w);
	world_set(&s->w, "AWS_EC2_METADATA_DISABLED=true");
}

static int
stage_open(struct stage *s, const char *region)
{
	const struct conf_options options = { .env = { s->w.vars },
		.region = region };

	client_free(s->client);
	s->client = NULL;
	err_clear(&s->err);
	if (client_open(&s->client, &options, &s->err) != 0)
		return -1;
	client_api(s->client)->transport = canned_transport(&s->net, NULL, 0);
	return 0;
}

static int
stage_call(struct stage *s, const struct canned_answer *answers, size_t count)
{
	int rc;

	err_clear(&s->err);
	api_reply_free(&s->reply);
	client_api(s->client)->transport =
	    canned_transport(&s->net, answers, count);
	rc = client_locate(s->client, &s->err);
	if (rc == 0)
		rc = api_call(client_api(s->client), &describe_own, &s->reply,
		    &s->err);
	assert_int_equal(s->net.used, count);
	return rc;
}

static void
stage_free(struct stage *s)
{
	client_free(s->client);
	api_reply_free(&s->reply);
	world_free(&s->w);
}

static void
located(struct stage *s, const char *region, const char *want)
{
	assert_int_equal(stage_open(s, region), 0);
	assert_string_equal(client_region(s->client), "");
	if (client_locate(s->client, &s->err) != 0)
		assert_string_equal(err_kind_name(s->err.kind), want);
	else
		assert_string_equal(client_region(s->client), want);
}

static void
test_order_of_regions(void **state)
{
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w, keys);
	world_set(&s.w, secret);
	located(&s, NULL, "no_region");
	world_file(&s.w, ".aws/config", "[default]\nregion = sa-east-1\n");
	located(&s, NULL, "sa-east-1");
	world_set(&s.w, "AWS_DEFAULT_REGION=eu-west-1");
	located(&s, NULL, "eu-west-1");
	world_set(&s.w, "AWS_REGION=us-west-2");
	located(&s, NULL, "us-west-2");
	located(&s, "ca-west-1", "ca-west-1");
	located(&s, "fips-us-east-1", "us-east-1");
	world_set(&s.w, "AWS_REGION=");
	located(&s, NULL, "eu-west-1");
	stage_free(&s);
}

static void
test_wrong_regions_name_their_source(void **state)
{
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w, "AWS_REGION=US-EAST-1");
	located(&s, NULL, "invalid_region");
	assert_non_null(strstr(s.err.msg, "AWS_REGION"));
	world_set(&s.w, "AWS_REGION=us-east-1");
	located(&s, "us-east-1.evil.example", "invalid_region");
	assert_non_null(strstr(s.err.msg, "--region"));
	stage_free(&s);
}

static void
test_region_of_the_task(void **state)
{
	static const struct canned_answer task[] = {
		{ .status = 200,
		    .body = "{\"TaskARN\":\"arn:aws:ecs:ap-south-2:1:task/c/"
		            "x\",\"Cluster\":\"c\",\"Family\":\"f\"}" },
		{ .status = 200, .body = "{\"Name\":\"n\"}" }
	};
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w,
	    "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/x");
	assert_int_equal(stage_open(&s, NULL), 0);
	client_api(s.client)->transport =
	    canned_transport(&s.net, CANNED(task));
	assert_int_equal(client_locate(s.client, &s.err), 0);
	assert_string_equal(client_region(s.client), "ap-south-2");
	stage_free(&s);
}

/* The instance is asked where the credentials come from it, not elsewhere. */
static void
test_region_of_the_instance(void **state)
{
	static const struct canned_answer imds[] = { { .status = 200,
		                                         .body = "token" },
		{ .status = 200, .body = "us-west-2" } };
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w, "AWS_EC2_METADATA_DISABLED=");
	assert_int_equal(stage_open(&s, NULL), 0);
	client_api(s.client)->transport =
	    canned_transport(&s.net, CANNED(imds));
	assert_int_equal(client_locate(s.client, &s.err), 0);
	assert_string_equal(client_region(s.client), "us-west-2");
	assert_true(canned_has(&s.net, 1,
	    "/latest/meta-data/placement/region"));
	world_set(&s.w, keys);
	world_set(&s.w, secret);
	assert_int_equal(stage_open(&s, NULL), 0);
	assert_int_equal(client_locate(s.client, &s.err), -1);
	assert_int_equal(s.err.kind, ERR_KIND_NO_REGION);
	stage_free(&s);
}

static void
test_signs_with_the_environment(void **state)
{
	static const struct canned_answer ok[] = { { .status = 200,
	    .body = "{}" } };
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w, keys);
	world_set(&s.w, secret);
	assert_int_equal(stage_open(&s, "eu-west-1"), 0);
	assert_string_equal(client_method(s.client), "env");
	assert_int_equal(stage_call(&s, CANNED(ok)), 0);
	assert_true(canned_has(&s.net, 0,
	    "POST https://ssm.eu-west-1.amazonaws.com/\n"));
	assert_true(canned_has(&s.net, 0, "Credential=AKIDENV/"));
	stage_free(&s);
}

/* Settings, then the region, then credentials: nothing is sent before. */
static void
test_errors_before_any_request(void **state)
{
	struct stage s;

	(void)state;
	stage_make(&s);
	assert_int_equal(stage_open(&s, NULL), 0);
	assert_string_equal(client_method(s.client), "");
	assert_int_equal(stage_call(&s, NULL, 0), -1);
	assert_int_equal(s.err.kind, ERR_KIND_NO_REGION);
	assert_int_equal(stage_open(&s, "eu-west-1"), 0);
	assert_int_equal(stage_call(&s, NULL, 0), -1);
	assert_int_equal(s.err.kind, ERR_KIND_NO_CREDENTIALS);
	world_set(&s.w, "AWS_MAX_ATTEMPTS=0");
	assert_int_equal(stage_open(&s, NULL), -1);
	assert_int_equal(s.err.kind, ERR_KIND_CONFIG);
	world_set(&s.w, "AWS_MAX_ATTEMPTS=");
	world_set(&s.w, "AWS_ENDPOINT_URL=x");
	assert_int_equal(stage_open(&s, "eu-west-1"), 0);
	assert_int_equal(stage_call(&s, NULL, 0), -1);
	assert_int_equal(s.err.kind, ERR_KIND_INVALID_VALUE);
	world_set(&s.w, "AWS_CA_BUNDLE=/nonexistent/bundle.pem");
	assert_int_equal(stage_open(&s, "eu-west-1"), -1);
	assert_non_null(strstr(s.err.msg, "AWS_CA_BUNDLE"));
	stage_free(&s);
}

/* The answer of a container's endpoint. */
static void
container(char *out, size_t size, const char *key, int64_t life)
{
	char expires[CLOCK_ISO_SIZE];

	clock_iso(clock_now() + life, expires);
	snprintf(out, size,
	    "{\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"s\","
	    "\"Token\":\"t-%s\",\"Expiration\":\"%s\"}",
	    key, key, expires);
}

static void
use_container(struct stage *s)
{
	stage_make(s);
	world_set(&s->w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/x");
	assert_int_equal(stage_open(s, "eu-west-1"), 0);
}

static void
test_credentials_are_kept_while_fresh(void **state)
{
	char first[512], second[512];
	struct canned_answer one[] = { { .status = 200, .body = first },
		{ .status = 200, .body = "{}" } };
	struct canned_answer kept[] = { { .status = 200, .body = "{}" } };
	struct canned_answer short_lived[] = { { .status = 200,
		                                   .body = second },
		{ .status = 200, .body = "{}" } };
	struct stage s;

	(void)state;
	use_container(&s);
	container(first, sizeof first, "ASIAONE", 3600);
	assert_int_equal(stage_call(&s, CANNED(one)), 0);
	assert_true(canned_has(&s.net, 0, "GET http://169.254.170.2/v2/x\n"));
	assert_true(canned_has(&s.net, 1, "Credential=ASIAONE/"));
	assert_int_equal(stage_call(&s, CANNED(kept)), 0);
	stage_free(&s);
	use_container(&s);
	container(second, sizeof second, "ASIATWO", 30);
	assert_int_equal(stage_call(&s, CANNED(short_lived)), 0);
	/* Less than a minute is left: ask again. */
	assert_int_equal(stage_call(&s, CANNED(short_lived)), 0);
	stage_free(&s);
}

#define EXPIRED                                                  \
	{                                                        \
		.status = 400,                                   \
		.body = "{\"__type\":\"ExpiredTokenException\"}" \
	}

static void
test_expired_token_is_renewed_once(void **state)
{
	char first[512], second[512], third[512];
	struct canned_answer good[] = { { .status = 200, .body = first },
		EXPIRED, { .status = 200, .body = second },
		{ .status = 200, .body = "{\"a\":1}" } };
	struct canned_answer bad[] = { EXPIRED,
		{ .status = 200, .body = third }, EXPIRED };
	struct stage s;

	(void)state;
	use_container(&s);
	container(first, sizeof first, "ASIAONE", 3600);
	container(second, sizeof second, "ASIATWO", 3600);
	container(third, sizeof third, "ASIATHREE", 3600);
	assert_int_equal(stage_call(&s, CANNED(good)), 0);
	assert_true(canned_has(&s.net, 3, "Credential=ASIATWO/"));
	assert_int_equal(s.reply.attempts, 2);
	assert_string_equal(buf_str(&s.reply.body), "{\"a\":1}");
	assert_int_equal(stage_call(&s, CANNED(bad)), -1);
	assert_int_equal(s.err.code, ERR_ACCESS);
	assert_int_equal(s.err.attempts, 2);
	stage_free(&s);
}

/* The same credentials once more are no reason to ask again. */
static void
test_expired_token_of_the_environment(void **state)
{
	static const struct canned_answer answers[] = { EXPIRED };
	struct stage s;

	(void)state;
	stage_make(&s);
	world_set(&s.w, keys);
	world_set(&s.w, secret);
	world_set(&s.w, "AWS_SESSION_TOKEN=old");
	assert_int_equal(stage_open(&s, "eu-west-1"), 0);
	assert_int_equal(stage_call(&s, CANNED(answers)), -1);
	assert_int_equal(s.err.attempts, 1);
	stage_free(&s);
}

/* Calls without our signature work without credentials. */
static void
test_unsigned_call_without_credentials(void **state)
{
	static const struct canned_answer ok[] = { { .status = 200,
	    .body = "{}" } };
	struct stage s;

	(void)state;
	stage_make(&s);
	assert_int_equal(stage_open(&s, "eu-west-1"), 0);
	assert_int_equal(client_locate(s.client, &s.err), 0);
	client_api(s.client)->transport = canned_transport(&s.net, CANNED(ok));
	assert_int_equal(api_call(client_api(s.client), &describe, &s.reply,
	                     &s.err),
	    0);
	stage_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_regions),
		cmocka_unit_test(test_wrong_regions_name_their_source),
		cmocka_unit_test(test_region_of_the_task),
		cmocka_unit_test(test_region_of_the_instance),
		cmocka_unit_test(test_signs_with_the_environment),
		cmocka_unit_test(test_errors_before_any_request),
		cmocka_unit_test(test_credentials_are_kept_while_fresh),
		cmocka_unit_test(test_expired_token_is_renewed_once),
		cmocka_unit_test(test_expired_token_of_the_environment),
		cmocka_unit_test(test_unsigned_call_without_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
