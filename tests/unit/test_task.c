/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/task.h"
#include "base/clock.h"
#include "unit/world.h"

#define BASE "GET http://169.254.170.2/v4/abc"
#define TASK                                                                 \
	"{\"Cluster\":\"arn:aws:ecs:us-west-2:111122223333:cluster/main\","  \
	"\"TaskARN\":\"arn:aws:ecs:us-west-2:111122223333:task/main/0123\"," \
	"\"Family\":\"web\",\"DesiredStatus\":\"RUNNING\","                  \
	"\"AvailabilityZone\":\"us-west-2a\",\"Containers\":[{}]}"
#define OWN "{\"Name\":\"app\",\"DockerId\":\"0123-456\",\"Networks\":[]}"

static struct task task;

static int
load(const struct world_step *steps, size_t count)
{
	int rc;

	task = (struct task){ .arn = "before" };
	assert_int_equal(world_open(&world, NULL), 0);
	world_expect(&world, steps, count);
	rc = task_load(&task, &world.api, clock_in(60000), &world.err);
	world_done(&world);
	return rc;
}

static void
set_uri(void)
{
	world_set(&world,
	    "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/abc");
}

static void
test_loads(void **state)
{
	static const struct world_step steps[] = {
		{ .start = BASE "/task", .status = 200, .body = TASK },
		{ .start = BASE, .status = 200, .body = OWN },
	};

	(void)state;
	set_uri();
	assert_int_equal(load(WORLD_STEPS(steps)), 0);
	assert_string_equal(task.arn,
	    "arn:aws:ecs:us-west-2:111122223333:task/main/0123");
	assert_string_equal(task.region, "us-west-2");
	assert_string_equal(task.zone, "us-west-2a");
	assert_string_equal(task.cluster, "main");
	assert_string_equal(task.family, "web");
	assert_string_equal(task.id, "0123");
	assert_string_equal(task.container, "app");
}

static void
test_takes_short_cluster_names(void **state)
{
	static const struct world_step steps[] = {
		{ .start = BASE "/task",
		    .status = 200,
		    .body = "{\"TaskARN\":\"arn:aws-cn:ecs:cn-north-1:1:"
		            "task/0123\",\"Cluster\":\"default\"}" },
		{ .start = BASE, .status = 200, .body = "{}" },
	};

	(void)state;
	set_uri();
	assert_int_equal(load(WORLD_STEPS(steps)), 0);
	assert_string_equal(task.cluster, "default");
	assert_string_equal(task.region, "cn-north-1");
	assert_string_equal(task.id, "0123");
	assert_string_equal(task.zone, "");
	assert_string_equal(task.container, "");
}

static void
test_takes_a_slash_at_the_end(void **state)
{
	static const struct world_step steps[] = {
		{ .start = BASE "/task", .status = 200, .body = TASK },
		{ .start = BASE "/", .status = 200, .body = OWN },
	};

	(void)state;
	world_set(&world,
	    "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/abc/");
	assert_int_equal(load(WORLD_STEPS(steps)), 0);
	assert_string_equal(task.container, "app");
}

static void
test_is_not_on_ecs(void **state)
{
	static const char *const others[] = {
		"ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.3/v4/abc",
		"ECS_CONTAINER_METADATA_URI_V4=http://evil.example/v4/abc",
		"ECS_CONTAINER_METADATA_URI_V4=https://169.254.170.2/v4/abc",
		"ECS_CONTAINER_METADATA_URI_V4=nonsense",
		"ECS_CONTAINER_METADATA_URI_V4=",
	};

	(void)state;
	assert_int_equal(load(NULL, 0), 1);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		world_set(&world, others[i]);
		assert_int_equal(load(NULL, 0), 1);
		assert_string_equal(task.arn, "before");
		assert_int_equal(world.err.kind, ERR_KIND_NONE);
	}
}

static void
test_tries_twice(void **state)
{
	static const struct world_step steps[] = {
		{ .start = BASE "/task", .fault = WORLD_READ_TIME },
		{ .start = BASE "/task", .status = 200, .body = TASK },
		{ .start = BASE, .status = 500 },
		{ .start = BASE, .status = 200, .body = OWN },
	};
	static const struct world_step in_vain[] = {
		{ .start = BASE "/task", .fault = WORLD_REFUSED },
		{ .start = BASE "/task", .status = 404 },
	};
	static const struct world_step not_json[] = {
		{ .start = BASE "/task", .status = 200, .body = TASK },
		{ .start = BASE, .status = 200, .body = "x" },
		{ .start = BASE, .status = 200 },
	};

	(void)state;
	set_uri();
	assert_int_equal(load(WORLD_STEPS(steps)), 0);
	assert_int_equal(load(WORLD_STEPS(in_vain)), -1);
	world_failed(&world, ERR_KIND_PARSE,
	    "task metadata from 169.254.170.2: status 404");
	assert_string_equal(task.arn, "before");
	assert_int_equal(load(WORLD_STEPS(not_json)), -1);
	world_failed(&world, ERR_KIND_PARSE, "task metadata");
}

static void
test_needs_an_arn(void **state)
{
	static const char *const answers[] = { "{}", "[]", "{\"TaskARN\":\"\"}",
		"{\"TaskARN\":\"arn:aws:ecs\"}",
		"{\"TaskARN\":\"arn:aws:ec2:us-west-2:1:task/x\"}",
		"{\"TaskARN\":1}" };
	struct world_step steps[] = {
		{ .start = BASE "/task", .status = 200 },
	};

	(void)state;
	set_uri();
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		steps[0].body = answers[i];
		assert_int_equal(load(WORLD_STEPS(steps)), -1);
		world_failed(&world, ERR_KIND_PARSE, "TaskARN");
	}
}

static int
region(char out[static TASK_REGION_SIZE], const struct world_step *steps,
    size_t count)
{
	int rc;

	assert_int_equal(world_open(&world, NULL), 0);
	world_expect(&world, steps, count);
	rc = task_region(&world.api, out, clock_in(60000), &world.err);
	world_done(&world);
	return rc;
}

/* One request is enough for the region. */
static void
test_region(void **state)
{
	struct world_step steps[] = {
		{ .start = BASE "/task", .status = 200, .body = TASK },
	};
	char out[TASK_REGION_SIZE] = "";

	(void)state;
	assert_int_equal(region(out, NULL, 0), 1);
	set_uri();
	assert_int_equal(region(out, WORLD_STEPS(steps)), 0);
	assert_string_equal(out, "us-west-2");
	steps[0].body = "{\"TaskARN\":\"x\",\"AvailabilityZone\":"
	                "\"eu-west-1b\"}";
	assert_int_equal(region(out, WORLD_STEPS(steps)), 0);
	assert_string_equal(out, "eu-west-1");
	steps[0].body = "{}";
	assert_int_equal(region(out, WORLD_STEPS(steps)), 1);
}

static int
stops(bool *out, const struct world_step *steps, size_t count)
{
	int rc;

	assert_int_equal(world_open(&world, NULL), 0);
	world_expect(&world, steps, count);
	rc = task_stops(&world.api, out, clock_in(60000), &world.err);
	world_done(&world);
	return rc;
}

/* One word of ECS counts, and nothing that is like it. */
static void
test_stops(void **state)
{
	static const char *const others[] = { "{}", "[]",
		"{\"DesiredStatus\":\"RUNNING\"}",
		"{\"DesiredStatus\":\"stopped\"}", "{\"DesiredStatus\":1}",
		"{\"KnownStatus\":\"STOPPED\"}" };
	struct world_step steps[] = {
		{ .start = BASE "/task", .status = 200 },
	};
	static const struct world_step in_vain[] = {
		{ .start = BASE "/task", .status = 500 },
		{ .start = BASE "/task", .status = 500 },
	};
	bool out = false;

	(void)state;
	assert_int_equal(stops(&out, NULL, 0), 1);
	set_uri();
	steps[0].body = "{\"DesiredStatus\":\"STOPPED\"}";
	assert_int_equal(stops(&out, WORLD_STEPS(steps)), 0);
	assert_true(out);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		steps[0].body = others[i];
		assert_int_equal(stops(&out, WORLD_STEPS(steps)), 0);
		assert_false(out);
	}
	out = true;
	assert_int_equal(stops(&out, WORLD_STEPS(in_vain)), -1);
	assert_true(out);
}

static void
test_zones(void **state)
{
	static const struct {
		const char *zone, *region;
	} zones[] = {
		{ "us-east-1a", "us-east-1" },
		{ "us-gov-west-1c", "us-gov-west-1" },
		{ "us-west-2-lax-1a", "us-west-2" },
		{ "us-east-1-wl1-bos-wlz-1", "us-east-1" },
		{ "eusc-de-east-1a", "eusc-de-east-1" },
		{ "ap-northeast-12b", "ap-northeast-12" },
		{ "us-east-1", "us-east-1" },
	};
	static const char *const none[] = { "", "a", "1", "us-east",
		"us-east-a", "1a", NULL };
	char out[TASK_REGION_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
		assert_true(task_zone_region(zones[i].zone, out));
		assert_string_equal(out, zones[i].region);
	}
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
		assert_false(task_zone_region(none[i], out));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_loads),
		TEST(test_takes_short_cluster_names),
		TEST(test_takes_a_slash_at_the_end),
		TEST(test_is_not_on_ecs),
		TEST(test_tries_twice),
		TEST(test_needs_an_arn),
		TEST(test_region),
		TEST(test_stops),
		TEST(test_zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
