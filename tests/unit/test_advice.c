/* SPDX-License-Identifier: MIT */
/* What the user is told to do, with names of their own in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/advice.h"
#include "aws/advice_table.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

static struct err err;

static const struct advice_context create = { .service = "ssm",
	.operation = "CreateActivation",
	.region = "eu-west-1",
	.body = "{\"IamRole\":\"service-role/NodeRole\"}",
	.host = "ssm.eu-west-1.amazonaws.com",
	.method = "container-role",
	.has_token = true };

static void
advise(const struct advice_context *ctx, const char *code, const char *text)
{
	err = (struct err){ 0 };
	err_set(&err, ERR_KIND_API, "%s", text);
	snprintf(err.peer_code, sizeof err.peer_code, "%s", code);
	snprintf(err.peer_text, sizeof err.peer_text, "%s", text);
	advice_fill(&err, ctx);
}

static void
says(const char *text)
{
	if (strstr(err.fix, text) == NULL)
		fail_msg("no \"%s\" in: %s", text, err.fix);
	if (strchr(err.fix, '%') != NULL)
		fail_msg("a word was not filled in: %s", err.fix);
}

/* The one-line JSON in the advice, which must parse. */
static void
statement(const char *action, const char *resource)
{
	struct slice rest = slice_of(err.fix), head;
	struct json *doc = NULL;
	char text[ERR_FIX_MAX];

	assert_true(slice_split(rest, '{', &head, &rest));
	snprintf(text, sizeof text, "{%.*s", (int)rest.len, rest.ptr);
	assert_int_equal(json_parse(&doc, text, strlen(text), NULL), 0);
	assert_string_equal(json_text(doc, "Effect"), "Allow");
	assert_string_equal(json_text(doc, "Action"), action);
	assert_string_equal(json_text(doc, "Resource"), resource);
	json_free(doc);
}

static void
test_missing_permission(void **state)
{
	struct advice_context describe = create, registering = create;

	(void)state;
	describe.operation = "DescribeActivations";
	registering.operation = "RegisterManagedInstance";
	advise(&describe, "AccessDeniedException",
	    "User: arn:aws:sts::111122223333:assumed-role/task/abc is not "
	    "authorized to perform: ssm:DescribeActivations on resource: "
	    "arn:aws:ssm:eu-west-1:111122223333:* because no identity-based "
	    "policy allows the ssm:DescribeActivations action");
	says("the role task may not list activations");
	statement("ssm:DescribeActivations",
	    "arn:aws:ssm:eu-west-1:111122223333:*");
	advise(&create, "AccessDeniedException",
	    "User: arn:aws:iam::111122223333:user/u is not authorized to "
	    "perform: ssm:CreateActivation");
	says("arn:aws:iam::111122223333:user/u may not do "
	     "ssm:CreateActivation");
	says("{\"Effect\":\"Allow\",\"Action\":\"ssm:CreateActivation\","
	     "\"Resource\":\"*\"}");
	says("\"Resource\":\"arn:aws:iam::111122223333:role/service-role/"
	     "NodeRole\"");
	/* Two statements, one sentence. */
	assert_null(strstr(strstr(err.fix, "add to") + 1, "add to"));
	advise(&registering, "AccessDeniedException", "not allowed");
	assert_null(strstr(err.fix, "Effect"));
	advise(&describe, "AccessDenied", "");
	says("the caller may not");
	statement("ssm:DescribeActivations", "*");
}

static void
test_pass_role(void **state)
{
	struct advice_context china = create;

	(void)state;
	advise(&create, "AccessDeniedException",
	    "User: arn:aws:sts::111122223333:assumed-role/task/abc is not "
	    "authorized to perform: iam:PassRole on resource: "
	    "arn:aws:iam::111122223333:role/NodeRole because no "
	    "identity-based policy allows the iam:PassRole action");
	says("service-role/NodeRole to Systems Manager");
	statement("iam:PassRole", "arn:aws:iam::111122223333:role/NodeRole");
	says("\"iam:PassedToService\":\"ssm.amazonaws.com\"");
	china.region = "cn-north-1";
	advise(&china, "AccessDeniedException", "perform: iam:PassRole");
	statement("iam:PassRole",
	    "arn:aws-cn:iam::ACCOUNT:role/service-role/NodeRole");
}

static void
test_policies_that_forbid(void **state)
{
	static const char *const texts[][2] = {
		{ "with an explicit deny in a service control policy",
		    "explicitly" },
		{ "because no service control policy allows it",
		    "service control policy of the organization" },
		{ "because no session policy allows it", "session policy" },
		{ "because no permissions boundary allows it", "boundary" },
		{ "Encoded authorization failure message: AbC",
		    "decode-authorization-message" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		advise(&create, "AccessDeniedException", texts[i][0]);
		says(texts[i][1]);
		assert_null(strstr(err.fix, "Effect"));
	}
}

static void
test_codes(void **state)
{
	static const struct {
		const char *operation, *code, *text, *want;
	} cases[] = {
		{ "CreateActivation", "ValidationException",
		    "Nonexistent role or missing ssm service principal",
		    "service-role/NodeRole is not in this account" },
		{ "CreateActivation", "ValidationException",
		    "Not existing role: arn", "is not in this account" },
		{ "CreateActivation", "ValidationException",
		    "Value 'arn' at 'iamRole' failed", "not its ARN" },
		{ "CreateActivation", "ValidationException",
		    "ExpirationDate is too far", "30 days" },
		{ "CreateActivation", "InternalFailure", "", "ARN" },
		{ "CreateActivation", "ThrottlingException", "Rate exceeded",
		    "AWS_MAX_ATTEMPTS" },
		{ "DeleteActivation", "InvalidActivationId", "",
		    "nothing is left" },
		{ "DeleteActivation", "TooManyUpdates", "", "few seconds" },
		{ "DeregisterManagedInstance", "InvalidInstanceId", "",
		    "gone" },
		{ "RegisterManagedInstance", "InvalidActivation", "",
		    "make a new activation" },
		{ "GetServiceSetting", "ServiceSettingNotFound", "",
		    "standard tier" },
		{ "X", "UnrecognizedClientException", "", "container-role" },
		{ "X", "InvalidClientTokenId", "", "partition than aws" },
		{ "X", "ExpiredTokenException", "", "out of date" },
		{ "X", "SignatureDoesNotMatch", "", "secret key" },
		{ "X", "SignatureDoesNotMatch", "Signature expired: x",
		    "behind" },
		{ "X", "InvalidSignatureException",
		    "Signature not yet current: x", "ahead" },
		{ "X", "SignatureDoesNotMatch",
		    "Credential should be scoped to a valid region.",
		    "another region or service than eu-west-1, ssm" },
		{ "X", "InvalidSignatureException",
		    "Credential should be scoped to correct service: 'ssm'.",
		    "AWS_ENDPOINT_URL*" },
		{ "RegisterManagedInstance", "AccessDeniedException",
		    "with an explicit deny in a VPC endpoint policy",
		    "VPC endpoint" },
		{ "X", "MissingAuthenticationToken", "", "proxy" },
		{ "X", "OptInRequired", "", "eu-west-1" },
		{ "X", "RegionDisabledException", "", "enable the region" },
		{ "X", "ServiceUnavailable", "", "request id" },
		{ "X", "503", "", "request id" },
		{ "X", "404", "", "proxy" },
		{ "AssumeRole", "AccessDenied", "", "external_id" },
		{ "AssumeRole", "ValidationError", "", "duration_seconds" },
		{ "AssumeRoleWithWebIdentity", "AccessDenied", "",
		    "system:serviceaccount:" },
		{ "AssumeRoleWithWebIdentity", "InvalidIdentityToken", "",
		    "OIDC" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct advice_context ctx = create;

		ctx.operation = cases[i].operation;
		advise(&ctx, cases[i].code, cases[i].text);
		says(cases[i].want);
	}
	advise(&create, "SomethingNew", "");
	assert_string_equal(err.fix, "");
}

static void
test_temporary_key_without_token(void **state)
{
	struct advice_context ctx = create;

	(void)state;
	ctx.access_key = "ASIAEXAMPLE";
	ctx.has_token = false;
	advise(&ctx, "UnrecognizedClientException", "");
	says("AWS_SESSION_TOKEN");
	ctx.access_key = "AKIAEXAMPLE";
	advise(&ctx, "UnrecognizedClientException", "");
	assert_null(strstr(err.fix, "AWS_SESSION_TOKEN"));
}

static void
no_answer(const struct advice_context *ctx, enum err_kind kind,
    enum err_retry retry, const char *text)
{
	err = (struct err){ 0 };
	err_set(&err, kind, "%s", text);
	err.retry = retry;
	advice_fill(&err, ctx);
}

static void
test_no_answer(void **state)
{
	struct advice_context ctx = create;

	(void)state;
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_FINAL, "no name");
	says("eu-west-1 may be misspelt");
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_TRANSIENT, "timed out");
	says("VPC endpoint");
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_TRANSIENT,
	    "the name servers do not answer");
	says("/etc/resolv.conf");
	no_answer(&ctx, ERR_KIND_PROXY, ERR_TRANSIENT, "x");
	says("HTTPS_PROXY");
	ctx.variant = true;
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_TRANSIENT,
	    "cannot resolve the name: the name servers do not answer");
	says("AWS_USE_FIPS_ENDPOINT");
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_FINAL,
	    "cannot resolve the name: it does not exist");
	says("AWS_USE_FIPS_ENDPOINT");
	ctx.variant = false;
	ctx.configured = true;
	no_answer(&ctx, ERR_KIND_CONNECTION, ERR_TRANSIENT, "refused");
	says("AWS_ENDPOINT_URL");
	advise(&ctx, "UnknownOperationException", "");
	says("AWS_ENDPOINT_URL");
}

/* Partitions with roots of their own need a bundle. */
static void
test_private_roots(void **state)
{
	struct advice_context ctx = create;

	(void)state;
	ctx.region = "us-iso-east-1";
	no_answer(&ctx, ERR_KIND_TLS, ERR_FINAL, "it is not trusted");
	says("partition aws-iso has certificates of its own");
	says("AWS_CA_BUNDLE");
}

static void
test_first_advice_stays(void **state)
{
	(void)state;
	err = (struct err){ 0 };
	err_set(&err, ERR_KIND_CONNECTION, "x");
	err_fix(&err, "do this");
	advice_fill(&err, &create);
	assert_string_equal(err.fix, "do this");
	err = (struct err){ 0 };
	advice_fill(&err, &create);
	assert_string_equal(err.fix, "");
	advice_fill(NULL, &create);
}

/* All letters of a row are known: no other ones stand behind a '%'; what it
 * says comes out by the first of its codes, and fits. */
static void
check_row(const struct advice_row *row, const char *codes)
{
	struct advice_context ctx = { .service = "ssm" };
	struct slice rest = slice_of(row->advice), list, code, head;
	char name[64];

	assert_true(rest.len >= 20);
	while (slice_split(rest, '%', &head, &rest))
		assert_non_null(strchr("wargnhkeosAPT", rest.ptr[0]));
	list = slice_of(codes);
	assert_true(slice_cut(&list, ' ', &code));
	assert_true(slice_copy(code, name, sizeof name));
	if (row->when != NULL || code.ptr[0] > 'Z')
		return;
	ctx.operation = row->operation != NULL ? row->operation : "Op";
	advise(&ctx, name, row->text != NULL ? row->text : "");
	assert_true(strlen(err.fix) > 20);
	assert_true(strlen(err.fix) < sizeof err.fix - 1);
	assert_null(strchr(err.fix, '%'));
	/* The row itself, not one before it. */
	rest = slice_of(row->advice);
	(void)slice_split(rest, '%', &rest, &head);
	assert_true(slice_starts(slice_of(err.fix), "the caller") ||
	            slice_starts(slice_of(err.fix), "the role") ||
	            strncmp(err.fix, rest.ptr, rest.len) == 0);
}

static void
test_every_row_is_whole(void **state)
{
	const char *codes = NULL;

	(void)state;
	for (size_t i = 0; i < advice_table_count; i++) {
		if (advice_table_rows[i].codes != NULL)
			codes = advice_table_rows[i].codes;
		assert_non_null(codes);
		check_row(&advice_table_rows[i], codes);
	}
	assert_true(advice_table_count > 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_permission),
		cmocka_unit_test(test_pass_role),
		cmocka_unit_test(test_policies_that_forbid),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_temporary_key_without_token),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_private_roots),
		cmocka_unit_test(test_first_advice_stays),
		cmocka_unit_test(test_every_row_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
