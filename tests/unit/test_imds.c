/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/imds.h"
#include "base/clock.h"
#include "unit/world.h"

/* The instance metadata service: settings and region. */

#define HOST        "http://169.254.169.254"
#define TOKEN_PATH  "/latest/api/token"
#define REGION_PATH "/latest/meta-data/placement/region"
#define WITH_TOKEN  "\nx-aws-ec2-metadata-token: TOK==\n"

#define PUT_TOKEN                                                             \
	{                                                                     \
		.start = "PUT " HOST TOKEN_PATH,                              \
		.has = { "\nx-aws-ec2-metadata-token-ttl-seconds: 21600\n" }, \
		.status = 200, .body = "TOK=="                                \
	}

static void
base_is(const char *put)
{
	const struct world_step steps[] = {
		{ .start = put, .status = 400 },
	};

	if (world_plan(&world, NULL) != 0)
		fail_msg("%s", world.err.msg);
	assert_int_equal(world_fetch(&world, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_NO_CREDENTIALS, "status 400");
}

static void
test_endpoint_and_mode(void **state)
{
	(void)state;
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=iPv6");
	base_is("PUT http://[fd00:ec2::254]/latest/api/token");
	world_set(&world,
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:8/");
	base_is("PUT http://127.0.0.1:8/latest/api/token");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://a/b");
	base_is("PUT http://a/b/latest/api/token");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT=");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=");
	world_file(&world, ".aws/config",
	    "[default]\nec2_metadata_service_endpoint_mode = IPv6\n");
	base_is("PUT http://[fd00:ec2::254]/latest/api/token");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv4");
	base_is("PUT " HOST TOKEN_PATH);
	world_file(&world, ".aws/config",
	    "[default]\nec2_metadata_service_endpoint = http://c\n");
	base_is("PUT http://c/latest/api/token");
}

static void
refused(const char *setting, enum err_kind kind, const char *text)
{
	world_set(&world, setting);
	assert_int_equal(world_plan(&world, NULL), -1);
	world_failed(&world, kind, text);
}

static void
test_refuses_wrong_settings(void **state)
{
	(void)state;
	/* Told even though the service is switched off. */
	world_set(&world, "AWS_EC2_METADATA_DISABLED=true");
	refused("AWS_EC2_METADATA_SERVICE_ENDPOINT=nonsense", ERR_KIND_CONFIG,
	    "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	refused("AWS_EC2_METADATA_SERVICE_ENDPOINT=http://a/?b",
	    ERR_KIND_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	refused("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=both", ERR_KIND_CONFIG,
	    "MODE=both: it must be IPv4 or IPv6");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT=");
	refused("AWS_METADATA_SERVICE_NUM_ATTEMPTS=0", ERR_KIND_INVALID_VALUE,
	    "AWS_METADATA_SERVICE_NUM_ATTEMPTS");
	refused("AWS_METADATA_SERVICE_NUM_ATTEMPTS=1.5", ERR_KIND_INVALID_VALUE,
	    "NUM_ATTEMPTS=1.5: it must be a whole number");
	world_set(&world, "AWS_METADATA_SERVICE_NUM_ATTEMPTS=");
	refused("AWS_METADATA_SERVICE_TIMEOUT=-1", ERR_KIND_INVALID_VALUE,
	    "AWS_METADATA_SERVICE_TIMEOUT");
}

static void
test_timeouts(void **state)
{
	struct imds imds = { 0 };

	(void)state;
	assert_int_equal(world_open(&world, NULL), 0);
	assert_int_equal(imds_settings(&imds, world.conf, NULL), 0);
	assert_int_equal(imds.connect_ms, 1000);
	assert_int_equal(imds.read_ms, 2000);
	assert_int_equal(imds.attempts, 0);
	world_set(&world, "AWS_METADATA_SERVICE_TIMEOUT=5");
	assert_int_equal(world_open(&world, NULL), 0);
	assert_int_equal(imds_settings(&imds, world.conf, NULL), 0);
	assert_int_equal(imds.connect_ms, 5000);
	assert_int_equal(imds.read_ms, 5000);
}

static int
ask_region(char region[static IMDS_REGION_SIZE], const struct world_step *steps,
    size_t count)
{
	int rc;

	assert_int_equal(world_open(&world, NULL), 0);
	world_expect(&world, steps, count);
	rc = imds_region(&world.api, region, clock_in(60000), &world.err);
	world_done(&world);
	return rc;
}

static void
test_region(void **state)
{
	struct world_step steps[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST REGION_PATH,
		    .has = { WITH_TOKEN },
		    .status = 200,
		    .body = "us-west-2\n" },
	};
	static const struct world_step nobody[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
	};
	char region[IMDS_REGION_SIZE] = "before";

	(void)state;
	assert_int_equal(ask_region(region, WORLD_STEPS(nobody)), 1);
	assert_int_equal(world.err.kind, ERR_KIND_NONE);
	assert_string_equal(region, "before");
	assert_int_equal(ask_region(region, WORLD_STEPS(steps)), 0);
	assert_string_equal(region, "us-west-2");
	steps[1].body = "\nx";
	assert_int_equal(ask_region(region, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_INVALID_REGION, "no region");
	steps[1].status = 404;
	assert_int_equal(ask_region(region, WORLD_STEPS(steps)), 1);
	world_set(&world, "AWS_EC2_METADATA_DISABLED=True");
	assert_int_equal(ask_region(region, NULL, 0), 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_endpoint_and_mode),
		TEST(test_refuses_wrong_settings),
		TEST(test_timeouts),
		TEST(test_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
