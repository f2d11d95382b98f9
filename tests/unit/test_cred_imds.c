/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "unit/world.h"

/* Credentials of the instance. */

#define HOST       "http://169.254.169.254"
#define TOKEN_PATH "/latest/api/token"
#define ROLE_PATH  "/latest/meta-data/iam/security-credentials/"
#define WITH_TOKEN "\nx-aws-ec2-metadata-token: TOK==\n"
#define TOKEN_NAME "x-aws-ec2-metadata-token:"
#define KEYS                                                     \
	"\"AccessKeyId\":\"ASIAI\",\"SecretAccessKey\":\"sec\"," \
	"\"Token\":\"tok\",\"Expiration\":"
#define GOOD "{\"Code\":\"Success\"," KEYS "\"2099-01-01T00:00:00Z\"}"

#define PUT_TOKEN                                                             \
	{                                                                     \
		.start = "PUT " HOST TOKEN_PATH,                              \
		.has = { "\nx-aws-ec2-metadata-token-ttl-seconds: 21600\n" }, \
		.status = 200, .body = "TOK=="                                \
	}
#define GET_ROLE                                                       \
	{                                                              \
		.start = "GET " HOST ROLE_PATH, .has = { WITH_TOKEN }, \
		.status = 200, .body = "my-role"                       \
	}
#define GET_ROLE_V1                                                      \
	{                                                                \
		.start = "GET " HOST ROLE_PATH, .lacks = { TOKEN_NAME }, \
		.status = 200, .body = "my-role"                         \
	}
#define GET_KEYS_V1                                                  \
	{                                                            \
		.start = "GET " HOST ROLE_PATH "my-role",            \
		.lacks = { TOKEN_NAME }, .status = 200, .body = GOOD \
	}

static void
planned(void)
{
	if (world_plan(&world, NULL) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(cred_plan_method(world.plan), "iam-role");
}

static void
got(const struct world_step *steps, size_t count)
{
	planned();
	if (world_fetch(&world, steps, count) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(world.cred.access_key, "ASIAI");
	assert_string_equal(world.cred.secret_key, "sec");
	assert_string_equal(world.cred.token, "tok");
	assert_string_equal(world.cred.method, "iam-role");
}

static void
failed(const struct world_step *steps, size_t count, enum err_kind kind,
    const char *text)
{
	planned();
	assert_int_equal(world_fetch(&world, steps, count), -1);
	world_failed(&world, kind, text);
}

static void
test_version_2(void **state)
{
	static const struct world_step steps[] = {
		PUT_TOKEN,
		GET_ROLE,
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .has = { WITH_TOKEN },
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	got(WORLD_STEPS(steps));
	assert_true(world.cred.expires == 4070908800);
}

static void
falls_back(const struct world_step *put)
{
	const struct world_step steps[] = { *put, GET_ROLE_V1, GET_KEYS_V1 };

	got(WORLD_STEPS(steps));
}

static void
test_version_1_after_a_refusal(void **state)
{
	static const int refusals[] = { 403, 404, 405 };
	struct world_step put = { .start = "PUT " HOST TOKEN_PATH };

	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		put.status = refusals[i];
		falls_back(&put);
	}
	put.fault = WORLD_READ_TIME;
	falls_back(&put);
}

static void
test_version_1_after_other_failures(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_CLOSED },
		{ .start = "PUT " HOST TOKEN_PATH, .status = 500 },
		GET_ROLE_V1,
		GET_KEYS_V1,
	};

	(void)state;
	got(WORLD_STEPS(steps));
}

static void
test_version_1_may_be_forbidden(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .status = 403 },
	};
	static const struct world_step nobody[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
	};

	(void)state;
	world_set(&world, "AWS_EC2_METADATA_V1_DISABLED=TRUE");
	failed(WORLD_STEPS(steps), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "AWS_EC2_METADATA_V1_DISABLED");
	failed(WORLD_STEPS(nobody), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "AWS_EC2_METADATA_V1_DISABLED");
	world_set(&world, "AWS_EC2_METADATA_V1_DISABLED=");
	world_file(&world, ".aws/config",
	    "[default]\nec2_metadata_v1_disabled = true\n");
	failed(WORLD_STEPS(steps), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "forbids version 1");
}

static void
test_400_is_final(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .status = 400 },
	};

	(void)state;
	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS,
	    "iam-role: session token from 169.254.169.254: status 400");
}

/* Where nobody takes the connection, one request tells; everything else that
 * was looked at is told, too. */
static void
test_nobody_there(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_REFUSED },
	};

	(void)state;
	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS,
	    "env: AWS_ACCESS_KEY_ID is not set; ");
	world_failed(&world, ERR_KIND_NO_CREDENTIALS,
	    "iam-role: session token");
}

static void
test_no_role(void **state)
{
	static const struct world_step steps[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 404 },
	};

	(void)state;
	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS,
	    "iam-role: the instance has no role");
}

static void
test_role_is_the_first_line(void **state)
{
	static const struct world_step steps[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH,
		    .status = 200,
		    .body = " a+=,.@_-Z9 \nother\n" },
		{ .start = "GET " HOST ROLE_PATH "a+=,.@_-Z9",
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	got(WORLD_STEPS(steps));
}

static void
test_refuses_odd_role_names(void **state)
{
	char long_name[66] = "";
	const char *const names[] = { "../x", "a b", "a?b", "\n", "a%2fb",
		long_name };
	struct world_step steps[] = { PUT_TOKEN, GET_ROLE };

	(void)state;
	memset(long_name, 'a', sizeof long_name - 1);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		steps[1].body = names[i];
		failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS,
		    "the role's name is not one");
	}
}

static void
keys_answer(const char *body, const char *text)
{
	const struct world_step steps[] = { PUT_TOKEN, GET_ROLE,
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .status = 200,
		    .body = body } };

	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS, text);
}

static void
test_error_document(void **state)
{
	(void)state;
	keys_answer("{\"Code\":\"AssumeRoleUnauthorizedAccess\","
	            "\"Message\":\"EC2 cannot assume the role\"}",
	    "iam-role: AssumeRoleUnauthorizedAccess: EC2 cannot assume");
	keys_answer("{\"Code\":\"Failed\"}", "iam-role: Failed");
	keys_answer("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}",
	    "lacks Token or Expiration");
	keys_answer("{\"SecretAccessKey\":\"hush\"}", "no AccessKeyId");
	assert_null(strstr(world.err.msg, "hush"));
}

static void
test_stale_keys_are_used(void **state)
{
	static const struct world_step steps[] = {
		PUT_TOKEN,
		GET_ROLE,
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .status = 200,
		    .body = "{" KEYS "\"2020-01-01T00:00:00Z\"}" },
	};

	(void)state;
	got(WORLD_STEPS(steps));
	/* They are read again after a while. */
	assert_true(cred_value_lasts(&world.cred, clock_now(), 900));
	assert_false(cred_value_lasts(&world.cred, clock_now(), 1560));
}

/* Without settings: once more after a transport error or 5xx, only then. */
static void
test_one_more_attempt(void **state)
{
	static const struct world_step steps[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 500 },
		GET_ROLE,
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .fault = WORLD_READ_TIME },
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .status = 200,
		    .body = GOOD },
	};
	static const struct world_step twice[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 500 },
		{ .start = "GET " HOST ROLE_PATH, .status = 503 },
	};
	static const struct world_step other[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 429 },
	};

	(void)state;
	got(WORLD_STEPS(steps));
	failed(WORLD_STEPS(twice), ERR_KIND_NO_CREDENTIALS, "status 503");
	failed(WORLD_STEPS(other), ERR_KIND_NO_CREDENTIALS, "status 429");
	keys_answer("not JSON", "the answer is not JSON");
}

/* With the setting: whatever it is, that often. */
static void
test_configured_attempts(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .status = 500 },
		{ .start = "PUT " HOST TOKEN_PATH, .status = 429 },
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 404 },
		{ .start = "GET " HOST ROLE_PATH, .status = 200 },
		GET_ROLE,
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .status = 200,
		    .body = "not JSON" },
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .fault = WORLD_REFUSED },
		{ .start = "GET " HOST ROLE_PATH "my-role",
		    .status = 200,
		    .body = GOOD },
	};
	static const struct world_step once[] = {
		PUT_TOKEN,
		{ .start = "GET " HOST ROLE_PATH, .status = 500 },
	};

	(void)state;
	world_set(&world, "AWS_METADATA_SERVICE_NUM_ATTEMPTS=3");
	got(WORLD_STEPS(steps));
	world_set(&world, "AWS_METADATA_SERVICE_NUM_ATTEMPTS=");
	world_file(&world, ".aws/config",
	    "[default]\nmetadata_service_num_attempts = 1\n");
	failed(WORLD_STEPS(once), ERR_KIND_NO_CREDENTIALS, "status 500");
}

static void
test_hop_limit_is_explained(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH, .fault = WORLD_READ_TIME },
		{ .start = "GET " HOST ROLE_PATH, .status = 401 },
	};

	(void)state;
	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS,
	    "HttpPutResponseHopLimit");
}

static void
test_token_must_be_a_header_value(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT " HOST TOKEN_PATH,
		    .status = 200,
		    .body = "a\r\nX: y" },
	};

	(void)state;
	failed(WORLD_STEPS(steps), ERR_KIND_NO_CREDENTIALS, "token");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_version_2),
		TEST(test_version_1_after_a_refusal),
		TEST(test_version_1_after_other_failures),
		TEST(test_version_1_may_be_forbidden),
		TEST(test_400_is_final),
		TEST(test_nobody_there),
		TEST(test_no_role),
		TEST(test_role_is_the_first_line),
		TEST(test_refuses_odd_role_names),
		TEST(test_error_document),
		TEST(test_stale_keys_are_used),
		TEST(test_one_more_attempt),
		TEST(test_configured_attempts),
		TEST(test_hop_limit_is_explained),
		TEST(test_token_must_be_a_header_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
