/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "net/http.h"
#include "unit/net_peer.h"

enum { LIMIT_MS = 10000, BODY_MAX = 64 * 1024, TEXT = 256 };

/* A client, its proxy settings, and its last answer. */
struct client {
	char proxies[2][TEXT];
	char *vars[3];
	struct http *http;
	struct transport transport;
	struct http_msg answer;
	struct err err;
};

static void
open_client(struct client *c, const char *ca_file)
{
	struct http_options options = { .ca_file = ca_file,
		.ca_setting = "AWS_CA_BUNDLE" };

	options.env.vars = c->vars;
	assert_int_equal(http_open(&c->http, &options, &c->err), 0);
	c->transport = http_transport(c->http);
}

/* Without a proxy. */
static void
start(struct client *c)
{
	*c = (struct client){ .vars = { NULL } };
	open_client(c, net_peer_path("roots.pem"));
}

/* With the tests' proxy for everything but local hosts. */
static void
start_proxied(struct client *c, const char *user)
{
	*c = (struct client){ .vars = { c->proxies[0], c->proxies[1] } };
	(void)snprintf(c->proxies[0], TEXT, "https_proxy=http://%s127.0.0.1:%u",
	    user, (unsigned)net_peer_port("proxy"));
	(void)snprintf(c->proxies[1], TEXT, "http_proxy=http://%s127.0.0.1:%u",
	    user, (unsigned)net_peer_port("proxy"));
	open_client(c, net_peer_path("roots.pem"));
}

static void
stop(struct client *c)
{
	http_msg_free(&c->answer);
	http_close(c->http);
}

static int
send_request(struct client *c, const char *url_text,
    struct http_request request)
{
	struct url url;

	assert_int_equal(url_parse(&url, url_text, NULL), 0);
	request.url = &url;
	if (request.method == NULL)
		request.method = "GET";
	if (request.deadline == 0)
		request.deadline = clock_in(LIMIT_MS);
	if (request.body_max == 0)
		request.body_max = BODY_MAX;
	http_msg_free(&c->answer);
	err_clear(&c->err);
	return c->transport.roundtrip(c->transport.context, &request,
	    &c->answer, &c->err);
}

/* The URL of a path at one of the servers; good until the next call. */
static const char *
at(const char *scheme, const char *host, const char *server, const char *path)
{
	static char text[TEXT];

	(void)snprintf(text, sizeof text, "%s://%s:%u%s", scheme, host,
	    (unsigned)net_peer_port(server), path);
	return text;
}

static const char *
plain(const char *path)
{
	return at("http", "127.0.0.1", "http", path);
}

static const char *
secure(const char *path)
{
	return at("https", "localhost", "https", path);
}

static int
get(struct client *c, const char *url)
{
	return send_request(c, url, (struct http_request){ 0 });
}

static void
expect_body(struct client *c, const char *url, const char *body)
{
	if (get(c, url) != 0)
		fail_msg("%s: %s", url, c->err.msg);
	assert_int_equal(c->answer.status, 200);
	assert_true(c->answer.complete);
	assert_string_equal(buf_str(&c->answer.body), body);
}

static void
expect_error(struct client *c, const char *url, enum err_kind kind,
    const char *text)
{
	if (get(c, url) == 0)
		fail_msg("no error: %s", url);
	if (c->err.kind != kind || strstr(c->err.msg, text) == NULL)
		fail_msg("%s: %s: %s", url, err_kind_name(c->err.kind),
		    c->err.msg);
}

static void
test_request_as_sent(void **state)
{
	static const struct http_header headers[] = { { "X-A", "b" } };
	struct http_request request = { .method = "PUT",
		.headers = headers,
		.header_count = 1,
		.body = "body",
		.body_len = 4 };
	struct client c;
	char want[TEXT];

	(void)state;
	start(&c);
	assert_int_equal(send_request(&c, plain("/p?q=1"), request), 0);
	(void)snprintf(want, sizeof want,
	    "PUT /p?q=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nX-A: b\r\n"
	    "Content-Length: 4\r\n\r\nbody",
	    (unsigned)net_peer_port("http"));
	assert_string_equal(buf_str(&c.answer.body), want);
	(void)snprintf(want, sizeof want,
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
	    (unsigned)net_peer_port("http"));
	expect_body(&c, plain(""), want);
	(void)snprintf(want, sizeof want,
	    "GET /?q HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
	    (unsigned)net_peer_port("http"));
	expect_body(&c, plain("?q"), want);
	stop(&c);
}

/* The certificate is for localhost, and the Host header is what curl and
 * botocore send. */
static void
test_dot_behind_the_name(void **state)
{
	struct client c;
	char want[TEXT];

	(void)state;
	start(&c);
	(void)snprintf(want, sizeof want,
	    "GET / HTTP/1.1\r\nHost: localhost.:%u\r\n\r\n",
	    (unsigned)net_peer_port("https"));
	expect_body(&c, at("https", "localhost.", "https", "/"), want);
	stop(&c);
}

static void
test_large_bodies(void **state)
{
	static char body[60000];
	struct http_request request = { .method = "POST",
		.body = body,
		.body_len = sizeof body,
		.body_max = 100000 };
	struct client c;
	const struct buf *got;

	(void)state;
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)(i * 31 >> 3);
	start(&c);
	assert_int_equal(send_request(&c, secure("/x"), request), 0);
	got = &c.answer.body;
	assert_true(got->len > sizeof body);
	assert_memory_equal(&got->data[got->len - sizeof body], body,
	    sizeof body);
	request.body_len = 0;
	assert_int_equal(send_request(&c, secure("/big"), request), 0);
	assert_int_equal(c.answer.body.len, 100000);
	request.body_max = 99999;
	assert_int_equal(send_request(&c, secure("/big"), request), -1);
	assert_int_equal(c.err.kind, ERR_KIND_PARSE);
	assert_true(c.err.ambiguous);
	stop(&c);
}

static void
test_ways_to_answer(void **state)
{
	struct client c;

	(void)state;
	start(&c);
	expect_body(&c, plain("/bytes"), "abc");
	expect_body(&c, secure("/bytes"), "abc");
	expect_body(&c, plain("/chunked"), "abcde");
	expect_body(&c, secure("/chunked"), "abcde");
	expect_body(&c, plain("/to-end"), "all of it");
	expect_body(&c, secure("/to-end"), "all of it");
	expect_body(&c, plain("/extra"), "a");
	/* Without TLS nobody can tell. */
	expect_body(&c, plain("/cut-end"), "all of it");
	assert_int_equal(get(&c, plain("/failure")), 0);
	assert_int_equal(c.answer.status, 503);
	assert_string_equal(c.answer.reason, "Slow Down");
	stop(&c);
}

/* The number of connection and request that the server counts. */
static void
test_one_connection_for_many(void **state)
{
	struct client c;
	char first[TEXT], number[TEXT];
	size_t digits;

	(void)state;
	start(&c);
	assert_int_equal(get(&c, secure("/conn")), 0);
	(void)snprintf(first, sizeof first, "%s", buf_str(&c.answer.body));
	digits = strcspn(first, ".");
	assert_string_equal(&first[digits], ".1");
	for (int i = 2; i < 5; i++) {
		(void)snprintf(number, sizeof number, "%.*s.%d", (int)digits,
		    first, i);
		expect_body(&c, secure("/conn"), number);
	}
	stop(&c);
}

/* After these the connection is not used again. */
static void
test_connections_not_kept(void **state)
{
	static const char *const paths[] = { "/extra", "/leave", "/late",
		"/to-end", "/short", "/malformed" };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct client c;

		start(&c);
		(void)get(&c, secure(paths[i]));
		/* What arrives late is there by now. */
		clock_sleep(clock_in(200));
		if (get(&c, secure("/conn")) != 0)
			fail_msg("%s: %s", paths[i], c.err.msg);
		assert_string_equal(strchr(buf_str(&c.answer.body), '.'), ".1");
		stop(&c);
	}
}

static void
test_another_host_another_connection(void **state)
{
	struct client c;
	const char *localhost;

	(void)state;
	start(&c);
	assert_int_equal(get(&c, plain("/conn")), 0);
	localhost = at("http", "localhost", "http", "/conn");
	assert_int_equal(get(&c, localhost), 0);
	assert_string_equal(strchr(buf_str(&c.answer.body), '.'), ".1");
	assert_int_equal(get(&c, secure("/conn")), 0);
	assert_string_equal(strchr(buf_str(&c.answer.body), '.'), ".1");
	stop(&c);
}

struct trouble {
	const char *path;
	enum err_kind kind;
	const char *text;
};

/* Trouble after the request has been sent: it may have been acted on. */
static void
test_trouble_after_sending(void **state)
{
	static const struct trouble troubles[] = {
		{ "/short", ERR_KIND_CONNECTION, "ended" },
		{ "/nothing", ERR_KIND_CONNECTION, "closed" },
		{ "/reset", ERR_KIND_CONNECTION, "answer of" },
		{ "/malformed", ERR_KIND_PARSE, "Content-Length" },
	};
	struct client c;

	(void)state;
	start(&c);
	for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
		const struct trouble *t = &troubles[i];

		expect_error(&c, plain(t->path), t->kind, t->text);
		assert_non_null(strstr(c.err.msg, "127.0.0.1"));
		assert_true(c.err.ambiguous);
		assert_int_equal(c.err.retry,
		    t->kind == ERR_KIND_PARSE ? ERR_FINAL : ERR_TRANSIENT);
		assert_false(c.answer.complete);
	}
	expect_error(&c, secure("/nothing"), ERR_KIND_CONNECTION, "ended");
	expect_error(&c, secure("/cut-end"), ERR_KIND_CONNECTION, "ended");
	assert_true(c.err.ambiguous);
	stop(&c);
}

/* Trouble before the request has been sent: nobody has acted on it. */
static void
test_trouble_before_sending(void **state)
{
	struct client c;

	(void)state;
	start(&c);
	expect_error(&c, at("https", "localhost", "past", "/"), ERR_KIND_TLS,
	    "expired");
	assert_false(c.err.ambiguous);
	assert_int_equal(c.err.retry, ERR_FINAL);
	expect_error(&c, at("https", "localhost", "garbage", "/"), ERR_KIND_TLS,
	    "localhost");
	assert_false(c.err.ambiguous);
	expect_error(&c, at("https", "localhost", "closing", "/"),
	    ERR_KIND_CONNECTION, "localhost");
	assert_false(c.err.ambiguous);
	assert_int_equal(c.err.retry, ERR_TRANSIENT);
	/* Nobody listens at port 1. */
	expect_error(&c, "http://127.0.0.1:1/", ERR_KIND_CONNECTION,
	    "connect 127.0.0.1:1: ");
	assert_false(c.err.ambiguous);
	/* Not even connected to. */
	expect_error(&c, "https://127.0.0.1:1/", ERR_KIND_TLS, "IP address");
	stop(&c);
}

static void
test_bad_header_is_not_sent(void **state)
{
	static const struct http_header headers[] = { { "X-A",
	    "secret\r\nX-B: c" } };
	struct http_request request = { .headers = headers, .header_count = 1 };
	struct client c;

	(void)state;
	start(&c);
	assert_int_equal(send_request(&c, plain("/"), request), -1);
	assert_int_equal(c.err.kind, ERR_KIND_INVALID_VALUE);
	assert_null(strstr(c.err.msg, "secret"));
	assert_false(c.err.ambiguous);
	stop(&c);
}

static void
expect_timeout(struct client *c, const char *url, struct http_request request,
    bool ambiguous)
{
	int64_t begin = clock_ms();

	if (request.deadline != 0)
		request.deadline = clock_in(request.deadline);
	assert_int_equal(send_request(c, url, request), -1);
	assert_in_range(clock_ms() - begin, 200, 2000);
	if (!c->err.timed_out || strstr(c->err.msg, "timed out") == NULL)
		fail_msg("%s: %s", url, c->err.msg);
	assert_int_equal(c->err.retry, ERR_TRANSIENT);
	assert_int_equal(c->err.ambiguous, ambiguous);
}

static void
test_limits_of_time(void **state)
{
	static const struct http_request deadline = { .deadline = 250 };
	static const struct http_request read_limit = { .read_ms = 250 };
	static const struct http_request connect_limit = { .connect_ms = 250 };
	struct client c;

	(void)state;
	start(&c);
	expect_timeout(&c, plain("/silent"), deadline, true);
	expect_timeout(&c, plain("/silent"), read_limit, true);
	expect_timeout(&c, secure("/silent"), read_limit, true);
	/* Each byte comes in time, the whole does not. */
	expect_timeout(&c, plain("/slow"), deadline, true);
	expect_timeout(&c, secure("/slow"), deadline, true);
	expect_timeout(&c, at("https", "localhost", "silent", "/"), deadline,
	    false);
	expect_timeout(&c, at("https", "localhost", "silent", "/"),
	    connect_limit, false);
	stop(&c);
	start_proxied(&c, "u:p@");
	expect_timeout(&c, "https://silent.test/", deadline, false);
	expect_timeout(&c, "https://silent.test/", read_limit, false);
	assert_int_equal(c.err.kind, ERR_KIND_PROXY);
	stop(&c);
}

static void
test_tunnel_through_a_proxy(void **state)
{
	struct client c;
	char want[TEXT];
	const char *url;

	(void)state;
	start_proxied(&c, "u:p@");
	(void)snprintf(want, sizeof want,
	    "GET /x HTTP/1.1\r\nHost: tls.test:%u\r\n\r\n",
	    (unsigned)net_peer_port("https"));
	url = at("https", "tls.test", "https", "/x");
	/* Nothing of the proxy's user gets into the tunnel. */
	expect_body(&c, url, want);
	assert_int_equal(get(&c, at("https", "tls.test", "https", "/conn")), 0);
	assert_string_equal(strchr(buf_str(&c.answer.body), '.'), ".2");
	expect_error(&c, at("https", "tls.test", "name", "/"), ERR_KIND_TLS,
	    "another name");
	stop(&c);
}

static void
test_plain_request_through_a_proxy(void **state)
{
	struct http_request request = { .no_proxy = true };
	struct client c;

	(void)state;
	start_proxied(&c, "u:p@");
	expect_body(&c, "http://plain.test/p?q",
	    "GET http://plain.test/p?q HTTP/1.1\r\nHost: plain.test\r\n"
	    "Proxy-Authorization: Basic dTpw\r\n\r\n");
	expect_body(&c, "http://plain.test:81",
	    "GET http://plain.test:81/ HTTP/1.1\r\nHost: plain.test:81\r\n"
	    "Proxy-Authorization: Basic dTpw\r\n\r\n");
	/* Local hosts and metadata services are asked directly. */
	assert_int_equal(get(&c, plain("/x")), 0);
	assert_non_null(strstr(buf_str(&c.answer.body), "GET /x"));
	assert_null(strstr(buf_str(&c.answer.body), "Proxy"));
	assert_int_equal(send_request(&c, "http://metadata.invalid/", request),
	    -1);
	assert_int_equal(c.err.kind, ERR_KIND_CONNECTION);
	stop(&c);
}

static void
test_proxy_without_user(void **state)
{
	struct client c;

	(void)state;
	start_proxied(&c, "");
	expect_error(&c, "https://tls.test/", ERR_KIND_PROXY, "407");
	assert_non_null(strstr(c.err.fix, "https_proxy=http://USER"));
	assert_false(c.err.ambiguous);
	assert_int_equal(c.err.retry, ERR_FINAL);
	expect_error(&c, "http://plain.test/", ERR_KIND_PROXY, "407");
	assert_non_null(strstr(c.err.fix, "http_proxy=http://USER"));
	stop(&c);
}

static void
test_trouble_with_a_proxy(void **state)
{
	static const struct trouble troubles[] = {
		{ "https://gateway.test/", ERR_KIND_PROXY, "502 Bad Gateway" },
		{ "https://forbidden.test/", ERR_KIND_PROXY, "403" },
		{ "https://eager.test/", ERR_KIND_PROXY, "bytes after" },
		{ "https://garbage.test/", ERR_KIND_PROXY, "malformed" },
		{ "https://closing.test/", ERR_KIND_PROXY, "closed" },
	};
	struct client c;

	(void)state;
	start_proxied(&c, "u:p@");
	for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
		const struct trouble *t = &troubles[i];

		expect_error(&c, t->path, t->kind, t->text);
		assert_false(c.err.ambiguous);
		assert_non_null(strstr(c.err.msg, "proxy"));
		if (strstr(c.err.msg, "answers CONNECT") != NULL)
			assert_int_equal(c.err.retry, ERR_TRANSIENT);
	}
	assert_int_equal(c.err.retry, ERR_TRANSIENT);
	stop(&c);
}

static void
test_proxy_that_is_not_there(void **state)
{
	struct client c = { .vars = { c.proxies[0] } };

	(void)state;
	(void)snprintf(c.proxies[0], TEXT,
	    "https_proxy=http://secret:secret@127.0.0.1:1");
	open_client(&c, NULL);
	expect_error(&c, "https://tls.test/", ERR_KIND_PROXY,
	    "proxy: connect 127.0.0.1:1: ");
	assert_int_equal(c.err.retry, ERR_TRANSIENT);
	assert_null(strstr(c.err.msg, "secret"));
	(void)snprintf(c.proxies[0], TEXT, "https_proxy=socks5://secret");
	expect_error(&c, "https://tls.test/", ERR_KIND_PROXY, "https_proxy");
	assert_null(strstr(c.err.msg, "secret"));
	stop(&c);
}

static void
test_bundle_decides(void **state)
{
	struct http_options options = { .ca_file = "/nonexistent",
		.ca_setting = "AWS_CA_BUNDLE" };
	struct http *http = NULL;
	struct client c = { .vars = { NULL } };
	struct err err = { 0 };

	(void)state;
	/* The built-in roots do not know the tests' authority. */
	open_client(&c, NULL);
	expect_error(&c, secure("/"), ERR_KIND_TLS, "not trusted");
	stop(&c);
	assert_int_equal(http_open(&http, &options, &err), -1);
	assert_null(http);
	assert_int_equal(err.kind, ERR_KIND_TLS);
	assert_int_equal(err.code, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "AWS_CA_BUNDLE"));
	http_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_as_sent),
		cmocka_unit_test(test_dot_behind_the_name),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_ways_to_answer),
		cmocka_unit_test(test_one_connection_for_many),
		cmocka_unit_test(test_connections_not_kept),
		cmocka_unit_test(test_another_host_another_connection),
		cmocka_unit_test(test_trouble_after_sending),
		cmocka_unit_test(test_trouble_before_sending),
		cmocka_unit_test(test_bad_header_is_not_sent),
		cmocka_unit_test(test_limits_of_time),
		cmocka_unit_test(test_tunnel_through_a_proxy),
		cmocka_unit_test(test_plain_request_through_a_proxy),
		cmocka_unit_test(test_proxy_without_user),
		cmocka_unit_test(test_trouble_with_a_proxy),
		cmocka_unit_test(test_proxy_that_is_not_there),
		cmocka_unit_test(test_bundle_decides),
	};

	return cmocka_run_group_tests(tests, net_peer_start, net_peer_stop);
}
