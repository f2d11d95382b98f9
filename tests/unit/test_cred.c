/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/world.h"

/* The chain as a whole, environment keys and the keys of the files. */

static void
got(const char *method, const char *access_key, const char *token)
{
	if (world_fetch(&world, NULL, 0) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(cred_plan_method(world.plan), method);
	assert_string_equal(world.cred.method, method);
	assert_string_equal(world.cred.access_key, access_key);
	if (token == NULL)
		assert_null(world.cred.token);
	else
		assert_string_equal(world.cred.token, token);
}

static void
planned(const char *method)
{
	if (world_plan(&world, NULL) != 0)
		fail_msg("%s", world.err.msg);
	assert_string_equal(cred_plan_method(world.plan), method);
}

static void
refused(enum err_kind kind, const char *text)
{
	assert_int_equal(world_plan(&world, NULL), -1);
	assert_null(world.plan);
	world_failed(&world, kind, text);
}

static void
set_env_keys(void)
{
	world_set(&world, "AWS_ACCESS_KEY_ID=AKIDENV");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=sec/env");
}

static void
test_env_keys(void **state)
{
	(void)state;
	set_env_keys();
	planned("env");
	got("env", "AKIDENV", NULL);
	assert_string_equal(world.cred.secret_key, "sec/env");
	assert_int_equal(world.cred.expires, 0);
	world_set(&world, "AWS_SESSION_TOKEN=tok+/=");
	planned("env");
	got("env", "AKIDENV", "tok+/=");
	world_set(&world, "AWS_SESSION_TOKEN=");
	planned("env");
	got("env", "AKIDENV", NULL);
}

static void
test_env_has_no_security_token(void **state)
{
	(void)state;
	set_env_keys();
	world_set(&world, "AWS_SECURITY_TOKEN=old");
	planned("env");
	got("env", "AKIDENV", NULL);
}

static void
test_env_expiry(void **state)
{
	(void)state;
	set_env_keys();
	world_set(&world, "AWS_CREDENTIAL_EXPIRATION=2099-01-01T00:00:00Z");
	planned("env");
	got("env", "AKIDENV", NULL);
	assert_true(world.cred.expires == 4070908800);
	world_set(&world, "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z");
	refused(ERR_KIND_EXPIRED_CREDENTIALS, "2020-01-01T00:00:00Z");
	world_set(&world, "AWS_CREDENTIAL_EXPIRATION=tomorrow");
	refused(ERR_KIND_INVALID_VALUE, "AWS_CREDENTIAL_EXPIRATION");
}

static void
test_env_without_secret_ends_the_search(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
	world_set(&world, "AWS_ACCESS_KEY_ID=AKIDENV");
	refused(ERR_KIND_PARTIAL_CREDENTIALS, "AWS_SECRET_ACCESS_KEY");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=");
	refused(ERR_KIND_PARTIAL_CREDENTIALS, "AWS_SECRET_ACCESS_KEY");
}

/* Neither a lone secret nor a lone token is used, or mixed with a file. */
static void
test_env_without_access_key_is_skipped(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=AKIDFILE\n"
	    "aws_secret_access_key=s\n");
	world_set(&world, "AWS_ACCESS_KEY_ID=");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=lone");
	world_set(&world, "AWS_SESSION_TOKEN=lone");
	planned("shared-credentials-file");
	got("shared-credentials-file", "AKIDFILE", NULL);
	assert_string_equal(world.cred.secret_key, "s");
}

static void
refused_variable(const char *setting, const char *name)
{
	set_env_keys();
	world_set(&world, setting);
	refused(ERR_KIND_INVALID_VALUE, name);
	assert_null(strstr(world.err.msg, "hush"));
	assert_null(strstr(world.err.fix, "hush"));
}

static void
test_env_refuses_blanks_and_controls(void **state)
{
	(void)state;
	refused_variable("AWS_SECRET_ACCESS_KEY=hush\n",
	    "AWS_SECRET_ACCESS_KEY");
	refused_variable("AWS_SECRET_ACCESS_KEY=hush hush",
	    "AWS_SECRET_ACCESS_KEY");
	refused_variable("AWS_ACCESS_KEY_ID=hush\t", "AWS_ACCESS_KEY_ID");
	refused_variable("AWS_SESSION_TOKEN=\x7fhush", "AWS_SESSION_TOKEN");
}

static void
write_both_files(void)
{
	world_file(&world, ".aws/credentials",
	    "[dev]\naws_access_key_id=AKIDCREDS\naws_secret_access_key=s\n"
	    "aws_session_token=tok\n");
	world_file(&world, ".aws/config",
	    "[profile dev]\naws_access_key_id=AKIDCONFIG\n"
	    "aws_secret_access_key=s\n"
	    "[profile cfg]\naws_access_key_id=AKIDCFG\n"
	    "aws_secret_access_key=s p=a+c/e==\n");
}

static void
test_env_keys_and_profiles(void **state)
{
	(void)state;
	write_both_files();
	set_env_keys();
	world_set(&world, "AWS_PROFILE=dev");
	planned("env");
	assert_int_equal(world_plan(&world, "dev"), 0);
	got("shared-credentials-file", "AKIDCREDS", "tok");
	world_set(&world, "AWS_PROFILE=nope");
	refused(ERR_KIND_PROFILE_NOT_FOUND, "nope");
}

static void
test_file_keys(void **state)
{
	(void)state;
	write_both_files();
	world_set(&world, "AWS_PROFILE=dev");
	planned("shared-credentials-file");
	got("shared-credentials-file", "AKIDCREDS", "tok");
	world_set(&world, "AWS_PROFILE=cfg");
	planned("config-file");
	got("config-file", "AKIDCFG", NULL);
	assert_string_equal(world.cred.secret_key, "s p=a+c/e==");
}

static void
test_file_keys_are_not_mixed(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\n");
	world_file(&world, ".aws/config",
	    "[default]\naws_access_key_id=B\naws_secret_access_key=s\n");
	refused(ERR_KIND_PARTIAL_CREDENTIALS, "credentials file");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_secret_access_key=s\n");
	world_file(&world, ".aws/config", "[default]\naws_access_key_id=B\n");
	refused(ERR_KIND_PARTIAL_CREDENTIALS, "config file");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_session_token=t\n");
	world_file(&world, ".aws/config",
	    "[default]\naws_access_key_id=B\naws_secret_access_key=s\n");
	planned("config-file");
	got("config-file", "B", NULL);
}

static void
test_file_refuses_control_bytes(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A B\naws_secret_access_key=hush\n");
	refused(ERR_KIND_INVALID_VALUE, "aws_access_key_id");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=hu\tsh\n");
	refused(ERR_KIND_INVALID_VALUE, "aws_secret_access_key");
}

/* Each source wins over those behind it. */
static void
test_order(void **state)
{
	(void)state;
	world_set(&world, "AWS_EC2_METADATA_DISABLED=false");
	planned("iam-role");
	world_set(&world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
	planned("container-role");
	world_file(&world, ".aws/config",
	    "[default]\naws_access_key_id=B\naws_secret_access_key=s\n");
	planned("config-file");
	world_file(&world, "helper",
	    "#!/bin/sh\necho '{\"Version\":1,"
	    "\"AccessKeyId\":\"P\","
	    "\"SecretAccessKey\":\"s\"}'\n");
	world_file(&world, ".aws/config",
	    "[default]\naws_access_key_id=B\naws_secret_access_key=s\n"
	    "credential_process=helper\n");
	world_set(&world, "PATH=@");
	planned("custom-process");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
	planned("shared-credentials-file");
	world_file(&world, "token", "eyJ.a.b");
	world_set(&world, "AWS_WEB_IDENTITY_TOKEN_FILE=@/token");
	world_set(&world, "AWS_ROLE_ARN=arn:aws:iam::111122223333:role/w");
	planned("assume-role-with-web-identity");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
	    "role_arn=arn:aws:iam::111122223333:role/r\n"
	    "source_profile=default\n");
	planned("assume-role");
	set_env_keys();
	planned("env");
}

static void
test_tells_why_each_source_was_skipped(void **state)
{
	static const char *const reasons[] = {
		"no AWS credentials: env: AWS_ACCESS_KEY_ID is not set",
		"; assume-role: no role_arn in the profile",
		"; assume-role-with-web-identity: no web identity token file",
		"; shared-credentials-file: there is no /",
		"; custom-process: no credential_process",
		"; config-file: there is no /",
		"; sso: no SSO or login keys",
		"; container-role: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and",
		"; iam-role: AWS_EC2_METADATA_DISABLED is true",
	};

	(void)state;
	world_set(&world, "AWS_EC2_METADATA_DISABLED=TRUE");
	assert_int_equal(world_plan(&world, NULL), -1);
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		world_failed(&world, ERR_KIND_NO_CREDENTIALS, reasons[i]);
	world_file(&world, ".aws/config", "[profile p]\nregion=x\n");
	assert_int_equal(world_plan(&world, "p"), -1);
	world_failed(&world, ERR_KIND_NO_CREDENTIALS,
	    "env: a profile is given by flag");
	world_failed(&world, ERR_KIND_NO_CREDENTIALS,
	    "; config-file: no aws_access_key_id in /");
	/* No shell has expanded it, and that is what is to be seen. */
	world_set(&world, "AWS_SHARED_CREDENTIALS_FILE=$HOME/x");
	assert_int_equal(world_plan(&world, NULL), -1);
	world_failed(&world, ERR_KIND_NO_CREDENTIALS, "there is no $HOME/x;");
	world_set(&world, "AWS_SHARED_CREDENTIALS_FILE=~");
	assert_int_equal(world_plan(&world, NULL), -1);
	world_failed(&world, ERR_KIND_NO_CREDENTIALS, "there is no ~;");
}

/* The older name of the token counts where the newer one is not. */
static void
test_older_name_of_the_token(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
	    "aws_security_token=old\n");
	planned("shared-credentials-file");
	got("shared-credentials-file", "A", "old");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
	    "aws_security_token=old\naws_session_token=new\n");
	planned("shared-credentials-file");
	got("shared-credentials-file", "A", "new");
}

/* What was pasted beside a key is no part of it in a file, as with botocore,
 * and is named in the environment. */
static void
test_odd_blanks_beside_a_key(void **state)
{
	(void)state;
	world_file(&world, ".aws/credentials",
	    "\xc2\xa0[default]\xe2\x80\x8a\n"
	    "aws_access_key_id\xc2\xa0=\xe3\x80\x80 AKID\xc2\xa0\xc2\xa0\n"
	    "\xc2\xa0"
	    "aws_secret_access_key = \xe2\x80\x82s\xe2\x80\xaf\n");
	planned("shared-credentials-file");
	got("shared-credentials-file", "AKID", NULL);
	assert_string_equal(world.cred.secret_key, "s");
	world_file(&world, ".aws/credentials",
	    "[default]\naws_access_key_id = AK\xc2\xa0ID\n"
	    "aws_secret_access_key = s\n");
	refused(ERR_KIND_INVALID_VALUE,
	    "aws_access_key_id holds other than ASCII");
	world_file(&world, ".aws/credentials", "");
	world_set(&world, "AWS_ACCESS_KEY_ID=AKID\xc2\xa0");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=s");
	refused(ERR_KIND_INVALID_VALUE,
	    "AWS_ACCESS_KEY_ID holds other than ASCII");
	world_set(&world, "AWS_ACCESS_KEY_ID=AKID");
	world_set(&world, "AWS_SECRET_ACCESS_KEY=\xe2\x80\x8bs");
	refused(ERR_KIND_INVALID_VALUE,
	    "AWS_SECRET_ACCESS_KEY holds other than ASCII");
}

static void
test_sso_and_login_say_what_to_do(void **state)
{
	static const char *const keys[] = { "sso_role_name=r",
		"sso_account_id=1", "login_session=arn:x" };
	char text[256];

	(void)state;
	world_set(&world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		snprintf(text, sizeof text, "[default]\n%s\n", keys[i]);
		world_file(&world, ".aws/config", text);
		refused(ERR_KIND_CONFIG, "profile \"default\" uses ");
		world_failed(&world, ERR_KIND_CONFIG,
		    "aws configure export-credentials --profile default");
		world_failed(&world, ERR_KIND_CONFIG, "credential_process = ");
	}
	world_file(&world, ".aws/config",
	    "[default]\nsso_role_name=r\naws_access_key_id=B\n"
	    "aws_secret_access_key=s\n");
	planned("config-file");
	set_env_keys();
	planned("env");
}

/* A wrong setting of the metadata service is told whatever else wins. */
static void
test_imds_settings_are_checked_always(void **state)
{
	(void)state;
	set_env_keys();
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=ipv5");
	refused(ERR_KIND_CONFIG, "must be IPv4 or IPv6");
	world_set(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPV6");
	world_set(&world, "AWS_METADATA_SERVICE_TIMEOUT=soon");
	refused(ERR_KIND_INVALID_VALUE, "AWS_METADATA_SERVICE_TIMEOUT");
}

static void
test_fresh_and_free(void **state)
{
	struct cred cred = { .expires = 1000 };

	(void)state;
	assert_true(cred_value_lasts(&cred, 940, 60));
	assert_false(cred_value_lasts(&cred, 941, 60));
	assert_false(cred_value_lasts(&cred, 1001, 0));
	cred.expires = 0;
	assert_true(cred_value_lasts(&cred, 1000000, 60));
	cred_value_free(&cred);
	cred_plan_free(NULL);
}

/* What out held stays when the fetch fails. */
static void
test_failure_leaves_the_old_ones(void **state)
{
	static const struct world_step steps[] = {
		{ .start = "GET http://169.254.170.2/x",
		    .status = 200,
		    .body = "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
		            "\"Expiration\":\"2020-01-01T00:00:00Z\"}" },
	};

	(void)state;
	set_env_keys();
	planned("env");
	got("env", "AKIDENV", NULL);
	cred_plan_free(world.plan);
	world.plan = NULL;
	world_set(&world, "AWS_ACCESS_KEY_ID=");
	world_set(&world, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x");
	assert_int_equal(cred_plan(&world.plan, world.conf, &world.err), 0);
	assert_int_equal(world_fetch(&world, WORLD_STEPS(steps)), -1);
	world_failed(&world, ERR_KIND_EXPIRED_CREDENTIALS, "container-role");
	assert_string_equal(world.cred.access_key, "AKIDENV");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_env_keys),
		TEST(test_env_has_no_security_token),
		TEST(test_env_expiry),
		TEST(test_env_without_secret_ends_the_search),
		TEST(test_env_without_access_key_is_skipped),
		TEST(test_env_refuses_blanks_and_controls),
		TEST(test_env_keys_and_profiles),
		TEST(test_file_keys),
		TEST(test_file_keys_are_not_mixed),
		TEST(test_file_refuses_control_bytes),
		TEST(test_order),
		TEST(test_older_name_of_the_token),
		TEST(test_odd_blanks_beside_a_key),
		TEST(test_tells_why_each_source_was_skipped),
		TEST(test_sso_and_login_say_what_to_do),
		TEST(test_imds_settings_are_checked_always),
		TEST(test_fresh_and_free),
		TEST(test_failure_leaves_the_old_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
