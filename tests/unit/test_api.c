/* SPDX-License-Identifier: MIT */
/* Calls: what is sent, what comes back, and what happens in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/slice.h"
#include "unit/canned.h"

static const struct api_request identity = { .service = API_STS,
	.operation = "GetCallerIdentity",
	.signer = { .kind = SIGV4_HMAC } };

static void
test_json_request(void **state)
{
	struct canned c;
	char value[1024];

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	assert_true(canned_has(&c, 0,
	    "POST https://ssm.eu-central-1.amazonaws.com/\n"));
	assert_true(canned_has(&c, 0, "\n\n{\"IamRole\":\"r\"}"));
	assert_false(canned_has(&c, 0, "Host:"));
	canned_header(&c, 0, "Content-Type", value, sizeof value);
	assert_string_equal(value, "application/x-amz-json-1.1");
	canned_header(&c, 0, "X-Amz-Target", value, sizeof value);
	assert_string_equal(value, "AmazonSSM.CreateActivation");
	canned_header(&c, 0, "X-Amz-Security-Token", value, sizeof value);
	assert_string_equal(value, "TOKEN/of+session==");
	canned_header(&c, 0, "Accept-Encoding", value, sizeof value);
	assert_string_equal(value, "identity");
	canned_header(&c, 0, "amz-sdk-request", value, sizeof value);
	assert_string_equal(value, "attempt=1; max=3");
	canned_header(&c, 0, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "SignedHeaders=content-type;host;"
	                              "x-amz-date;x-amz-security-token;"
	                              "x-amz-target, "));
	assert_non_null(strstr(value, "/eu-central-1/ssm/aws4_request"));
	assert_int_equal(c.reply.status, 200);
	assert_int_equal(c.reply.attempts, 1);
	assert_string_equal(c.reply.request_id, "r-1");
	assert_string_equal(buf_str(&c.reply.body), "{\"a\":1}");
	assert_int_equal(c.body_max, 4 * 1024 * 1024);
	canned_close(&c);
}

static void
test_query_request(void **state)
{
	static const struct canned_answer answer[] = { { .status = 200,
	    .body = "<a/>" } };
	struct api_request req = identity;
	struct canned c;
	char value[1024];

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &req, CANNED(answer)), 0);
	assert_true(canned_has(&c, 0,
	    "\n\nAction=GetCallerIdentity&Version=2011-06-15"));
	assert_false(canned_has(&c, 0, "X-Amz-Target"));
	canned_header(&c, 0, "Content-Type", value, sizeof value);
	assert_string_equal(value,
	    "application/x-www-form-urlencoded; charset=utf-8");
	assert_int_equal(c.body_max, 256 * 1024);
	req.operation = "AssumeRole";
	req.body = "A=b%20c";
	assert_int_equal(canned_call(&c, &req, CANNED(answer)), 0);
	assert_true(canned_has(&c, 0,
	    "\n\nAction=AssumeRole&Version=2011-06-15&A=b%20c"));
	canned_close(&c);
}

static void
test_ecs_and_empty_parameters(void **state)
{
	struct api_request req = { .service = API_ECS,
		.operation = "DescribeTasks",
		.signer = { .kind = SIGV4_HMAC } };
	struct canned c;
	char value[256];

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &req, CANNED(canned_ok)), 0);
	canned_header(&c, 0, "X-Amz-Target", value, sizeof value);
	assert_string_equal(value,
	    "AmazonEC2ContainerServiceV20141113.DescribeTasks");
	assert_true(canned_has(&c, 0, "https://ecs.eu-central-1."));
	assert_true(canned_has(&c, 0, "\n\n{}"));
	req.body = "";
	assert_int_equal(canned_call(&c, &req, CANNED(canned_ok)), 0);
	assert_true(canned_has(&c, 0, "\n\n{}"));
	canned_close(&c);
}

/* Without a signature there is neither date nor token. */
static void
test_unsigned_request(void **state)
{
	struct api_request req = canned_create;
	struct canned c;

	(void)state;
	req.signer.kind = SIGV4_NONE;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &req, CANNED(canned_ok)), 0);
	assert_false(canned_has(&c, 0, "Authorization"));
	assert_false(canned_has(&c, 0, "X-Amz-Date"));
	assert_false(canned_has(&c, 0, "X-Amz-Security-Token"));
	canned_close(&c);
}

static void
test_no_token_no_header(void **state)
{
	struct canned c;
	char value[1024];

	(void)state;
	canned_open(&c, NULL);
	free(c.cred.token);
	c.cred.token = NULL;
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	canned_header(&c, 0, "Authorization", value, sizeof value);
	assert_non_null(strstr(value, "SignedHeaders=content-type;host;"
	                              "x-amz-date;x-amz-target, "));
	assert_false(canned_has(&c, 0, "X-Amz-Security-Token"));
	canned_close(&c);
}

static void
test_error_answer(void **state)
{
	static const struct canned_answer answers[] = { CANNED_DENIED };
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), -1);
	assert_int_equal(c.err.kind, ERR_KIND_API);
	assert_int_equal(c.err.code, ERR_SERVICE);
	assert_int_equal(c.err.http_status, 400);
	assert_int_equal(c.err.attempts, 1);
	assert_int_equal(c.reply.attempts, 1);
	assert_false(c.err.ambiguous);
	assert_string_equal(c.err.peer_code, "ValidationException");
	assert_string_equal(c.err.msg,
	    "CreateActivation at ssm.eu-central-1.amazonaws.com: "
	    "ValidationException: no (request id r-2)");
	canned_close(&c);
}

static void
test_refused_access_has_its_status(void **state)
{
	static const struct canned_answer answers[] = { { .status = 400,
	    .body = "{\"__type\":\"AccessDeniedException\"}" } };
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(answers)), -1);
	assert_int_equal(c.err.code, ERR_ACCESS);
	canned_close(&c);
}

static void
test_reply_as_json(void **state)
{
	struct api_reply reply = { .status = 200 };
	struct json *doc = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(api_reply_json(&reply, &doc, &err), 0);
	assert_true(json_is_object(doc));
	json_free(doc);
	buf_puts(&reply.body, "[1]");
	assert_int_equal(api_reply_json(&reply, &doc, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
	assert_true(err.ambiguous);
	err_clear(&err);
	buf_cut(&reply.body, 0);
	buf_puts(&reply.body, "{\"a\":");
	assert_int_equal(api_reply_json(&reply, &doc, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_PARSE);
	api_reply_free(&reply);
}

static void
test_wrong_settings_come_first(void **state)
{
	const char *const url[] = { "AWS_ENDPOINT_URL=nonsense", NULL };
	const char *const mode[] = { "AWS_RETRY_MODE=nonsense", NULL };
	struct canned c;

	(void)state;
	canned_open(&c, url);
	assert_int_equal(canned_call(&c, &canned_create, NULL, 0), -1);
	assert_int_equal(c.err.kind, ERR_KIND_INVALID_VALUE);
	canned_close(&c);
	canned_open(&c, mode);
	assert_int_equal(canned_call(&c, &canned_create, NULL, 0), -1);
	assert_int_equal(c.err.kind, ERR_KIND_CONFIG);
	assert_int_equal(c.err.attempts, 0);
	canned_close(&c);
}

static void
test_user_agent(void **state)
{
	const char *const vars[] = { "AWS_EXECUTION_ENV=AWS_ECS(FARGATE)",
		"AWS_SDK_UA_APP_ID=my app#1/\xc3\xa9", NULL };
	struct canned c;
	char value[512];

	(void)state;
	canned_open(&c, vars);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	canned_header(&c, 0, "User-Agent", value, sizeof value);
	assert_true(slice_starts(slice_of(value), "ssm-activate/"));
	assert_non_null(strstr(value, " md/BearSSL#"));
	assert_non_null(strstr(value, " ua/2.1 os/linux#"));
	assert_non_null(strstr(value, " md/arch#"));
	assert_non_null(strstr(value, " lang/c exec-env/AWS_ECS-FARGATE- "
	                              "cfg/retry-mode#standard "
	                              "app/my-app#1---"));
	canned_close(&c);
}

/* Keys of a real account on an open line are worth a warning. */
static void
test_plain_http_is_noticed(void **state)
{
	const char *const open_line[] = { "AWS_ENDPOINT_URL=http://h.example",
		NULL };
	const char *const own[] = { "AWS_ENDPOINT_URL=http://[::1]:1", NULL };
	struct api_request unsigned_call = canned_create;
	struct canned c;

	(void)state;
	unsigned_call.signer.kind = SIGV4_NONE;
	canned_open(&c, open_line);
	assert_int_equal(canned_call(&c, &unsigned_call, CANNED(canned_ok)), 0);
	assert_false(c.api.warned_plain);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	assert_true(c.api.warned_plain);
	canned_close(&c);
	canned_open(&c, own);
	assert_int_equal(canned_call(&c, &canned_create, CANNED(canned_ok)), 0);
	assert_false(c.api.warned_plain);
	canned_close(&c);
}

/* What AWS says back must not show what the caller marked as secret. */
static void
test_secret_of_the_request(void **state)
{
	static const struct canned_answer answers[] = { { .status = 400,
	    .body = "{\"__type\":\"ValidationException\",\"message\":"
		    "\"Value 'code-0123456789' at 'activationCode'\"}" } };
	struct api_request req = canned_create;
	struct canned c;

	(void)state;
	canned_open(&c, NULL);
	req.secret = "code-0123456789";
	assert_int_equal(canned_call(&c, &req, CANNED(answers)), -1);
	assert_null(strstr(c.err.msg, "0123456789"));
	assert_null(strstr(c.err.peer_text, "0123456789"));
	assert_non_null(strstr(c.err.msg, "'(hidden)'"));
	canned_close(&c);
}

static void
test_names_of_services(void **state)
{
	enum api_service service;

	(void)state;
	assert_int_equal(api_service_find("sts", &service), 0);
	assert_int_equal(service, API_STS);
	assert_string_equal(api_service_name(API_ECS), "ecs");
	assert_int_equal(api_service_find("s3", &service), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_request),
		cmocka_unit_test(test_query_request),
		cmocka_unit_test(test_ecs_and_empty_parameters),
		cmocka_unit_test(test_unsigned_request),
		cmocka_unit_test(test_no_token_no_header),
		cmocka_unit_test(test_error_answer),
		cmocka_unit_test(test_refused_access_has_its_status),
		cmocka_unit_test(test_reply_as_json),
		cmocka_unit_test(test_wrong_settings_come_first),
		cmocka_unit_test(test_user_agent),
		cmocka_unit_test(test_plain_http_is_noticed),
		cmocka_unit_test(test_secret_of_the_request),
		cmocka_unit_test(test_names_of_services),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
