/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/http_msg.h"

static void
check(const struct http_req *req, const char *want)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	assert_int_equal(http_msg_format(req, &out, &err), 0);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_formats(void **state)
{
	static const struct http_header headers[] = { { "X-A", "1 2" },
		{ "X-Empty", "" } };
	struct http_req req = { .method = "POST",
		.target = "/p?q",
		.host = "h:81",
		.headers = headers,
		.header_count = 2,
		.body_len = 12 };

	(void)state;
	check(&req, "POST /p?q HTTP/1.1\r\nHost: h:81\r\nX-A: 1 2\r\n"
	            "X-Empty: \r\nContent-Length: 12\r\n\r\n");
	req.header_count = 0;
	req.body_len = 0;
	check(&req, "POST /p?q HTTP/1.1\r\nHost: h:81\r\n\r\n");
	req.has_length = true;
	check(&req,
	    "POST /p?q HTTP/1.1\r\nHost: h:81\r\nContent-Length: 0\r\n\r\n");
	req.has_length = false;
	req.proxy_auth = "";
	check(&req, "POST /p?q HTTP/1.1\r\nHost: h:81\r\n\r\n");
	req.proxy_auth = "Basic eA==";
	check(&req, "POST /p?q HTTP/1.1\r\nHost: h:81\r\n"
	            "Proxy-Authorization: Basic eA==\r\n\r\n");
}

static void
refuse(const struct http_req *req)
{
	struct buf out = { 0 };
	struct err err = { 0 };

	buf_puts(&out, "before");
	assert_int_equal(http_msg_format(req, &out, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	assert_null(strstr(err.msg, "secret"));
	assert_string_equal(buf_str(&out), "before");
	buf_free(&out);
}

static void
test_refuses_what_breaks_lines(void **state)
{
	static const struct http_header bad[] = { { "X-A", "secret\r\nB: c" },
		{ "X-A", "secret\n" }, { "X-A", "a\tb" }, { "X-A", "\x7f" },
		{ "X A", "b" }, { "X-A:", "b" }, { "", "b" }, { "X\r\nB", "c" },
		{ "X\xc3\xa9", "b" } };
	static const struct http_req heads[] = {
		{ .method = "GET", .target = "/a b", .host = "h" },
		{ .method = "GET", .target = "/a\r\nX: y", .host = "h" },
		{ .method = "GET", .target = "", .host = "h" },
		{ .method = "GET /", .target = "/", .host = "h" },
		{ .method = "", .target = "/", .host = "h" },
		{ .method = "GET", .target = "/", .host = "h\r\nX: y" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http_req req = { .method = "GET",
			.target = "/",
			.host = "h",
			.headers = &bad[i],
			.header_count = 1 };

		refuse(&req);
	}
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		refuse(&heads[i]);
}

static void
test_head_over_the_ceiling(void **state)
{
	struct http_req req = { .method = "GET", .target = "/", .host = "h" };
	struct buf out = { .max = 10 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(http_msg_format(&req, &out, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_refuses_what_breaks_lines),
		cmocka_unit_test(test_head_over_the_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
