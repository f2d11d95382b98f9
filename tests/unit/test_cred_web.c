#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

/* Web identity. */

#define ARN    "arn:aws:iam::111122223333:role/"
#define STS    "POST https://sts.us-east-1.amazonaws.com/"
#define STATIC "aws_access_key_id=AKIDBASE\naws_secret_access_key=s\n"
#define RESULT(op, key, when)                                                \
	"<" op "Response><" op "Result><Credentials><AccessKeyId>" key       \
	"</AccessKeyId><SecretAccessKey>sec</SecretAccessKey><SessionToken>" \
	"TOK</SessionToken><Expiration>" when "</Expiration></Credentials>"  \
	"<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/r/s"   \
	"</Arn></AssumedRoleUser></" op "Result></" op "Response>"
#define FUTURE   "2099-01-01T00:00:00Z"
#define WEB(key) RESULT("AssumeRoleWithWebIdentity", key, FUTURE)

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
set_web(const char *token)
{
	world_file(&w, "token", token);
	world_set(&w, "AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
	world_set(&w, "AWS_ROLE_ARN=" ARN "irsa");
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
	world_set(&w, "AWS_ROLE_SESSION_NAME=pod-1");
	planned(NULL, "assume-role-with-web-identity");
	got(WORLD_STEPS(steps), "ASIAWEB");
	assert_string_equal(w.cred.token, "TOK");
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
	planned(NULL, "assume-role-with-web-identity");
	got(WORLD_STEPS(steps), "ASIAWEB");
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
	world_file(&w, "token", "eyJ.a");
	snprintf(text, sizeof text,
	    "[default]\nrole_arn=" ARN "profile\n"
	    "web_identity_token_file=%s/token\nrole_session_name=lost\n",
	    w.home);
	config(text);
	world_set(&w, "AWS_ROLE_SESSION_NAME=pod-2");
	planned(NULL, "assume-role-with-web-identity");
	got(WORLD_STEPS(steps), "ASIAWEB");
}

static void
test_web_variables_lose_to_a_flag(void **state)
{
	(void)state;
	set_web("eyJ.a");
	config("[profile a]\n" STATIC);
	planned("a", "config-file");
	world_set(&w, "AWS_PROFILE=a");
	planned(NULL, "assume-role-with-web-identity");
	config("[profile a]\nrole_arn=" ARN "r\nsource_profile=a\n" STATIC);
	planned(NULL, "assume-role");
}

static void
test_web_refusals(void **state)
{
	static char big[20002], huge[65538];

	(void)state;
	set_web("eyJ.a");
	world_set(&w, "AWS_ROLE_ARN=");
	refused(NULL, ERR_KIND_CONFIG, "no role to assume");
	world_failed(&w, ERR_KIND_CONFIG, "AWS_ROLE_ARN");
	set_web(" \n");
	refused(NULL, ERR_KIND_PARAM_VALIDATION, "holds 0 characters");
	set_web("abc\n");
	refused(NULL, ERR_KIND_PARAM_VALIDATION, "3 characters");
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	set_web(big);
	refused(NULL, ERR_KIND_PARAM_VALIDATION, "20001 characters");
	big[20000] = '\n';
	set_web(big);
	planned(NULL, "assume-role-with-web-identity");
	memset(huge, 'x', sizeof huge - 1);
	set_web(huge);
	refused(NULL, ERR_KIND_CREDENTIAL_RETRIEVAL, "larger than 65536");
	world_set(&w, "AWS_WEB_IDENTITY_TOKEN_FILE=@/gone");
	refused(NULL, ERR_KIND_CREDENTIAL_RETRIEVAL, "/gone does not exist");
	world_set(&w, "AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
	world_set(&w, "AWS_ROLE_SESSION_NAME=a b");
	refused(NULL, ERR_KIND_PARAM_VALIDATION, "the role session name");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clean)

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
