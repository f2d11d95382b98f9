/* SPDX-License-Identifier: MIT */
/* What the gateway tells over the control channel, and the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "mgs/order.h"
#include "unit/vectors.h"

static int
read_text(struct order *out, enum frame_type type, const char *text)
{
	const struct frame frame = { .type = type,
		.id = { 0xd0, 0x71, 0x52, 0x20 },
		.payload = slice_of(text) };
	struct err err = { 0 };
	int rc;

	*out = (struct order){ .kind = ORDER_NONE };
	rc = order_read(out, &frame, &err);
	assert_int_equal(err.kind, rc == 0 ? ERR_KIND_NONE : ERR_KIND_PARSE);
	return rc;
}

/* A recorded frame, as an order. */
static void
read_vector(struct order *out, const char *name)
{
	struct json *doc = vectors_load();
	struct buf bytes = { 0 };
	struct frame frame;

	*out = (struct order){ .kind = ORDER_NONE };
	vectors_frame(doc, name, &bytes);
	assert_int_equal(frame_read(&frame, slice_make(bytes.data, bytes.len),
	                     NULL),
	    0);
	assert_int_equal(order_read(out, &frame, NULL), 0);
	buf_free(&bytes);
	json_free(doc);
}

static void
test_recorded_orders(void **state)
{
	struct order order;
	struct json *task = NULL;

	(void)state;
	read_vector(&order, "interactive_shell-SSM-SessionManagerRunShell");
	assert_int_equal(order.kind, ORDER_START);
	assert_string_equal(order.session, "tester-3ab3a61f65944929b");
	assert_int_equal(json_parse(&task, order.content.data,
	                     order.content.len, NULL),
	    0);
	assert_string_equal(json_text(task, "SessionId"), order.session);
	json_free(task);
	order_free(&order);
	read_vector(&order, "channel_closed");
	assert_int_equal(order.kind, ORDER_END);
	assert_true(order_is_session(slice_of(order.session)));
	order_free(&order);
	read_vector(&order, "agent_task_acknowledge");
	assert_int_equal(order.kind, ORDER_ACKNOWLEDGED);
	assert_string_equal(order.session, "tester-3ab3a61f65944929b");
	read_vector(&order, "agent_job-sendCommand");
	assert_int_equal(order.kind, ORDER_JOB);
	assert_true(slice_starts(slice_of(order.job), "aws.ssm."));
	read_vector(&order, "agent_job_reply_ack");
	assert_int_equal(order.kind, ORDER_NONE);
}

static void
test_any_letter_case(void **state)
{
	struct order order;

	(void)state;
	assert_int_equal(read_text(&order, FRAME_INTERACTIVE_SHELL,
	                     "{\"schemaVersion\":1,\"taskId\":\"test_task\","
	                     "\"topic\":\"test_topic\",\"content\":"
	                     "\"{\\\"sessionid\\\":\\\"u-0\\\"}\"}"),
	    0);
	assert_int_equal(order.kind, ORDER_START);
	assert_string_equal(order.session, "u-0");
	assert_string_equal(order.message,
	    "d0715220-0000-0000-0000-000000000000");
	order_free(&order);
	assert_int_equal(read_text(&order, FRAME_CHANNEL_CLOSED,
	                     "{\"SESSIONID\":\"u-1\"}"),
	    0);
	assert_string_equal(order.session, "u-1");
	assert_int_equal(read_text(&order, FRAME_CONTROL_CHANNEL_READY, "{}"),
	    0);
	assert_int_equal(order.kind, ORDER_READY);
	/* It has nothing that must be right. */
	assert_int_equal(read_text(&order, FRAME_CONTROL_CHANNEL_READY, "{"),
	    0);
	assert_int_equal(order.kind, ORDER_READY);
	assert_int_equal(read_text(&order, FRAME_OTHER, "\x01"), 0);
	assert_int_equal(order.kind, ORDER_NONE);
}

static void
test_wrong_payloads(void **state)
{
	static const enum frame_type types[] = { FRAME_INTERACTIVE_SHELL,
		FRAME_CHANNEL_CLOSED, FRAME_AGENT_TASK_ACKNOWLEDGE,
		FRAME_AGENT_JOB };
	static const char *const texts[] = { "", "{", "null", "[]", "1e999",
		"{}", "\"x\"", "{\"a\": \"\xff\"}",
		"{\"Content\":7,\"SessionId\":{},\"TaskId\":[],\"JobId\":1}",
		"{\"Content\":\"{\",\"JobId\":\"\",\"SessionId\":\"\"}",
		"{\"Content\":\"[]\",\"TaskId\":\"a/b\",\"SessionId\":\"..\"}",
		"{\"Content\":\"{\\\"SessionId\\\":\\\"../x\\\"}\"}" };
	struct order order;

	(void)state;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
			if (read_text(&order, types[i], texts[k]) != -1)
				fail_msg("%d: %s", (int)types[i], texts[k]);
			assert_int_equal(order.kind, ORDER_NONE);
		}
	}
}

/* As deep as a parser would have to go. */
static void
test_deep(void **state)
{
	char *text = malloc(200001);
	struct order order;

	(void)state;
	assert_non_null(text);
	memset(text, '[', 200000);
	text[200000] = '\0';
	assert_int_equal(read_text(&order, FRAME_INTERACTIVE_SHELL, text), -1);
	free(text);
}

static void
test_sessions(void **state)
{
	static const char *const good[] = { "u", "user-0123456789abcdef0",
		"a@b.example-0", "A_b=c,d", "a..b" };
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "../x",
		"a b", "a\nb", "%2e%2e%2fowned", "sess\xc3\xafon", "a\\b",
		"a:b", "a*" };
	char longest[ORDER_SESSION_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(order_is_session(slice_of(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(order_is_session(slice_of(bad[i])));
	assert_false(order_is_session(slice_make("a\0b", 3)));
	memset(longest, 'x', sizeof longest);
	assert_true(order_is_session(slice_make(longest, 128)));
	assert_false(order_is_session(slice_make(longest, 129)));
}

/* The recorded one but for what is new in each. */
static void
expect_payload(const struct buf *bytes, enum frame_type type, const char *want)
{
	struct frame frame;

	assert_int_equal(frame_read(&frame, slice_make(bytes->data, bytes->len),
	                     NULL),
	    0);
	assert_int_equal(frame.type, type);
	assert_int_equal(frame.date, 1795344184961);
	assert_int_equal(frame.flags, 0);
	if (!slice_eq(frame.payload, want))
		fail_msg("%.*s", (int)frame.payload.len, frame.payload.ptr);
}

static void
test_complete(void **state)
{
	const struct order_outcome failed = {
		.session = "tester-3ab3a61f65944929b",
		.node = "mi-4b624e6e54064a6d9",
		.status = ORDER_FAILED,
		.output = "\n----------ERROR-------\n"
		          "Unable to start command: exit status 1\n",
		.attempt = 1,
	};
	struct json *doc = vectors_load();
	struct buf bytes = { 0 }, recorded = { 0 };

	(void)state;
	assert_int_equal(order_complete(&bytes, &failed, 1795344184961, NULL),
	    0);
	vectors_frame(doc, "agent_task_complete-Failed", &recorded);
	expect_payload(&bytes, FRAME_AGENT_TASK_COMPLETE,
	    &recorded.data[FRAME_HEADER]);
	assert_int_equal(bytes.len, recorded.len);
	json_free(doc);
	buf_free(&bytes);
	buf_free(&recorded);
}

static void
test_long_output(void **state)
{
	char text[5000];
	struct order_outcome outcome = { .session = "u",
		.node = "mi-1",
		.status = ORDER_CANCELLED,
		.output = text,
		.attempt = 3 };
	struct buf bytes = { 0 };

	(void)state;
	memset(text, '"', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	assert_int_equal(order_complete(&bytes, &outcome, 1, NULL), 0);
	assert_in_range(bytes.len, 4000, 4500);
	buf_free(&bytes);
}

static void
test_refused_job(void **state)
{
	struct order job = { .kind = ORDER_JOB,
		.job = "aws.ssm.1.mi-2",
		.message = "0bda0478-7e87-445e-8de8-585612dc929f" };
	struct buf bytes = { 0 };

	(void)state;
	assert_int_equal(order_refuse_job(&bytes, &job, 1795344184961, NULL),
	    0);
	expect_payload(&bytes, FRAME_AGENT_JOB_ACK,
	    "{\"jobId\":\"aws.ssm.1.mi-2\",\"acknowledgedMessageId\":"
	    "\"0bda0478-7e87-445e-8de8-585612dc929f\",\"createdDate\":"
	    "\"2026-11-22T10:43:04.961Z\",\"statusCode\":\"51407\","
	    "\"errorMessage\":\"Run Command is not supported by this "
	    "agent\"}");
	buf_free(&bytes);
}

static void
test_openings(void **state)
{
	const struct order_opening opening = { .token = "tok-\"1",
		.request = "5789ae88-0309-4e56-b022-eb8265d713e3",
		.version = "3.3.0.0" };
	struct buf text = { 0 };

	(void)state;
	order_open_control(&text, &opening);
	assert_string_equal(buf_str(&text),
	    "{\"Cookie\":null,\"MessageSchemaVersion\":\"1.0\",\"RequestId\":"
	    "\"5789ae88-0309-4e56-b022-eb8265d713e3\",\"TokenValue\":"
	    "\"tok-\\\"1\",\"AgentVersion\":\"3.3.0.0\",\"PlatformType\":"
	    "\"linux\",\"RequireAcknowledgement\":true}");
	buf_cut(&text, 0);
	order_open_data(&text, &opening, "mi-4b624e6e54064a6d9");
	assert_string_equal(buf_str(&text),
	    "{\"MessageSchemaVersion\":\"1.0\",\"RequestId\":"
	    "\"5789ae88-0309-4e56-b022-eb8265d713e3\",\"TokenValue\":"
	    "\"tok-\\\"1\",\"ClientInstanceId\":\"mi-4b624e6e54064a6d9\","
	    "\"ClientId\":\"\"}");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_orders),
		cmocka_unit_test(test_any_letter_case),
		cmocka_unit_test(test_wrong_payloads),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_long_output),
		cmocka_unit_test(test_refused_job),
		cmocka_unit_test(test_openings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
