/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cred/source.h"
#include "base/clock.h"
#include "unit/world.h"

/* The endpoint of ECS and EKS. */

#define GOOD                                                \
	"{\"RoleArn\":\"arn:x\",\"AccessKeyId\":\"ASIAC\"," \
	"\"SecretAccessKey\":\"sec\",\"Token\":\"tok\","    \
	"\"Expiration\":\"2099-01-01T00:00:00Z\"}"

static void
set_relative(const char *value)
{
	char text[128] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=";

	memcpy(&text[strlen(text)], value, strlen(value) + 1);
	world_set(&world, text);
}

static void
set_full(const char *value)
{
	char text[160] = "AWS_CONTAINER_CREDENTIALS_FULL_URI=";

	memcpy(&text[strlen(text)], value, strlen(value) + 1);
	world_set(&world, text);
}

/* Plan, and do not let the test wait between attempts. */
static void
planned(void)
{
	if (world_plan(&world, NULL) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(cred_plan_method(world.plan), "container-role");
	assert_int_equal(world.plan->pause_ms, 1000);
	world.plan->pause_ms = 1;
}

static void
refused(enum err_kind kind, const char *text)
{
	assert_int_equal(world_plan(&world, NULL), -1);
	world_failed(&world, kind, text);
}

static void
got(const struct world_step *steps, size_t count)
{
	planned();
	if (world_fetch(&world, steps, count) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(world.cred.access_key, "ASIAC");
	assert_string_equal(world.cred.secret_key, "sec");
	assert_string_equal(world.cred.method, "container-role");
}

static void
test_relative(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/v2/credentials/a?x=1",
		    .has = { "\nAccept: application/json\n" },
		    .lacks = { "Authorization" },
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	set_relative("/v2/credentials/a?x=1");
	got(WORLD_STEPS(steps));
	assert_string_equal(world.cred.token, "tok");
	assert_true(world.cred.expires == 4070908800);
}

static void
test_relative_wins_over_full(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .has = { "\nAuthorization: t\n" },
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	set_relative("/x");
	set_full("http://169.254.170.99/y");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN=t");
	got(WORLD_STEPS(steps));
}

static void
test_relative_begins_with_a_slash(void **state)
{
	(void)state;
	set_relative("/a\tb");
	refused(ERR_KIND_INVALID_VALUE,
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	set_relative("x");
	refused(ERR_KIND_INVALID_VALUE,
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
}

static void
test_allows_these_hosts(void **state)
{
	static const char *const allowed[] = { "http://127.0.0.1:80/x",
		"http://127.9.8.7/x", "http://localhost:8080/x",
		"http://[::1]/x", "http://169.254.170.2/x",
		"http://169.254.170.23/v1/credentials",
		"http://[fd00:ec2::23]/v1/credentials",
		"http://[fd00:ec2:0::23]/x", "https://any.example/x",
		"https://10.0.0.1/x" };

	(void)state;
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		set_full(allowed[i]);
		if (world_plan(&world, NULL) != 0)
			fail_msg("%s: %s", allowed[i], world.err.msg);
	}
}

static void
test_refuses_other_hosts(void **state)
{
	static const char *const others[] = { "http://169.254.170.99/x",
		"http://169.254.169.254/x", "http://10.0.0.1/x",
		"http://127.0.0.1.evil.example/x", "http://localhost.evil/x",
		"http://evil.example/x", "http://[fd00:ec2::24]/x",
		"http://[::ffff:10.0.0.1]/x" };

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		set_full(others[i]);
		refused(ERR_KIND_INVALID_VALUE, "unsupported host");
	}
	set_full("ftp://127.0.0.1/x");
	refused(ERR_KIND_INVALID_VALUE, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	set_full("/relative");
	refused(ERR_KIND_INVALID_VALUE, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	set_full("http://u:hush@127.0.0.1/x");
	refused(ERR_KIND_INVALID_VALUE, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	assert_null(strstr(world.err.msg, "hush"));
}

static void
test_token_file_wins_and_is_sent_as_it_is(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.23/v1/credentials",
		    .has = { "\nAuthorization:  a.b \n" },
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	set_full("http://169.254.170.23/v1/credentials");
	world_file(&world, "token", " a.b ");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=@/token");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN=ignored");
	got(WORLD_STEPS(steps));
}

static void
refused_token(const char *text)
{
	world_file(&world, "token", text);
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=@/token");
	refused(ERR_KIND_INVALID_VALUE,
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	assert_null(strstr(world.err.msg, "hush"));
}

static void
test_refuses_line_ends_in_tokens(void **state)
{
	(void)state;
	set_full("http://169.254.170.23/v1/credentials");
	refused_token("hush\n");
	refused_token("hush\r");
	refused_token("hush\r\nX: y");
	refused_token("hush\x01");
	refused_token("");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN=hush\n");
	refused(ERR_KIND_INVALID_VALUE,
	    "token from AWS_CONTAINER_AUTHORIZATION_TOKEN");
}

static void
test_missing_token_file_is_an_error(void **state)
{
	static char big[65538];

	(void)state;
	set_full("http://169.254.170.23/v1/credentials");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN=t");
	world_set(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=@/token");
	refused(ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	memset(big, 'x', sizeof big - 1);
	world_file(&world, "token", big);
	refused(ERR_KIND_CREDENTIAL_RETRIEVAL, "larger than 65536 bytes");
}

static void
test_token_and_expiry_may_be_absent(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "{\"AccessKeyId\":\"ASIAC\","
		            "\"SecretAccessKey\":\"sec\"}" },
	};

	(void)state;
	set_relative("/x");
	got(WORLD_STEPS(steps));
	assert_null(world.cred.token);
	assert_int_equal(world.cred.expires, 0);
}

static void
test_all_failures_are_tried_again(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x", .status = 404 },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "not JSON" },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = GOOD },
	};
	static const struct world_step faults[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .fault = WORLD_REFUSED },
		{ .start = "GET http://169.254.170.2/x",
		    .fault = WORLD_READ_TIME },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = GOOD },
	};

	(void)state;
	set_relative("/x");
	got(WORLD_STEPS(steps));
	got(WORLD_STEPS(faults));
}

static void
failed(const struct world_step *steps, size_t count, enum err_kind kind,
    const char *text)
{
	planned();
	assert_int_equal(world_fetch(&world, steps, count), -1);
	world_failed(&world, kind, text);
	assert_null(world.cred.access_key);
}

static void
test_gives_up_after_three(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .fault = WORLD_CLOSED },
		{ .start = "GET http://169.254.170.2/x", .status = 302 },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 404,
		    .body = "{\"code\":\"NoIdMapping\"}\x1b" },
	};
	static const struct world_step busy[] = {
		{ .start = "GET http://169.254.170.2/x", .status = 500 },
		{ .start = "GET http://169.254.170.2/x", .status = 500 },
		{ .start = "GET http://169.254.170.2/x", .status = 503 },
	};

	(void)state;
	set_relative("/x");
	failed(WORLD_STEPS(steps), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "169.254.170.2: status 404: {\"code\":\"NoIdMapping\"}?");
	assert_int_equal(world.err.http_status, 404);
	assert_int_equal(world.err.retry, ERR_FINAL);
	failed(WORLD_STEPS(busy), ERR_KIND_CREDENTIAL_RETRIEVAL, "status 503");
	assert_int_equal(world.err.retry, ERR_TRANSIENT);
}

/* What a strange answer of status 200 holds may be a secret. */
static void
test_never_shows_an_answer(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "hush" },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "{\"SecretAccessKey\":\"hush\"" },
		{ .start = "GET http://169.254.170.2/x",
		    .status = 201,
		    .body = "hush" },
	};

	(void)state;
	set_relative("/x");
	failed(WORLD_STEPS(steps), ERR_KIND_CREDENTIAL_RETRIEVAL, "201");
	assert_null(strstr(world.err.msg, "hush"));
}

static void
test_tls_failure_is_final(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET https://a.example/x", .fault = WORLD_BAD_TLS },
	};

	(void)state;
	set_full("https://a.example/x");
	failed(WORLD_STEPS(steps), ERR_KIND_TLS, "a.example");
}

static void
test_answer_without_keys(void **state)
{
	static const struct world_step no_secret[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "{\"AccessKeyId\":\"ASIAC\"}" },
	};
	static const struct world_step odd[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "{\"AccessKeyId\":\"ASIAC\","
		            "\"SecretAccessKey\":\"s\","
		            "\"Token\":\"hu\\nsh\"}" },
	};
	static const struct world_step list[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "[]" },
	};

	(void)state;
	set_relative("/x");
	failed(WORLD_STEPS(no_secret), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "no SecretAccessKey");
	failed(WORLD_STEPS(odd), ERR_KIND_CREDENTIAL_RETRIEVAL, "Token");
	failed(WORLD_STEPS(list), ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "no AccessKeyId");
}

/* A pause that would end after the deadline is not begun. */
static void
test_does_not_sleep_past_the_deadline(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x", .status = 500 },
	};
	int64_t start = clock_ms();

	(void)state;
	set_relative("/x");
	planned();
	world.plan->pause_ms = 3000;
	world_expect(&world, WORLD_STEPS(steps));
	assert_int_equal(cred_fetch(&world.cred, world.plan, &world.api,
	                     clock_in(2000), &world.err),
	    -1);
	world_done(&world);
	assert_true(clock_ms() - start < 2000);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_relative),
		TEST(test_relative_wins_over_full),
		TEST(test_relative_begins_with_a_slash),
		TEST(test_allows_these_hosts),
		TEST(test_refuses_other_hosts),
		TEST(test_token_file_wins_and_is_sent_as_it_is),
		TEST(test_refuses_line_ends_in_tokens),
		TEST(test_missing_token_file_is_an_error),
		TEST(test_token_and_expiry_may_be_absent),
		TEST(test_all_failures_are_tried_again),
		TEST(test_gives_up_after_three),
		TEST(test_never_shows_an_answer),
		TEST(test_tls_failure_is_final),
		TEST(test_answer_without_keys),
		TEST(test_does_not_sleep_past_the_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
