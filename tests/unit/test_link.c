/* SPDX-License-Identifier: MIT */
/* Opening a channel of the message gateway, and moving bytes over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "mgs/link.h"
#include "unit/canned.h"

enum { LIMIT_MS = 10000 };

static const char xml_token[] =
    "<CreateControlChannelResponse>\n  <URL>wss://x</URL>\n"
    "  <MessageSchemaVersion>1.0</MessageSchemaVersion>\n"
    "  <TokenValue>tok&amp;1 </TokenValue>\n"
    "</CreateControlChannelResponse>\n";

/* A link, and who answers it. */
struct rig {
	struct canned aws;
	struct link link;
	struct err err;
};

static int
open_link(struct rig *rig, const char *session,
    const struct canned_answer *answers, size_t count)
{
	struct link_in in = { .api = &rig->aws.api,
		.cred = &rig->aws.cred,
		.node = "mi-0123456789abcdef0",
		.session = session,
		.version = "3.3.0.0",
		.deadline = clock_in(LIMIT_MS) };
	int rc;

	*rig = (struct rig){ .link = { .duplex = NULL } };
	canned_open(&rig->aws, NULL);
	rig->aws.api.transport = canned_transport(&rig->aws, answers, count);
	rc = link_open(&rig->link, &in, &rig->err);
	assert_int_equal(rig->aws.used, count);
	return rc;
}

static void
close_rig(struct rig *rig)
{
	link_close(&rig->link);
	link_close(&rig->link);
	canned_close(&rig->aws);
}

/* The text of the first frame that comes out, which has to be short. */
static void
read_first(struct rig *rig, char *out, size_t size)
{
	unsigned char bytes[1000];
	ssize_t n;
	size_t len, head;

	assert_int_equal(link_move(&rig->link, true, &rig->err), 0);
	n = read(rig->aws.peer, bytes, sizeof bytes);
	assert_true(n > 8);
	assert_int_equal(bytes[0], 0x81);
	head = (bytes[1] & 0x7f) < 126 ? 2 : 4;
	len = head == 2 ? bytes[1] & 0x7fU : (size_t)bytes[2] << 8 | bytes[3];
	assert_int_equal((size_t)n, head + 4 + len);
	assert_true(len < size);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(bytes[head + 4 + i] ^ bytes[head + i % 4]);
	out[len] = '\0';
}

static void
expect_in(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("%s is not in %s", part, text);
}

static void
expect_signed(const struct rig *rig, size_t n, const char *what)
{
	char value[1000];

	canned_header(&rig->aws, n, "Authorization", value, sizeof value);
	expect_in(value, "/eu-central-1/ssmmessages/aws4_request");
	expect_in(value, what);
	canned_header(&rig->aws, n, "X-Amz-Security-Token", value,
	    sizeof value);
	assert_string_equal(value, "TOKEN/of+session==");
}

static void
test_control_channel(void **state)
{
	const struct canned_answer answers[] = {
		{ .status = 201, .body = xml_token }, { .status = 101 }
	};
	struct rig rig;
	char text[1000];

	(void)state;
	if (open_link(&rig, NULL, answers, 2) != 0)
		fail_msg("%s", rig.err.msg);
	expect_in(rig.aws.seen[0],
	    "POST https://ssmmessages.eu-central-1.amazonaws.com"
	    "/v1/control-channel/mi-0123456789abcdef0\n");
	expect_in(rig.aws.seen[0], "Content-Type: application/json\n");
	expect_in(rig.aws.seen[0],
	    "\n\n{\"MessageSchemaVersion\":\"1.0\",\"RequestId\":\"");
	expect_signed(&rig, 0,
	    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,");
	expect_in(rig.aws.seen[1],
	    "GET https://ssmmessages.eu-central-1.amazonaws.com"
	    "/v1/control-channel/mi-0123456789abcdef0"
	    "?role=subscribe&stream=input\n");
	expect_in(rig.aws.seen[1], "Sec-WebSocket-Version: 13\n");
	expect_signed(&rig, 1,
	    "SignedHeaders=host;x-amz-date;x-amz-security-token,");
	read_first(&rig, text, sizeof text);
	expect_in(text, "\"TokenValue\":\"tok&1\"");
	expect_in(text, "\"RequireAcknowledgement\":true");
	close_rig(&rig);
}

static void
test_data_channel(void **state)
{
	/* Members in any letter case, in JSON. */
	const struct canned_answer answers[] = {
		{ .status = 201, .body = "{\"tokenvalue\":\"tok-2\"}" },
		{ .status = 101 }
	};
	struct rig rig;
	char text[1000];

	(void)state;
	if (open_link(&rig, "user-1", answers, 2) != 0)
		fail_msg("%s", rig.err.msg);
	expect_in(rig.aws.seen[0], "/v1/data-channel/user-1\n");
	expect_in(rig.aws.seen[0], ",\"ClientId\":\"\"}");
	expect_in(rig.aws.seen[1],
	    "/v1/data-channel/user-1?role=publish_subscribe\n");
	read_first(&rig, text, sizeof text);
	expect_in(text, "\"TokenValue\":\"tok-2\"");
	expect_in(text, "\"ClientInstanceId\":\"mi-0123456789abcdef0\"");
	close_rig(&rig);
}

static void
expect_failure(const struct canned_answer *answers, size_t count,
    enum err_kind kind, const char *what, bool over)
{
	struct rig rig;

	assert_int_equal(open_link(&rig, "user-1", answers, count), -1);
	assert_int_equal(rig.err.kind, kind);
	expect_in(rig.err.msg, what);
	assert_true(link_is_over(&rig.err) == over);
	assert_null(rig.link.duplex);
	close_rig(&rig);
}

static void
test_refused_tokens(void **state)
{
	const struct canned_answer denied = { .status = 403,
		.body = "<AccessDeniedException><Message>no such "
		        "luck</Message></AccessDeniedException>" };
	const struct canned_answer ended = { .status = 400,
		.body = "<BadRequest><message>Session is already "
		        "terminated</message></BadRequest>" };
	const struct canned_answer json = { .status = 400,
		.body = "{\"__type\":\"x#ThrottlingException\"}" };
	const struct canned_answer ok = { .status = 200, .body = xml_token };
	const struct canned_answer empty = { .status = 201,
		.body = "<a><TokenValue> </TokenValue></a>" };
	const struct canned_answer page = { .status = 201, .body = "<html" };

	(void)state;
	expect_failure(&denied, 1, ERR_KIND_API,
	    "AccessDeniedException: no such luck", false);
	expect_failure(&ended, 1, ERR_KIND_API, "BadRequest", true);
	expect_failure(&json, 1, ERR_KIND_API, "ThrottlingException", false);
	expect_failure(&ok, 1, ERR_KIND_PARSE, "status 200", false);
	expect_failure(&empty, 1, ERR_KIND_PARSE, "no token", false);
	expect_failure(&page, 1, ERR_KIND_PARSE, "no token", false);
}

static void
test_refused_sockets(void **state)
{
	const struct canned_answer token = { .status = 201, .body = xml_token };
	const struct canned_answer denied[] = { token,
		{ .status = 403,
		    .body = "<AccessDeniedException><Message>no</Message>"
		            "</AccessDeniedException>" } };
	const struct canned_answer wrong[] = { token,
		{ .status = 101,
		    .headers = "Sec-WebSocket-Accept: "
		               "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" } };
	const struct canned_answer none[] = { token,
		{ .status = 101, .headers = "" } };
	const struct canned_answer page[] = { token,
		{ .status = 200, .body = "<html>hello</html>" } };
	const struct canned_answer broken[] = { token,
		{ .fault = ERR_KIND_CONNECTION, .retry = ERR_TRANSIENT } };

	(void)state;
	expect_failure(denied, 2, ERR_KIND_API,
	    "OpenDataChannel at ssmmessages.eu-central-1.amazonaws.com: "
	    "AccessDeniedException: no",
	    false);
	expect_failure(wrong, 2, ERR_KIND_PARSE, "as a websocket", false);
	expect_failure(none, 2, ERR_KIND_PARSE, "as a websocket", false);
	expect_failure(page, 2, ERR_KIND_API, "OpenDataChannel", false);
	expect_failure(broken, 2, ERR_KIND_CONNECTION, "OpenDataChannel",
	    false);
}

/* A message in, a message out, the end. */
static void
test_moving(void **state)
{
	const struct canned_answer answers[] = {
		{ .status = 201, .body = xml_token }, { .status = 101 }
	};
	struct websocket_message message;
	struct rig rig;
	char text[1000];
	bool ready = true;

	(void)state;
	assert_int_equal(open_link(&rig, NULL, answers, 2), 0);
	assert_int_equal(link_events(&rig.link, true, &ready),
	    POLLIN | POLLOUT);
	assert_false(ready);
	read_first(&rig, text, sizeof text);
	assert_int_equal(link_events(&rig.link, true, &ready), POLLIN);
	assert_int_equal(link_events(&rig.link, false, &ready), 0);
	assert_int_equal(write(rig.aws.peer, "\x82\2hi\x89\0", 6), 6);
	assert_int_equal(link_move(&rig.link, false, NULL), 0);
	assert_int_equal(websocket_next(rig.link.ws, &message, NULL), 0);
	assert_int_equal(link_move(&rig.link, true, NULL), 0);
	assert_int_equal(websocket_next(rig.link.ws, &message, NULL), 1);
	assert_true(slice_eq(message.data, "hi"));
	assert_int_equal(websocket_next(rig.link.ws, &message, NULL), 0);
	/* The answer to the ping. */
	assert_int_equal(link_move(&rig.link, true, NULL), 0);
	assert_int_equal(read(rig.aws.peer, text, sizeof text), 6);
	close(rig.aws.peer);
	rig.aws.peer = -1;
	assert_int_equal(link_move(&rig.link, true, &rig.err), 1);
	close_rig(&rig);
}

/* Pings, and what becomes of one that is not answered. */
static void
test_keeping_alive(void **state)
{
	const struct canned_answer answers[] = {
		{ .status = 201, .body = xml_token }, { .status = 101 }
	};
	struct rig rig;
	char text[1000];

	(void)state;
	assert_int_equal(open_link(&rig, NULL, answers, 2), 0);
	read_first(&rig, text, sizeof text);
	assert_in_range(link_deadline(&rig.link), clock_ms() + 50000,
	    clock_ms() + LINK_PING_MS);
	rig.link.pinged -= LINK_PING_MS;
	rig.link.heard -= LINK_PING_MS;
	assert_int_equal(link_move(&rig.link, true, NULL), 0);
	assert_int_equal(read(rig.aws.peer, text, sizeof text), 2 + 4 + 9);
	assert_int_equal(text[0] & 0xff, 0x89);
	/* Who does not read cannot complain. */
	rig.link.heard -= INT64_C(2) * LINK_QUIET_MS;
	assert_int_equal(link_move(&rig.link, false, NULL), 0);
	rig.link.heard -= LINK_QUIET_MS + 1;
	assert_true(link_deadline(&rig.link) <= clock_ms());
	assert_int_equal(link_move(&rig.link, true, &rig.err), -1);
	assert_int_equal(rig.err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(rig.err.retry, ERR_TRANSIENT);
	close_rig(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_channel),
		cmocka_unit_test(test_data_channel),
		cmocka_unit_test(test_refused_tokens),
		cmocka_unit_test(test_refused_sockets),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_keeping_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
