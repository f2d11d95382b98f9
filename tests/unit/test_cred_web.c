/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/roles.h"
#include "unit/world.h"

/* Web identity. */

static void
set_web(const char *token)
{
	world_file(&world, "token", token);
	world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
	world_set(&world, "AWS_ROLE_ARN=" ARN "irsa");
}

static void
test_web_identity(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Action=AssumeRoleWithWebIdentity&",
		        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2F"
		        "irsa",
		        "RoleSessionName=pod-1",
		        "WebIdentityToken=eyJ.a%2Bb%2Fc%3D.sig_-" },
		    .lacks = { "Authorization", "X-Amz-Date",
		        "X-Amz-Security-Token", "%0A", "DurationSeconds" },
		    .status = 200,
		    .body = WEB("ASIAWEB") },
	};

	(void)state;
	set_web("eyJ.a+b/c=.sig_- \r\n\n");
	world_set(&world, "AWS_ROLE_SESSION_NAME=pod-1");
	world_planned(&world, NULL, "assume-role-with-web-identity");
	world_got(&world, WORLD_STEPS(steps), "ASIAWEB");
	assert_string_equal(world.cred.token, "TOK");
}

static void
test_web_makes_up_a_session_name(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "RoleSessionName=ssm-activate-" },
		    .status = 200,
		    .body = WEB("ASIAWEB") },
	};

	(void)state;
	set_web("eyJ.a");
	world_planned(&world, NULL, "assume-role-with-web-identity");
	world_got(&world, WORLD_STEPS(steps), "ASIAWEB");
}

/* Each of the three settings is looked up by itself. */
static void
test_web_mixes_variables_and_profile(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "role%2Fprofile&", "RoleSessionName=pod-2" },
		    .status = 200,
		    .body = WEB("ASIAWEB") },
	};
	char text[256];

	(void)state;
	world_file(&world, "token", "eyJ.a");
	snprintf(text, sizeof text,
	    "[default]\nrole_arn=" ARN "profile\n"
	    "web_identity_token_file=%s/token\nrole_session_name=lost\n",
	    world.home);
	world_config(&world, text);
	world_set(&world, "AWS_ROLE_SESSION_NAME=pod-2");
	world_planned(&world, NULL, "assume-role-with-web-identity");
	world_got(&world, WORLD_STEPS(steps), "ASIAWEB");
}

static void
test_web_variables_lose_to_a_flag(void **state)
{
	(void)state;
	set_web("eyJ.a");
	world_config(&world, "[profile a]\n" STATIC);
	world_planned(&world, "a", "config-file");
	world_set(&world, "AWS_PROFILE=a");
	world_planned(&world, NULL, "assume-role-with-web-identity");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	world_planned(&world, NULL, "assume-role");
}

static void
test_web_refusals(void **state)
{
	static char big[20002], huge[65538];

	(void)state;
	set_web("eyJ.a");
	world_set(&world, "AWS_ROLE_ARN=");
	world_refused(&world, NULL, ERR_KIND_CONFIG, "no role to assume");
	world_failed(&world, ERR_KIND_CONFIG, "AWS_ROLE_ARN");
	set_web(" \n");
	world_refused(&world, NULL, ERR_KIND_PARAM_VALIDATION,
	    "holds 0 characters");
	set_web("abc\n");
	world_refused(&world, NULL, ERR_KIND_PARAM_VALIDATION, "3 characters");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	set_web(big);
	world_refused(&world, NULL, ERR_KIND_PARAM_VALIDATION,
	    "20001 characters");
	big[20000] = '\n';
	set_web(big);
	world_planned(&world, NULL, "assume-role-with-web-identity");
	memset(huge, 'x', sizeof huge - 1);
	set_web(huge);
	world_refused(&world, NULL, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "larger than 65536");
	world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=@/gone");
	world_refused(&world, NULL, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "/gone does not exist");
	world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
	world_set(&world, "AWS_ROLE_SESSION_NAME=a b");
	world_refused(&world, NULL, ERR_KIND_PARAM_VALIDATION,
	    "the role session name");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_web_identity),
		TEST(test_web_makes_up_a_session_name),
		TEST(test_web_mixes_variables_and_profile),
		TEST(test_web_variables_lose_to_a_flag),
		TEST(test_web_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
