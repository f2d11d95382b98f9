/* SPDX-License-Identifier: MIT */
/* What is left of containers that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"
#include "ssm/leftover.h"
#include "unit/account.h"

enum { DAY = 86400 };

static struct account a;
static struct buf list;

static int
make(void **state)
{
	(void)state;
	account_make(&a);
	list = (struct buf){ 0 };
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	buf_free(&list);
	return account_free(&a) ? 0 : -1;
}

/* Times long gone and still to come. */
#define OLD   "1600000000"
#define FRESH "4000000000"
#define N1    "mi-00000000000000001"
#define N2    "mi-00000000000000002"
#define N3    "mi-00000000000000003"
#define ARN   "arn:aws:ecs:eu-west-1:123456789012:task/demo/"
#define OTHER "arn:aws:ecs:eu-west-1:123456789012:task/other/"
#define MARK  "[ssm-activate:" ACCOUNT_ID_C "]"

#define LISTS_NODES                                 \
	ACCOUNT_ASKS("DescribeInstanceInformation", \
	    "{\"MaxResults\":50,\"Filters\":[{"     \
	    "\"Key\":\"tag-key\",\"Values\":[\"ssm-activate\"]}]}")
#define NODES(items) ACCOUNT_SAYS("{\"InstanceInformationList\":[" items "]}")
#define NODE(id, status, ping)                                      \
	"{\"InstanceId\":\"" id "\",\"PingStatus\":\"" status "\"," \
	"\"Name\":\"web\",\"LastPingDateTime\":" ping               \
	",\"RegistrationDate\":" OLD "}"
#define ASKS_TAGS(id)                                                    \
	ACCOUNT_ASKS("ListTagsForResource",                              \
	    "{\"ResourceType\":\"ManagedInstance\",\"ResourceId\":\"" id \
	    "\"}")
#define TAGS(more)                                      \
	ACCOUNT_SAYS("{\"TagList\":[{\"Key\":"          \
	             "\"ssm-activate\",\"Value\":\"1\"" \
	             "}" more "]}")
#define TASK(arn) ",{\"Key\":\"ECS_TASK_ARN\",\"Value\":\"" arn "\"}"
#define ASKS_TASKS(cluster, arns)                                      \
	.start = "POST https://ecs.eu-west-1.amazonaws.com/",          \
	.has = { "AmazonEC2ContainerServiceV20141113.DescribeTasks\n", \
		"\n\n{\"tasks\":[" arns "],\"cluster\":\"" cluster "\"}" }
#define LISTS_ACTIVATIONS \
	ACCOUNT_ASKS("DescribeActivations", "{\"MaxResults\":50}")
#define ACTIVATIONS(items) ACCOUNT_SAYS("{\"ActivationList\":[" items "]}")
#define ACTIVATION(id, text, created, expires, count)                \
	"{\"ActivationId\":\"" id "\",\"Description\":\"" text "\"," \
	"\"CreatedDate\":" created ",\"ExpirationDate\":" expires    \
	",\"RegistrationsCount\":" count ",\"RegistrationLimit\":1}"
#define DENIED ACCOUNT_REFUSES("AccessDeniedException", "not authorized")

static int
find(const struct world_step *steps, size_t count)
{
	int rc;

	account_expect(&a, steps, count);
	rc = leftover_find(&a.ssm, &(struct leftover_scope){ DAY, NULL }, &list,
	    &a.err);
	account_done(&a);
	return rc;
}

static const struct leftover *
item(size_t i)
{
	assert_true((i + 1) * sizeof(struct leftover) <= list.len);
	return (const struct leftover *)(void *)list.data + i;
}

/* "REASON REASON …" of all that was found, - for those in use. */
static void
assert_why(const char *wanted)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < list.len / sizeof(struct leftover); i++) {
		const char *why = leftover_reason(item(i)->why);

		buf_printf(&text, "%s%s", i > 0 ? " " : "",
		    *why != '\0' ? why : "-");
	}
	assert_string_equal(buf_str(&text), wanted);
	buf_free(&text);
}

static void
test_silent(void **state)
{
	static const struct {
		int64_t since, age;
		bool online, pinged, silent;
	} cases[] = {
		{ 9900, 100, false, true, true },
		{ 9901, 100, false, true, false },
		{ 9900, 100, true, true, false },
		{ 10000, 0, false, true, true },
		/* It may just be starting. */
		{ 9900, 100, false, false, false },
		{ 6401, 0, false, false, false },
		{ 6400, 0, false, false, true },
		{ 6400, 3601, false, false, false },
		/* A time that is not known is not long ago. */
		{ 0, 100, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fleet_node node = {
			.online = cases[i].online,
			.pinged = cases[i].pinged,
			.since = cases[i].since,
		};

		assert_int_equal(leftover_silent(&node, 10000, cases[i].age),
		    cases[i].silent);
	}
}

static void
test_judged_by_task_ping_and_silence(void **state)
{
	static const struct {
		enum fleet_task task;
		bool online, pinged, silent;
		enum leftover_why why;
	} cases[] = {
		{ FLEET_TASK_NONE, false, true, true, LEFTOVER_SILENT },
		{ FLEET_TASK_NONE, false, true, false, LEFTOVER_NO },
		{ FLEET_TASK_NONE, false, false, true, LEFTOVER_NEVER_ONLINE },
		{ FLEET_TASK_NONE, true, true, false, LEFTOVER_NO },
		{ FLEET_TASK_RUNS, false, true, true, LEFTOVER_NO },
		{ FLEET_TASK_UNCLEAR, false, true, true, LEFTOVER_NO },
		{ FLEET_TASK_ENDED, false, true, false, LEFTOVER_TASK_STOPPED },
		{ FLEET_TASK_ENDED, true, true, false, LEFTOVER_TASK_STOPPED },
		{ FLEET_TASK_GONE, false, true, false, LEFTOVER_TASK_MISSING },
		/* It talks, so it lives, whatever ECS says. */
		{ FLEET_TASK_GONE, true, true, false, LEFTOVER_NO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fleet_node node = {
			.state = cases[i].task,
			.online = cases[i].online,
			.pinged = cases[i].pinged,
		};

		assert_int_equal(leftover_judge(&node, cases[i].silent),
		    cases[i].why);
	}
}

static void
test_group(void **state)
{
	static const char *const wrong[] = {
		"",
		"web",
		"arn:aws:ecs:eu-west-1:123456789012:task/0123",
		"arn:aws:ecs:eu-west-2:123456789012:task/demo/0123",
		"arn:aws:ec2:eu-west-1:123456789012:task/demo/0123",
		"arn:aws:ecs:eu-west-1:123456789012:service/demo/0123",
		ARN,
	};
	struct slice group = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(fleet_group(slice_of(wrong[i]), "eu-west-1",
		    &group));
	assert_true(fleet_group(slice_of(ARN "0123"), "eu-west-1", &group));
	assert_true(slice_eq(group,
	    "arn:aws:ecs:eu-west-1:123456789012:task/demo"));
}

static void
test_tasks(void **state)
{
	static const struct world_step steps[] = {
		{ LISTS_NODES, NODES(NODE(N1, "Online", FRESH) "," NODE(N2,
		                   "ConnectionLost", OLD) "," NODE(N3,
		                   "ConnectionLost", FRESH)) },
		{ ASKS_TAGS(N1), TAGS(TASK(ARN "01")) },
		{ ASKS_TAGS(N2), TAGS(TASK(ARN "02")) },
		{ ASKS_TAGS(N3), TAGS(TASK(ARN "03")) },
		{ ASKS_TASKS("demo",
		      "\"" ARN "01\",\"" ARN "02\",\"" ARN "03\""),
		    ACCOUNT_SAYS("{\"tasks\":[{\"taskArn\":\"" ARN
		                 "01\",\"lastStatus\":\"STOPPED\","
		                 "\"taskDefinitionArn\":\"arn:aws:ecs:eu-"
		                 "west-1:1:task-definition/web:7\","
		                 "\"group\":\"service:front\"},"
		                 "{\"taskArn\":\"" ARN
		                 "02\",\"lastStatus\":\"STOPPING\"}],"
		                 "\"failures\":[{\"arn\":\"" ARN
		                 "03\",\"reason\":\"MISSING\"}]}") },
		{ LISTS_ACTIVATIONS, ACTIVATIONS("") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), 0);
	assert_why("task_stopped - task_missing");
	assert_string_equal(item(0)->node.task, ARN "01");
	assert_string_equal(item(0)->node.name, "web");
	assert_string_equal(item(0)->node.family, "web");
	assert_string_equal(item(0)->node.service, "front");
	assert_true(slice_eq(fleet_task_id(&item(0)->node), "01"));
	assert_true(slice_eq(fleet_cluster(&item(0)->node), "demo"));
	assert_string_equal(item(1)->node.family, "");
	assert_false(item(0)->activation);
}

/* One request a cluster; a task is asked for once; ARNs that this region's
 * ECS cannot know are not asked for, and age counts. */
static void
test_clusters(void **state)
{
	static const struct world_step steps[] = {
		{ LISTS_NODES,
		    NODES(NODE(N1, "ConnectionLost", OLD) "," NODE(N2,
		        "ConnectionLost", FRESH) "," NODE(N3, "ConnectionLost",
		        FRESH) ","
		               "{\"InstanceId\":\"mi-00000000000000004\","
		               "\"PingStatus\":\"Inactive\","
		               "\"RegistrationDate\":" OLD "}") },
		{ ASKS_TAGS(N1), TAGS(TASK(ARN "01")) },
		{ ASKS_TAGS(N2), TAGS(TASK(OTHER "02")) },
		{ ASKS_TAGS(N3), TAGS(TASK(ARN "01")) },
		{ ASKS_TAGS("mi-00000000000000004"),
		    TAGS(TASK("arn:aws:ecs:us-east-1:1:task/c/04")) },
		{ ASKS_TASKS("demo", "\"" ARN "01\""),
		    ACCOUNT_REFUSES("ClusterNotFoundException", "no") },
		{ ASKS_TASKS("other", "\"" OTHER "02\""),
		    ACCOUNT_SAYS("{\"tasks\":[{\"taskArn\":\"" OTHER
		                 "02\",\"lastStatus\":\"RUNNING\"}]}") },
		{ LISTS_ACTIVATIONS, ACTIVATIONS("") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), 0);
	assert_why("task_missing - task_missing never_online");
}

static void
test_tasks_refused(void **state)
{
	static const struct world_step tasks[] = {
		{ LISTS_NODES,
		    NODES(NODE(N1, "ConnectionLost", OLD) "," NODE(N2,
		        "ConnectionLost", FRESH)) },
		{ ASKS_TAGS(N1), TAGS(TASK(ARN "01")) },
		{ ASKS_TAGS(N2), TAGS(TASK(ARN "02")) },
		{ ASKS_TASKS("demo", "\"" ARN "01\",\"" ARN "02\""), DENIED },
		{ LISTS_ACTIVATIONS, ACTIVATIONS("") },
	};
	static const struct world_step tags[] = {
		{ LISTS_NODES,
		    NODES(NODE(N1, "ConnectionLost", OLD) "," NODE(N2,
		        "ConnectionLost", FRESH)) },
		{ ASKS_TAGS(N1), DENIED },
		{ LISTS_ACTIVATIONS, ACTIVATIONS("") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(tasks)), 0);
	assert_why("connection_lost -");
	buf_free(&list);
	assert_int_equal(find(WORLD_STEPS(tags)), 0);
	assert_why("connection_lost -");
}

/* What could not be asked is not left, and does not stop the rest. */
static void
test_failures(void **state)
{
	static const struct world_step steps[] = {
		{ LISTS_NODES, NODES(NODE(N1, "ConnectionLost",
		                   OLD) "," NODE(N2, "ConnectionLost",
		                   OLD) "," NODE(N3, "ConnectionLost", OLD)) },
		{ ASKS_TAGS(N1), TAGS(TASK(ARN "01")) },
		{ ASKS_TAGS(N2),
		    ACCOUNT_REFUSES("InternalServerError", "sorry") },
		/* Another gc was faster. */
		{ ASKS_TAGS(N3), ACCOUNT_REFUSES("InvalidResourceId", "no") },
		{ ASKS_TASKS("demo", "\"" ARN "01\""),
		    ACCOUNT_REFUSES("ServerException", "sorry") },
		{ LISTS_ACTIVATIONS, ACTIVATIONS(ACTIVATION(ACCOUNT_ID_A,
		                         "x " MARK, OLD, OLD, "0")) },
	};
	static const struct world_step lists[] = {
		{ LISTS_NODES, DENIED },
		{ LISTS_ACTIVATIONS, ACCOUNT_REFUSES("InternalError", "no") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), -1);
	assert_string_equal(a.err.peer_code, "InternalServerError");
	assert_why("- - - expired");
	buf_free(&list);
	assert_int_equal(find(WORLD_STEPS(lists)), -1);
	assert_int_equal(a.err.code, ERR_ACCESS);
	assert_why("");
}

static void
test_hostile(void **state)
{
	static const struct world_step steps[] = {
		{ LISTS_NODES,
		    NODES("7,null,{},{\"InstanceId\":\"i-0123456789abcdef0\"},"
		          "{\"InstanceId\":\"" N1 "\",\"PingStatus\":[],"
		          "\"LastPingDateTime\":\"x\",\"RegistrationDate\":-1,"
		          "\"Name\":\"a\\u001b[31m\"}," NODE(N2, "Odd",
		              OLD) "," NODE(N3, "ConnectionLost", OLD)) },
		{ ASKS_TAGS(N1), TAGS(",7,{\"Key\":3}") },
		/* The filter let through what is not ours. */
		{ ASKS_TAGS(N2), ACCOUNT_SAYS("{\"TagList\":{}}") },
		{ ASKS_TAGS(N3), TAGS(TASK(ARN "01")) },
		{ ASKS_TASKS("demo", "\"" ARN "01\""),
		    ACCOUNT_SAYS("{\"tasks\":[3,{\"taskArn\":\"" ARN
		                 "01\",\"lastStatus\":1},{\"taskArn\":\"" ARN
		                 "02\",\"lastStatus\":\"STOPPED\"}],"
		                 "\"failures\":[{\"arn\":\"" ARN
		                 "01\",\"reason\":\"ODD\"},{}]}") },
		{ LISTS_ACTIVATIONS,
		    ACCOUNT_SAYS(
		        "{\"ActivationList\":[1,{\"ActivationId\":\"" ACCOUNT_ID_A
		        "\",\"Description\":\"" MARK "\","
		        "\"ExpirationDate\":\"x\",\"RegistrationsCount\":\"1\","
		        "\"CreatedDate\":{}}],\"NextToken\":7}") },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), -1);
	assert_int_equal(a.err.kind, ERR_KIND_PARSE);
	assert_why("- - -");
	assert_string_equal(item(0)->node.name, "a?[31m");
}

static void
test_activations(void **state)
{
	static const struct world_step steps[] = {
		{ LISTS_NODES, NODES("") },
		{ LISTS_ACTIVATIONS,
		    ACTIVATIONS(ACTIVATION(ACCOUNT_ID_A, "web " MARK, OLD,
		        "1600003600", "0") "," ACTIVATION(ACCOUNT_ID_B, MARK,
		        OLD, FRESH, "1") "," ACTIVATION(ACCOUNT_ID_C, "a " MARK,
		        OLD, FRESH, "0") ","
		        /* Under way; somebody else's; not quite ours. */
		        ACTIVATION(ACCOUNT_ID_A, MARK, FRESH, FRESH,
		            "0") "," ACTIVATION(ACCOUNT_ID_A, "web", OLD, OLD,
		            "1") "," ACTIVATION(ACCOUNT_ID_A,
		            "[ssm-activate:x]", OLD, OLD,
		            "1") "," ACTIVATION(ACCOUNT_ID_A, MARK " 2", OLD,
		            OLD, "1")) },
	};

	(void)state;
	assert_int_equal(find(WORLD_STEPS(steps)), 0);
	assert_why("expired used_up unused");
	assert_true(item(0)->activation);
	assert_int_equal(item(0)->node.since, 1600003600);
	assert_string_equal(item(0)->node.name, "web " MARK);
	assert_string_equal(item(2)->node.id, ACCOUNT_ID_C);
}

#define ACCOUNT_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_judged_by_task_ping_and_silence),
		cmocka_unit_test(test_group),
		ACCOUNT_TEST(test_tasks),
		ACCOUNT_TEST(test_clusters),
		ACCOUNT_TEST(test_tasks_refused),
		ACCOUNT_TEST(test_failures),
		ACCOUNT_TEST(test_hostile),
		ACCOUNT_TEST(test_activations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
