/* SPDX-License-Identifier: MIT */
/* STS: what is asked, and what is taken from its XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/sts.h"
#include "base/clock.h"
#include "unit/world.h"

#define CREDENTIALS(op)                                                     \
	"<" op "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/" \
	"\"><" op "Result><AssumedRoleUser><AssumedRoleId>A:s"              \
	"</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/r/s"   \
	"</Arn></AssumedRoleUser><Credentials><AccessKeyId>ASIAX"           \
	"</AccessKeyId><SecretAccessKey>s/&amp;1</SecretAccessKey>"         \
	"<SessionToken>TOK==</SessionToken>"                                \
	"<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></" op  \
	"Result><ResponseMetadata><RequestId>r-1</RequestId>"               \
	"</ResponseMetadata></" op "Response>"

static const char start[] = "POST https://sts.us-east-1.amazonaws.com/";
static const struct cred base = { .access_key = (char[]){ "AKIDBASE" },
	.secret_key = (char[]){ "secret" } };

static void
begin(struct world *w)
{
	world_make(w);
	assert_int_equal(world_open(w, NULL), 0);
}

static void
test_assume_role(void **state)
{
	static const struct world_step steps[] = { { .start = start,
	    .has = { "Credential=AKIDBASE/", "/us-east-1/sts/aws4_request",
		"\n\nAction=AssumeRole&Version=2011-06-15&"
		"RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
		"RoleSessionName=s%40x&ExternalId=e%20id&"
		"DurationSeconds=1800" },
	    .status = 200,
	    .body = CREDENTIALS("AssumeRole") } };
	static const struct sts_role role = { "arn:aws:iam::1:role/r", "s@x",
		"e id", "1800", NULL };
	struct cred got = { 0 };
	struct world w;

	(void)state;
	begin(&w);
	world_expect(&w, WORLD_STEPS(steps));
	assert_int_equal(sts_assume_role(&w.api, &base, &role, clock_in(5000),
	                     &got, &w.err),
	    0);
	world_done(&w);
	assert_string_equal(got.access_key, "ASIAX");
	assert_string_equal(got.secret_key, "s/&1");
	assert_string_equal(got.token, "TOK==");
	assert_int_equal(got.expires, 1893456000);
	cred_value_free(&got);
	assert_null(got.token);
	world_free(&w);
}

static void
test_web_identity_is_unsigned(void **state)
{
	static const struct world_step steps[] = { { .start = start,
	    .has = { "&RoleSessionName=s&WebIdentityToken=eyJ.a%2Bb" },
	    .lacks = { "Authorization", "X-Amz-Date", "ExternalId",
		"Duration" },
	    .status = 200,
	    .body = CREDENTIALS("AssumeRoleWithWebIdentity") } };
	static const struct sts_role role = { "arn:aws:iam::1:role/r", "s", "e",
		"900", "eyJ.a+b" };
	struct cred got = { 0 };
	struct world w;

	(void)state;
	begin(&w);
	world_expect(&w, WORLD_STEPS(steps));
	assert_int_equal(sts_assume_role(&w.api, NULL, &role, clock_in(5000),
	                     &got, &w.err),
	    0);
	world_done(&w);
	assert_string_equal(got.access_key, "ASIAX");
	cred_value_free(&got);
	world_free(&w);
}

/* The provider's trouble passes; a token is not shown in an error. */
static void
test_identity_provider_is_asked_again(void **state)
{
	static const struct world_step steps[] = {
		{ .start = start,
		    .status = 400,
		    .body = "<ErrorResponse><Error><Code>IDPCommunicationError"
		            "</Code></Error></ErrorResponse>" },
		{ .start = start,
		    .status = 400,
		    .body = "<ErrorResponse><Error><Code>InvalidIdentityToken"
		            "</Code><Message>bad eyJtokentoken</Message>"
		            "</Error></ErrorResponse>" }
	};
	static const struct sts_role role = { "arn:aws:iam::1:role/r", "s",
		NULL, NULL, "eyJtokentoken" };
	struct cred got = { 0 };
	struct world w;

	(void)state;
	begin(&w);
	world_expect(&w, WORLD_STEPS(steps));
	assert_int_equal(sts_assume_role(&w.api, NULL, &role, clock_in(5000),
	                     &got, &w.err),
	    -1);
	world_done(&w);
	assert_string_equal(w.err.peer_code, "InvalidIdentityToken");
	assert_null(strstr(w.err.msg, "eyJ"));
	assert_null(got.access_key);
	world_free(&w);
}

static void
test_incomplete_answers(void **state)
{
	static const char *const bodies[] = { "", "{}", "<a/>",
		"<AssumeRoleResponse><AssumeRoleResult><Credentials>"
		"<AccessKeyId>A</AccessKeyId></Credentials>"
		"</AssumeRoleResult></AssumeRoleResponse>" };
	static const struct sts_role role = { "arn:aws:iam::1:role/r", "s",
		NULL, NULL, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct world_step step = {
			.start = start, .status = 200, .body = bodies[i]
		};
		struct cred got = { 0 };
		struct world w;

		begin(&w);
		world_expect(&w, &step, 1);
		assert_int_equal(sts_assume_role(&w.api, &base, &role,
		                     clock_in(5000), &got, &w.err),
		    -1);
		assert_int_equal(w.err.kind, ERR_KIND_PARSE);
		assert_null(got.access_key);
		world_free(&w);
	}
}

/* The flag --endpoint-url is for the call that the user asked for. */
static void
test_endpoint_flag_is_not_for_roles(void **state)
{
	static const struct world_step steps[] = { { .start = start,
	    .status = 200,
	    .body = CREDENTIALS("AssumeRole") } };
	static const struct sts_role role = { "arn:aws:iam::1:role/r", "s",
		NULL, NULL, NULL };
	struct cred got = { 0 };
	struct conf_options options = { .endpoint_url = "http://127.0.0.1:1" };
	struct world w;

	(void)state;
	begin(&w);
	options.env.vars = w.vars;
	conf_free(w.conf);
	w.conf = NULL;
	assert_int_equal(conf_open(&w.conf, &options, &w.err), 0);
	w.api.conf = w.conf;
	world_expect(&w, WORLD_STEPS(steps));
	assert_int_equal(sts_assume_role(&w.api, &base, &role, clock_in(5000),
	                     &got, &w.err),
	    0);
	cred_value_free(&got);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assume_role),
		cmocka_unit_test(test_web_identity_is_unsigned),
		cmocka_unit_test(test_identity_provider_is_asked_again),
		cmocka_unit_test(test_incomplete_answers),
		cmocka_unit_test(test_endpoint_flag_is_not_for_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
