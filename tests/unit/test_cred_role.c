/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cred/source.h"
#include "base/buf.h"
#include "unit/roles.h"
#include "unit/world.h"

/* Roles that a profile assumes. */

static void
test_source_profile(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Credential=AKIDBASE/", "Action=AssumeRole&",
		        "Version=2011-06-15",
		        "RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fr",
		        "RoleSessionName=ssm-activate-" },
		    .lacks = { "ExternalId", "DurationSeconds",
		        "X-Amz-Security-Token" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world,
	    "[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n");
	world_file(&world, ".aws/credentials", "[base]\n" STATIC);
	world_planned(&world, "dev", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
	assert_string_equal(world.cred.token, "TOK");
	assert_true(world.cred.expires == 4070908800);
}

static void
test_options(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "RoleSessionName=sess.1%40x",
		        "ExternalId=ext%3Aid%2F1", "DurationSeconds=1800" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world,
	    "[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n"
	    "role_session_name=sess.1@x\nexternal_id=ext:id/1\n"
	    "duration_seconds=1800\n[profile base]\n" STATIC);
	world_planned(&world, "dev", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
}

static void
option(const char *line, enum err_kind kind, const char *text)
{
	char whole[512];

	snprintf(whole, sizeof whole,
	    "[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n%s\n"
	    "[profile base]\n" STATIC,
	    line);
	world_config(&world, whole);
	if (kind == ERR_KIND_NONE)
		world_planned(&world, "dev", "assume-role");
	else
		world_refused(&world, "dev", kind, text);
}

static void
test_checks_options(void **state)
{
	(void)state;
	option("duration_seconds=many", ERR_KIND_NONE, "");
	assert_null(world.plan->hops[0].duration);
	option("duration_seconds=1.5", ERR_KIND_NONE, "");
	assert_null(world.plan->hops[0].duration);
	option("duration_seconds=899", ERR_KIND_PARAM_VALIDATION,
	    "duration_seconds 899 is below 900");
	option("duration_seconds=-1800", ERR_KIND_PARAM_VALIDATION,
	    "duration_seconds -1800 is below 900");
	option("duration_seconds=900", ERR_KIND_NONE, "");
	assert_string_equal(world.plan->hops[0].duration, "900");
	option("role_session_name=a", ERR_KIND_PARAM_VALIDATION,
	    "the role session name");
	option("role_session_name=a b", ERR_KIND_PARAM_VALIDATION,
	    "the role session name");
	option("role_session_name=0123456789012345678901234567890123456789"
	       "0123456789012345678901234",
	    ERR_KIND_PARAM_VALIDATION,
	    "2 to 64 characters of letters, digits and _+=,.@-");
	option("external_id=!!", ERR_KIND_PARAM_VALIDATION, "external_id");
	option("mfa_serial=arn:x", ERR_KIND_CONFIG,
	    "profile \"dev\": needs an MFA code; ssm-activate does not "
	    "support MFA");
}

static void
test_needs_exactly_one_source(void **state)
{
	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n"
	    "credential_source=Environment\n");
	world_refused(&world, "a", ERR_KIND_CONFIG, "both source_profile and");
	world_config(&world, "[profile a]\nrole_arn=" ARN "r\n");
	world_refused(&world, "a", ERR_KIND_PARTIAL_CREDENTIALS,
	    "neither source_profile nor credential_source");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=gone\n");
	world_refused(&world, "a", ERR_KIND_CONFIG,
	    "profile \"a\": source_profile \"gone\" does not");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\ncredential_source=Moon\n");
	world_refused(&world, "a", ERR_KIND_CONFIG,
	    ".aws/config:3: credential_source = Moon: it must be");
}

static void
test_source_environment(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Credential=AKIDENV/",
		        "X-Amz-Security-Token: tokenv\n" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world, "[profile a]\nrole_arn=" ARN "r\n"
	                     "credential_source=environment\n");
	world_refused(&world, "a", ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source Environment");
	world_set(&world, "AWS_ACCESS_KEY_ID=AKIDENV");
	world_refused(&world, "a", ERR_KIND_PARTIAL_CREDENTIALS,
	    "AWS_SECRET_ACCESS_KEY");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=s");
	world_set(&world, "AWS_SESSION_TOKEN=tokenv");
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
	/* Chosen by variable the profile loses to the keys themselves. */
	world_set(&world, "AWS_PROFILE=a");
	world_planned(&world, NULL, "env");
	world_got(&world, NULL, 0, "AKIDENV");
}

static void
test_source_container(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/u",
		    .status = 200,
		    .body = "{\"AccessKeyId\":\"ASIAC\",\"Token\":\"tokc\","
		            "\"SecretAccessKey\":\"s\"}" },
		{ .start = STS,
		    .has = { "Credential=ASIAC/",
		        "X-Amz-Security-Token: tokc\n" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world, "[profile a]\nrole_arn=" ARN "r\n"
	                     "credential_source=EcsContainer\n");
	world_refused(&world, "a", ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source EcsContainer");
	world_set(&world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/u");
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
}

static void
test_source_instance(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT http://169.254.169.254/latest/api/token",
		    .status = 400 },
	};

	(void)state;
	world_config(&world, "[profile a]\nrole_arn=" ARN "r\n"
	                     "credential_source=EC2INSTANCEMETADATA\n");
	world_planned(&world, "a", "assume-role");
	assert_int_equal(world_fetch(&world, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source Ec2InstanceMetadata");
	world_set(&world, "AWS_EC2_METADATA_DISABLED=true");
	world_refused(&world, "a", ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source Ec2InstanceMetadata");
}

static void
test_chain(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Credential=AKIDBASE/", "role%2Finner&" },
		    .status = 200,
		    .body = ROLE("ASIAINNER") },
		{ .start = STS,
		    .has = { "Credential=ASIAINNER/", "role%2Fouter&",
		        "X-Amz-Security-Token: TOK\n" },
		    .status = 200,
		    .body = ROLE("ASIAOUTER") },
	};

	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "outer\nsource_profile=b\n"
	    "[profile b]\nrole_arn=" ARN "inner\nsource_profile=c\n"
	    "[profile c]\n" STATIC);
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAOUTER");
}

/* Static keys of a source_profile end the chain although it has a role. */
static void
test_static_keys_end_the_chain(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Credential=AKIDBASE/", "role%2Fouter&" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "outer\nsource_profile=b\n"
	    "[profile b]\nrole_arn=" ARN "inner\nsource_profile=a\n" STATIC);
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
}

static void
test_loops(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .has = { "Credential=AKIDBASE/" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(steps), "ASIAROLE");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n");
	world_refused(&world, "a", ERR_KIND_CONFIG, "infinite loop");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\nrole_arn=" ARN "r\nsource_profile=a\n");
	world_refused(&world, "a", ERR_KIND_CONFIG, "infinite loop");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\nrole_arn=" ARN "r\nsource_profile=b\n");
	world_refused(&world, "a", ERR_KIND_CONFIG, "infinite loop");
}

/* roles profiles in a row, the last one with keys. */
static void
write_chain(int roles)
{
	struct buf text = { 0 };

	for (int i = 0; i < roles; i++) {
		buf_printf(&text,
		    "[profile p%d]\nrole_arn=" ARN "r\nsource_profile=p%d\n", i,
		    i + 1);
	}
	buf_printf(&text, "[profile p%d]\n" STATIC, roles);
	world_config(&world, buf_str(&text));
	buf_free(&text);
}

static void
test_bounds_the_chain(void **state)
{
	(void)state;
	write_chain(10);
	world_planned(&world, "p0", "assume-role");
	write_chain(11);
	world_refused(&world, "p0", ERR_KIND_CONFIG, "more than 10 roles");
}

/* A source_profile is resolved by its own sources, without the variables. */
static void
test_source_profile_sources(void **state)
{
	static const struct world_step web[] = {
		{ .start = STS,
		    .has = { "Action=AssumeRoleWithWebIdentity&", "role%2Fown&",
		        "WebIdentityToken=eyJ.a" },
		    .lacks = { "Authorization", "role%2Fother" },
		    .status = 200,
		    .body = WEB("ASIAWEB") },
		{ .start = STS,
		    .has = { "Credential=ASIAWEB/" },
		    .status = 200,
		    .body = ROLE("ASIAROLE") },
	};

	(void)state;
	world_set(&world, "AWS_ROLE_ARN=" ARN "other");
	world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere");
	world_set(&world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\nregion=x\n");
	world_refused(&world, "a", ERR_KIND_CONFIG,
	    "source_profile \"b\" has no credentials");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\naws_secret_access_key=s\n");
	world_refused(&world, "a", ERR_KIND_CONFIG,
	    "source_profile \"b\" has no credentials");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\nsso_account_id=1\n");
	world_refused(&world, "a", ERR_KIND_CONFIG, "profile \"b\" uses SSO");
	world_file(&world, "token", "eyJ.a\n");
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	    "[profile b]\nrole_arn=" ARN "own\n"
	    "web_identity_token_file=~token\n");
	world_refused(&world, "a", ERR_KIND_CREDENTIAL_RETRIEVAL, "~token");
	{
		char text[512];

		snprintf(text, sizeof text,
		    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
		    "[profile b]\nrole_arn=" ARN "own\n"
		    "web_identity_token_file=%s/token\n",
		    world.home);
		world_config(&world, text);
	}
	world_planned(&world, "a", "assume-role");
	world_got(&world, WORLD_STEPS(web), "ASIAROLE");
}

static void
test_refusal_by_sts(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .status = 403,
		    .body = "<ErrorResponse><Error><Type>Sender</Type>"
		            "<Code>AccessDenied</Code><Message>no</Message>"
		            "</Error><RequestId>r</RequestId>"
		            "</ErrorResponse>" },
	};

	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	world_planned(&world, "a", "assume-role");
	assert_int_equal(world_fetch(&world, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_API, ARN "r: ");
	assert_string_equal(world.err.peer_code, "AccessDenied");
	assert_null(world.cred.access_key);
}

static void
test_expired_answer_of_sts(void **state)
{
	static const struct world_step steps[] = {
		{ .start = STS,
		    .status = 200,
		    .body = RESULT("AssumeRole", "A", "2020-01-01T00:00:00Z") },
	};

	(void)state;
	world_config(&world,
	    "[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	world_planned(&world, "a", "assume-role");
	assert_int_equal(world_fetch(&world, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_EXPIRED_CREDENTIALS, "assume-role");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_source_profile),
		TEST(test_options),
		TEST(test_checks_options),
		TEST(test_needs_exactly_one_source),
		TEST(test_source_environment),
		TEST(test_source_container),
		TEST(test_source_instance),
		TEST(test_chain),
		TEST(test_static_keys_end_the_chain),
		TEST(test_loops),
		TEST(test_bounds_the_chain),
		TEST(test_source_profile_sources),
		TEST(test_refusal_by_sts),
		TEST(test_expired_answer_of_sts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
