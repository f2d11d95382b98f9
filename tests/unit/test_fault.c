/* SPDX-License-Identifier: MIT */
/* Error answers, as AWS and others give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/fault.h"
#include "base/err.h"
#include "base/slice.h"

static struct err err;

static void
decode(int status, const char *type, const char *body)
{
	const struct fault_answer a = { .status = status,
		.type = type,
		.id = "req-1",
		.body = body,
		.body_len = strlen(body),
		.secrets = { "sessiontoken", "activationcode" } };

	err = (struct err){ 0 };
	fault_decode(&a, &err);
	assert_int_equal(err.http_status, status);
	assert_string_equal(err.request_id, "req-1");
}

static void
json(int status, const char *type, const char *body, const char *code,
    const char *text)
{
	decode(status, type, body);
	assert_string_equal(err.peer_code, code);
	assert_string_equal(err.peer_text, text);
}

static void
query(int status, const char *body, const char *code, const char *text)
{
	const struct fault_answer a = { .status = status,
		.query = true,
		.body = body,
		.body_len = strlen(body) };

	err = (struct err){ 0 };
	fault_decode(&a, &err);
	assert_string_equal(err.peer_code, code);
	assert_string_equal(err.peer_text, text);
}

static void
test_json_codes(void **state)
{
	(void)state;
	json(400, NULL, "{\"__type\":\"X\",\"message\":\"m\"}", "X", "m");
	json(400, NULL, "{\"__type\":\"a.b#X\",\"Message\":\"m\"}", "X", "m");
	json(400, NULL,
	    "{\"__type\":\"aws.x#InvalidActivationId:http://internal/y#z\","
	    "\"message\":\"m\"}",
	    "InvalidActivationId", "m");
	json(400, NULL, "{\"__type\":\"X:http://y\"}", "X", "");
	json(400, NULL, "{\"code\":\"C\",\"__type\":\"T\"}", "C", "");
	json(400, "H:http://internal/", "{\"code\":\"C\",\"__type\":\"T\"}",
	    "H", "");
	json(403, "ns#AccessDeniedException", "", "AccessDeniedException", "");
	json(400, "", "{\"__type\":\"T\"}", "T", "");
	json(400, NULL, "{\"__type\":\"#\",\"message\":\"m\"}", "400", "m");
	json(400, NULL, "{\"message\":\"a\",\"Message\":\"b\"}", "400", "a");
	json(400, NULL, "{\"__type\":7,\"message\":[]}", "400", "");
}

static void
test_bodies_without_json(void **state)
{
	(void)state;
	json(400, NULL, "", "400", "");
	json(404, NULL, "no such page", "404", "no such page");
	json(400, NULL, "[1]", "400", "[1]");
	json(500, NULL, "", "500", "Internal Server Error");
	json(503, NULL, "<html><b>x</b></html>", "503", "Service Unavailable");
	json(502, NULL, "<HTML>x", "502", "Bad Gateway");
	json(504, NULL, "\r\n \n", "504", "Gateway Timeout");
	json(500, NULL, "\n <html>x", "500", "Internal Server Error");
	json(503, NULL, "busy", "503", "busy");
	json(599, NULL, "", "599", "");
	json(302, NULL, "<html>moved", "302", "<html>moved");
}

static void
test_query_places(void **state)
{
	(void)state;
	query(400,
	    "<ErrorResponse xmlns=\"u\"><Error><Type>Sender</Type>"
	    "<Code>C</Code><Message>a &lt; b</Message></Error>"
	    "<RequestId>r-9</RequestId></ErrorResponse>",
	    "C", "a < b");
	assert_string_equal(err.request_id, "r-9");
	query(400, "<Error><Code>C</Code><Message>m</Message></Error>", "C",
	    "m");
	query(400,
	    "<Errors><Error><Code>C</Code><Message>m</Message></Error>"
	    "</Errors>",
	    "C", "m");
	query(403, "<ErrorResponse><Error></Error></ErrorResponse>", "403",
	    "<ErrorResponse><Error></Error></ErrorResponse>");
	query(400, "not xml", "400", "not xml");
	query(503, "", "503", "Service Unavailable");
	query(400, "<!DOCTYPE x><Error><Code>C</Code></Error>", "400",
	    "<!DOCTYPE x><Error><Code>C</Code></Error>");
}

static void
test_text_is_cleaned(void **state)
{
	char body[2048];

	(void)state;
	json(400, NULL,
	    "{\"__type\":\"X\\u001b[2J\",\"message\":\"a\\u001b]0;b\\nc\"}",
	    "X?[2J", "a?]0;b?c");
	memset(body, 'x', sizeof body - 1);
	body[sizeof body - 1] = '\0';
	decode(400, NULL, body);
	assert_int_equal(strlen(err.peer_text), sizeof err.peer_text - 1);
}

static void
test_secrets_are_hidden(void **state)
{
	(void)state;
	json(400, NULL,
	    "{\"__type\":\"V\",\"message\":\"Value 'activationcode' at x, "
	    "token sessiontoken, activationcode\"}",
	    "V", "Value '(hidden)' at x, token (hidden), (hidden)");
	json(400, NULL, "{\"__type\":\"InvalidactivationcodeX\"}",
	    "Invalid(hidden)X", "");
	json(400, "sessiontoken", "{}", "(hidden)", "");
	/* What should have been signed holds the token. */
	json(403, NULL,
	    "{\"__type\":\"InvalidSignatureException\",\"message\":\"does not "
	    "match.\\n\\nThe Canonical String for this request should have "
	    "been\\n'POST\\nx-amz-security-token:other'\"}",
	    "InvalidSignatureException", "does not match.");
}

static void
test_secrets_are_hidden_in_ids(void **state)
{
	const struct fault_answer a = { .status = 400,
		.id = "of activationcode",
		.body = "{}",
		.body_len = 2,
		.secrets = { NULL, "activationcode" } };
	char shown[16];

	(void)state;
	err = (struct err){ 0 };
	fault_decode(&a, &err);
	assert_string_equal(err.request_id, "of (hidden)");
	fault_show(shown, sizeof shown, &a, slice_of(" activationcode\x7f "));
	assert_string_equal(shown, "(hidden)?");
}

static void
test_kinds_of_codes(void **state)
{
	(void)state;
	assert_true(fault_is_access("AccessDenied"));
	assert_true(fault_is_access("AccessDeniedException"));
	assert_true(fault_is_access("UnrecognizedClientException"));
	assert_true(fault_is_access("ExpiredToken"));
	assert_false(fault_is_access("ValidationException"));
	assert_false(fault_is_access("ThrottlingException"));
	assert_true(fault_is_expired("ExpiredTokenException"));
	assert_false(fault_is_expired("AccessDenied"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_codes),
		cmocka_unit_test(test_bodies_without_json),
		cmocka_unit_test(test_query_places),
		cmocka_unit_test(test_text_is_cleaned),
		cmocka_unit_test(test_secrets_are_hidden),
		cmocka_unit_test(test_secrets_are_hidden_in_ids),
		cmocka_unit_test(test_kinds_of_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
