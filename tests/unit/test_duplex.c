/* SPDX-License-Identifier: MIT */
/* What is left of a connection after 101: bytes both ways, without waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/duplex.h"
#include "net/http.h"
#include "unit/net_peer.h"

enum { LIMIT_MS = 20000, BULK = 3000000, SMALL = 100 };

static char *no_vars[] = { NULL };

struct line {
	struct http *http;
	struct http_msg answer;
	struct duplex *duplex;
	struct err err;
};

/* Ask a server for the path; what http_upgrade() gives. */
static int
ask(struct line *line, const char *server, const char *path)
{
	const struct http_options options = { .env = { no_vars },
		.ca_file = net_peer_path("roots.pem"),
		.ca_setting = "AWS_CA_BUNDLE" };
	const struct http_header headers[] = { { "Connection", "Upgrade" },
		{ "Upgrade", "test" } };
	struct url url;
	const struct http_request request = { .method = "GET",
		.url = &url,
		.headers = headers,
		.header_count = 2,
		.body_max = SMALL,
		.deadline = clock_in(LIMIT_MS) };
	struct transport transport;
	char text[128];

	*line = (struct line){ .http = NULL };
	(void)snprintf(text, sizeof text, "%s://localhost:%u%s", server,
	    (unsigned)net_peer_port(server), path);
	assert_int_equal(url_parse(&url, text, NULL), 0);
	assert_int_equal(http_open(&line->http, &options, NULL), 0);
	transport = http_transport(line->http);
	return transport.upgrade(transport.context, &request, &line->answer,
	    &line->duplex, &line->err);
}

static void
open_line(struct line *line, const char *server)
{
	const int buffer = 8192;

	if (ask(line, server, "/upgrade") != 0)
		fail_msg("%s: %s", server, line->err.msg);
	assert_int_equal(line->answer.status, 101);
	assert_string_equal(http_msg_header(&line->answer, "x"), "y");
	assert_non_null(line->duplex);
	/* So that it is full soon. */
	assert_int_equal(setsockopt(duplex_fd(line->duplex), SOL_SOCKET,
	                     SO_SNDBUF, &buffer, sizeof buffer),
	    0);
}

static void
close_line(struct line *line)
{
	duplex_free(line->duplex);
	http_msg_free(&line->answer);
	http_close(line->http);
}

/* Wait until the line can go on. */
static void
wait_line(const struct line *line, bool more)
{
	struct pollfd set = { .fd = duplex_fd(line->duplex) };

	if (duplex_ready(line->duplex))
		return;
	set.events = duplex_events(line->duplex, true);
	if (more)
		set.events |= POLLOUT;
	assert_int_not_equal(set.events, 0);
	assert_int_equal(poll(&set, 1, LIMIT_MS), 1);
}

/* Send len bytes while back_len are read; how often writing had to stop. */
static size_t
move(struct line *line, const char *out, size_t len, char *back,
    size_t back_len)
{
	size_t sent = 0, came = 0, stops = 0, n = 0;

	while (sent < len || came < back_len || duplex_busy(line->duplex)) {
		assert_int_equal(duplex_write(line->duplex, &out[sent],
		                     len - sent, &n, &line->err),
		    0);
		sent += n;
		stops += sent < len;
		assert_int_equal(duplex_read(line->duplex, &back[came],
		                     back_len - came, &n, &line->err),
		    0);
		came += n;
		if (sent < len || came < back_len)
			wait_line(line, sent < len);
	}
	return stops;
}

static void
say(struct line *line, const char *text, char *back, size_t back_len)
{
	move(line, text, strlen(text), back, back_len);
}

static void
echo(struct line *line, size_t size)
{
	char *out = malloc(size), *back = malloc(size);
	char command[32];

	assert_true(out != NULL && back != NULL);
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(i * 7 + i / 251);
	(void)snprintf(command, sizeof command, "echo %zu\n", size);
	say(line, command, back, 0);
	/* More than the socket takes at once. */
	assert_true((move(line, out, size, back, size) > 0) == (size == BULK));
	assert_memory_equal(out, back, size);
	free(out);
	free(back);
}

static const char *const servers[] = { "http", "https" };

static void
test_both_ways(void **state)
{
	struct line line;
	char early[5], byte;
	size_t got = 1;

	(void)state;
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
		open_line(&line, servers[i]);
		say(&line, "", early, sizeof early);
		assert_memory_equal(early, "hello", sizeof early);
		/* Nothing more is there, and that is no end. */
		assert_int_equal(duplex_read(line.duplex, &byte, 1, &got,
		                     &line.err),
		    0);
		assert_int_equal(got, 0);
		echo(&line, SMALL);
		echo(&line, BULK);
		close_line(&line);
	}
}

/* What duplex_read() gives at the end. */
static int
end_of(struct line *line)
{
	char data[SMALL];
	size_t got = 0;
	int rc = 0;

	while (rc == 0) {
		wait_line(line, false);
		rc = duplex_read(line->duplex, data, sizeof data, &got,
		    &line->err);
		assert_true(rc == 0 || got == 0);
	}
	return rc;
}

static void
expect_end(const char *server, const char *command, int rc)
{
	struct line line;

	open_line(&line, server);
	say(&line, command, NULL, 0);
	assert_int_equal(end_of(&line), rc);
	assert_int_equal(line.err.kind, rc < 0 ? ERR_KIND_CONNECTION : 0);
	assert_int_equal(line.err.retry, rc < 0 ? ERR_TRANSIENT : 0);
	close_line(&line);
}

static void
test_ends(void **state)
{
	(void)state;
	expect_end("https", "bye\n", 1);
	expect_end("http", "cut\n", 1);
	/* Somebody in between may have cut it. */
	expect_end("https", "cut\n", -1);
	expect_end("https", "reset\n", -1);
	expect_end("http", "reset\n", -1);
}

static void
test_another_answer(void **state)
{
	struct line line;

	(void)state;
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
		assert_int_equal(ask(&line, servers[i], "/failure"), 0);
		assert_int_equal(line.answer.status, 503);
		assert_string_equal(buf_str(&line.answer.body), "sorry");
		assert_null(line.duplex);
		close_line(&line);
		assert_int_equal(ask(&line, servers[i], "/malformed"), -1);
		assert_int_equal(line.err.kind, ERR_KIND_PARSE);
		assert_null(line.duplex);
		close_line(&line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_another_answer),
	};

	return cmocka_run_group_tests(tests, net_peer_start, net_peer_stop);
}
