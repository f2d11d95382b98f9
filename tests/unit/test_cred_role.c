#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cred_source.h"
#include "base/buf.h"
#include "unit/world.h"

static struct world w;

static int
make(void **state)
{
	(void)state;
	world_make(&w);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

/* Roles that a profile assumes. */

#define ARN    "arn:aws:iam::111122223333:role/"
#define STS    "POST https://sts.us-east-1.amazonaws.com/"
#define STATIC "aws_access_key_id=AKIDBASE\naws_secret_access_key=s\n"
#define RESULT(op, key, when)                                                \
	"<" op "Response><" op "Result><Credentials><AccessKeyId>" key       \
	"</AccessKeyId><SecretAccessKey>sec</SecretAccessKey><SessionToken>" \
	"TOK</SessionToken><Expiration>" when "</Expiration></Credentials>"  \
	"<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s"   \
	"</Arn></AssumedRoleUser></" op "Result></" op "Response>"
#define FUTURE    "2099-01-01T00:00:00Z"
#define ROLE(key) RESULT("AssumeRole", key, FUTURE)
#define WEB(key)  RESULT("AssumeRoleWithWebIdentity", key, FUTURE)

static void
config(const char *text)
{
	world_file(&w, ".aws/config", text);
}

static void
planned(const char *profile, const char *method)
{
	if (world_plan(&w, profile) != 0)
		fail_msg("%s", w.err.msg);
	assert_string_equal(cred_plan_method(w.plan), method);
}

static void
got(const struct world_step *steps, size_t count, const char *access_key)
{
	if (world_fetch(&w, steps, count) != 0)
		fail_msg("%s", w.err.msg);
	assert_string_equal(w.cred.access_key, access_key);
	assert_string_equal(w.cred.method, cred_plan_method(w.plan));
}

static void
refused(const char *profile, enum err_kind kind, const char *text)
{
	assert_int_equal(world_plan(&w, profile), -1);
	world_failed(&w, kind, text);
}

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
	config("[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n");
	world_file(&w, ".aws/credentials", "[base]\n" STATIC);
	planned("dev", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
	assert_string_equal(w.cred.token, "TOK");
	assert_true(w.cred.expires == 4070908800);
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
	config("[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n"
	       "role_session_name=sess.1@x\nexternal_id=ext:id/1\n"
	       "duration_seconds=1800\n[profile base]\n" STATIC);
	planned("dev", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
}

static void
option(const char *line, enum err_kind kind, const char *text)
{
	char whole[512];

	snprintf(whole, sizeof whole,
	    "[profile dev]\nrole_arn=" ARN "r\nsource_profile=base\n%s\n"
	    "[profile base]\n" STATIC,
	    line);
	config(whole);
	if (kind == ERR_KIND_NONE)
		planned("dev", "assume-role");
	else
		refused("dev", kind, text);
}

static void
test_checks_options(void **state)
{
	(void)state;
	option("duration_seconds=many", ERR_KIND_NONE, "");
	assert_null(w.plan->hops[0].duration);
	option("duration_seconds=1.5", ERR_KIND_NONE, "");
	assert_null(w.plan->hops[0].duration);
	option("duration_seconds=899", ERR_KIND_PARAM_VALIDATION,
	    "duration_seconds is below 900");
	option("duration_seconds=900", ERR_KIND_NONE, "");
	assert_string_equal(w.plan->hops[0].duration, "900");
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
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n"
	       "credential_source=Environment\n");
	refused("a", ERR_KIND_CONFIG, "both source_profile and");
	config("[profile a]\nrole_arn=" ARN "r\n");
	refused("a", ERR_KIND_PARTIAL_CREDENTIALS,
	    "neither source_profile nor credential_source");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=gone\n");
	refused("a", ERR_KIND_CONFIG,
	    "profile \"a\": source_profile \"gone\" does not");
	config("[profile a]\nrole_arn=" ARN "r\ncredential_source=Moon\n");
	refused("a", ERR_KIND_CONFIG, "none of Environment, EcsContainer");
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
	config("[profile a]\nrole_arn=" ARN "r\n"
	       "credential_source=environment\n");
	refused("a", ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source Environment");
	world_set(&w, "AWS_ACCESS_KEY_ID=AKIDENV");
	refused("a", ERR_KIND_PARTIAL_CREDENTIALS, "AWS_SECRET_ACCESS_KEY");
	world_set(&w, "AWS_SECRET_ACCESS_KEY=s");
	world_set(&w, "AWS_SESSION_TOKEN=tokenv");
	planned("a", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
	/* Chosen by variable the profile loses to the keys themselves. */
	world_set(&w, "AWS_PROFILE=a");
	planned(NULL, "env");
	got(NULL, 0, "AKIDENV");
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
	config("[profile a]\nrole_arn=" ARN "r\n"
	       "credential_source=EcsContainer\n");
	refused("a", ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source EcsContainer");
	world_set(&w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/u");
	planned("a", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
}

static void
test_source_instance(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "PUT http://169.254.169.254/latest/api/token",
		    .status = 400 },
	};

	(void)state;
	config("[profile a]\nrole_arn=" ARN "r\n"
	       "credential_source=EC2INSTANCEMETADATA\n");
	planned("a", "assume-role");
	assert_int_equal(world_fetch(&w, WORLD_STEPS(steps)), -1);
	world_failed(&w, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "credential_source Ec2InstanceMetadata");
	world_set(&w, "AWS_EC2_METADATA_DISABLED=true");
	refused("a", ERR_KIND_CREDENTIAL_RETRIEVAL,
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
	config("[profile a]\nrole_arn=" ARN "outer\nsource_profile=b\n"
	       "[profile b]\nrole_arn=" ARN "inner\nsource_profile=c\n"
	       "[profile c]\n" STATIC);
	planned("a", "assume-role");
	got(WORLD_STEPS(steps), "ASIAOUTER");
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
	config("[profile a]\nrole_arn=" ARN "outer\nsource_profile=b\n"
	       "[profile b]\nrole_arn=" ARN "inner\nsource_profile=a\n" STATIC);
	planned("a", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
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
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	planned("a", "assume-role");
	got(WORLD_STEPS(steps), "ASIAROLE");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n");
	refused("a", ERR_KIND_CONFIG, "infinite loop");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\nrole_arn=" ARN "r\nsource_profile=a\n");
	refused("a", ERR_KIND_CONFIG, "infinite loop");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\nrole_arn=" ARN "r\nsource_profile=b\n");
	refused("a", ERR_KIND_CONFIG, "infinite loop");
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
	config(buf_str(&text));
	buf_free(&text);
}

static void
test_bounds_the_chain(void **state)
{
	(void)state;
	write_chain(10);
	planned("p0", "assume-role");
	write_chain(11);
	refused("p0", ERR_KIND_CONFIG, "more than 10 roles");
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
	world_set(&w, "AWS_ROLE_ARN=" ARN "other");
	world_set(&w, "AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere");
	world_set(&w, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\nregion=x\n");
	refused("a", ERR_KIND_CONFIG,
	    "source_profile \"b\" has no credentials");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\naws_secret_access_key=s\n");
	refused("a", ERR_KIND_CONFIG,
	    "source_profile \"b\" has no credentials");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\nsso_account_id=1\n");
	refused("a", ERR_KIND_CONFIG, "profile \"b\" uses SSO");
	world_file(&w, "token", "eyJ.a\n");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
	       "[profile b]\nrole_arn=" ARN "own\n"
	       "web_identity_token_file=~token\n");
	refused("a", ERR_KIND_CREDENTIAL_RETRIEVAL, "~token");
	{
		char text[512];

		snprintf(text, sizeof text,
		    "[profile a]\nrole_arn=" ARN "r\nsource_profile=b\n"
		    "[profile b]\nrole_arn=" ARN "own\n"
		    "web_identity_token_file=%s/token\n",
		    w.home);
		config(text);
	}
	planned("a", "assume-role");
	got(WORLD_STEPS(web), "ASIAROLE");
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
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	planned("a", "assume-role");
	assert_int_equal(world_fetch(&w, WORLD_STEPS(steps)), -1);
	world_failed(&w, ERR_KIND_API, ARN "r: ");
	assert_string_equal(w.err.peer_code, "AccessDenied");
	assert_null(w.cred.access_key);
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
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	planned("a", "assume-role");
	assert_int_equal(world_fetch(&w, WORLD_STEPS(steps)), -1);
	world_failed(&w, ERR_KIND_EXPIRED_CREDENTIALS, "assume-role");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clean)

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
