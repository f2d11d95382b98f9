/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/http_msg.h"

enum { BODY_MAX = 64, TEXT_MAX = 256 };

#define OK "HTTP/1.1 200 OK\r\n"

/* Feed text in pieces of at most step bytes, then the end of the connection
 * if the answer has not ended before. */
static int
feed_len(struct http_msg *msg, const char *text, size_t len, size_t step,
    struct err *err)
{
	size_t at = 0, used = 0;

	while (at < len && !msg->complete) {
		size_t n = len - at < step ? len - at : step;

		if (http_msg_feed(msg, &text[at], n, &used, err) != 0)
			return -1;
		if (used < n && !msg->complete)
			fail_msg("took %zu of %zu", used, n);
		at += used;
	}
	return http_msg_end(msg, err);
}

static int
feed(struct http_msg *msg, const char *text, size_t step, struct err *err)
{
	return feed_len(msg, text, strlen(text), step, err);
}

struct good {
	const char *text;
	const char *body;
	int status;
	bool keep_alive;
};

static const struct good accepted[] = {
	{ OK "Content-Length: 3\r\n\r\nabc", "abc", 200, true },
	{ OK "content-length: 3\r\n\r\nabc", "abc", 200, true },
	{ OK "Content-Length:3 \t\r\n\r\nabcdef", "abc", 200, true },
	{ OK "Content-Length: 0\r\n\r\n", "", 200, true },
	{ OK "Content-Length: 3\r\nContent-Length: 03\r\n\r\nabc", "abc", 200,
	    true },
	{ OK "Content-Length: 3\r\nConnection: close\r\n\r\nabc", "abc", 200,
	    false },
	{ OK "Content-Length: 3\r\nConnection: x , CLOSE\r\n\r\nabc", "abc",
	    200, false },
	{ OK "\r\nabc", "abc", 200, false },
	{ OK "\r\n", "", 200, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", 200,
	    false },
	{ "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n"
	  "Content-Length: 3\r\n\r\nabc",
	    "abc", 200, true },
	{ "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", "", 404, true },
	{ "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "", 404, true },
	{ "HTTP/1.1 204 No\r\n\r\nrest", "", 204, true },
	{ "HTTP/1.1 304 No\r\nContent-Length: 99\r\n\r\n", "", 304, true },
	{ "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\n\r\n" OK
	  "Content-Length: 1\r\n\r\nx",
	    "x", 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "abc",
	    200, true },
	{ OK "transfer-encoding: Chunked\r\n\r\n003\r\nabc\r\n"
	     "A ;x=\"y\"\r\n0123456789\r\n0;last\r\nX-T: v\r\n\r\nnext",
	    "abc0123456789", 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", 200, true },
	/* Line ends without CR, in some lines or in all. */
	{ "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "abc", 200, true },
	{ "HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\nx", "x", 200, true },
	{ OK "Content-Length: 1\n\r\nx", "x", 200, true },
	{ "HTTP/1.1 100 Go\n\nHTTP/1.1 407\nContent-Length:0\n\n", "", 407,
	    true },
	{ "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"
	  "3\nabc\n0;x\nX-T: v\n\n",
	    "abc", 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "abc",
	    200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "abc",
	    200, true },
	/* Folded headers, those that count among them. */
	{ OK "X: 1\r\n folded\r\n\tmore\r\nContent-Length: 1\r\n\r\nx", "x",
	    200, true },
	{ OK "Content-Length:\r\n 1\r\nConnection: x,\n\tclose\r\n\r\nx", "x",
	    200, false },
	{ OK "Transfer-Encoding:\n\t chunked\n \n\n1\nx\n0\nX: a\n b\n\n", "x",
	    200, true },
	{ OK "X-Odd: \xc3\xa9\tb\r\nContent-Length: 1\r\n\r\n\n", "\n", 200,
	    true },
};

static void
test_accepts_in_any_pieces(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		const struct good *want = &accepted[i];

		for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
			struct http_msg msg;
			struct err err = { 0 };

			http_msg_init(&msg, BODY_MAX, false);
			if (feed(&msg, want->text, steps[j], &err) != 0)
				fail_msg("%s: %s", want->text, err.msg);
			assert_true(msg.complete);
			assert_int_equal(msg.status, want->status);
			assert_string_equal(buf_str(&msg.body), want->body);
			if (msg.keep_alive != want->keep_alive)
				fail_msg("keep-alive: %s", want->text);
			http_msg_free(&msg);
		}
	}
}

static const char *const refused[] = {
	"\r\n",
	"\n",
	"HTTP/2.0 200 OK\r\n",
	"HTTP/1.2 200 OK\r\n",
	"HTTP/1.1  200 OK\r\n",
	"HTTP/1.1 20 OK\r\n",
	"HTTP/1.1 2000 OK\r\n",
	"HTTP/1.1 +20 OK\r\n",
	"HTTP/1.1 099 OK\r\n",
	"HTTP/1.1 200\tOK\r\n",
	"HTTP/1.1 200 O\x01K\r\n",
	"HTTP/1.1 200 O\rK\r\n",
	"http/1.1 200 OK\r\n",
	"ICY 200 OK\r\n",
	"SSH-2.0-x\r\n",
	"HTTP/1.1 101 Switching\r\n\r\n",
	OK "Content-Length 1\r\n",
	OK "Content-Length : 1\r\n",
	OK ": 1\r\n",
	OK " X: 1\r\n",
	OK "X: a\x01\r\n",
	OK "X: a\x7f\r\n",
	OK "X: a\rb\r\n",
	OK "X: a\r\r\n",
	OK "X: 1\r\n folded\x01\r\n",
	OK "\tX: 1\r\n",
	OK "Content-Length: 1\r\n 1\r\n\r\n",
	OK "Content-Length: 1\r\nTransfer-Encoding:\n chunked\r\n\r\n",
	OK "X\xc3\xa9: a\r\n",
	OK "Content-Length: \r\n\r\n",
	OK "Content-Length: -1\r\n\r\n",
	OK "Content-Length: +1\r\n\r\n",
	OK "Content-Length: 0x1\r\n\r\n",
	OK "Content-Length: 1, 1\r\n\r\n",
	OK "Content-Length: 1 1\r\n\r\n",
	OK "Content-Length: 18446744073709551617\r\n\r\n",
	OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
	OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
	OK "Transfer-Encoding: gzip\r\n\r\n",
	OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	OK "Transfer-Encoding: identity\r\n\r\n",
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n0x3\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n 3\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n3 4\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n3;\x01\r\nabc\r\n0\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n",
};

static void
test_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		for (size_t step = 1; step < 1000; step *= 30) {
			struct http_msg msg;
			struct err err = { 0 };

			http_msg_init(&msg, BODY_MAX, false);
			if (feed(&msg, refused[i], step, &err) == 0)
				fail_msg("accepted: %s", refused[i]);
			if (err.kind != ERR_KIND_PARSE)
				fail_msg("%s: %s", refused[i], err.msg);
			assert_int_equal(err.retry, ERR_FINAL);
			assert_false(msg.complete);
			http_msg_free(&msg);
		}
	}
}

static void
test_refuses_nul(void **state)
{
	static const char texts[][24] = { "HTTP/1.1 200 O\0K\r\n",
		"HTTP/1.1 200\r\nX: \0a\r\n", "HTTP/1.1 200\r\nX\0: a\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct http_msg msg;
		struct err err = { 0 };

		http_msg_init(&msg, BODY_MAX, false);
		assert_int_equal(feed_len(&msg, texts[i], sizeof texts[i], 5,
		                     &err),
		    -1);
		assert_int_equal(err.kind, ERR_KIND_PARSE);
		http_msg_free(&msg);
	}
}

/* An error is for good. */
static void
test_stays_broken(void **state)
{
	struct http_msg msg;
	size_t used = 0;

	(void)state;
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(http_msg_feed(&msg, "\r\n", 2, &used, NULL), -1);
	assert_int_equal(http_msg_feed(&msg, OK, strlen(OK), &used, NULL), -1);
	assert_int_equal(http_msg_end(&msg, NULL), -1);
	http_msg_free(&msg);
}

static void
test_cut_short_is_transient(void **state)
{
	static const char *const texts[] = { "", "H", OK, OK "X: y\r\n",
		OK "Content-Length: 3\r\n\r\nab",
		OK "Transfer-Encoding: chunked\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\n3\r\nab",
		OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
		"HTTP/1.1 100 Go\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct http_msg msg;
		struct err err = { 0 };

		http_msg_init(&msg, BODY_MAX, false);
		assert_int_equal(feed(&msg, texts[i], 4, &err), -1);
		assert_int_equal(err.kind, ERR_KIND_CONNECTION);
		assert_int_equal(err.retry, ERR_TRANSIENT);
		assert_int_equal(msg.started, texts[i][0] != '\0');
		http_msg_free(&msg);
	}
}

/* What follows an answer is left alone. */
static void
test_takes_its_own_bytes_only(void **state)
{
	static const char text[] = OK "Content-Length: 2\r\n\r\nabHTTP/1.1 ";
	struct http_msg msg;
	size_t used = 0;

	(void)state;
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(http_msg_feed(&msg, text, strlen(text), &used, NULL),
	    0);
	assert_true(msg.complete);
	assert_int_equal(used, strlen(text) - strlen("HTTP/1.1 "));
	assert_int_equal(http_msg_feed(&msg, "x", 1, &used, NULL), 0);
	assert_int_equal(used, 0);
	http_msg_free(&msg);
}

static void
test_headers_are_found(void **state)
{
	static const char text[] = "HTTP/1.1 503 Slow \x1b[31m Down\r\n";
	struct http_msg msg;
	struct err err = { 0 };
	size_t used = 0;

	(void)state;
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(http_msg_feed(&msg, text, strlen(text), &used, &err),
	    -1);
	http_msg_free(&msg);
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(feed(&msg,
	                     "HTTP/1.1 503 Slow \xc3\xa9 Down \r\n"
	                     "X-One: first\r\nx-ONE: second\r\nEmpty:\r\n"
	                     "Content-Length: 0\r\n\r\n",
	                     3, NULL),
	    0);
	assert_string_equal(msg.reason, "Slow \xc3\xa9 Down");
	assert_string_equal(http_msg_header(&msg, "x-one"), "first");
	assert_string_equal(http_msg_header(&msg, "EMPTY"), "");
	assert_null(http_msg_header(&msg, "X-On"));
	assert_int_equal(msg.field_count, 4);
	assert_string_equal(http_msg_field(&msg, 1).name, "x-ONE");
	assert_string_equal(http_msg_field(&msg, 1).value, "second");
	http_msg_free(&msg);
	assert_null(http_msg_header(&msg, "x-one"));
}

/* Only who asked for it gets 101, and what follows is not HTTP. */
static void
test_change_of_protocol(void **state)
{
	static const char text[] =
	    "HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Content-Length: 7\r\n\r\n\x81\x01x";
	struct http_msg msg;
	size_t used = 0;

	(void)state;
	for (int asked = 0; asked < 2; asked++) {
		http_msg_init(&msg, BODY_MAX, false);
		msg.upgrade = asked == 1;
		assert_int_equal(http_msg_feed(&msg, text, sizeof text - 1,
		                     &used, NULL),
		    asked - 1);
		assert_int_equal(msg.complete, asked);
		if (asked == 1) {
			assert_int_equal(msg.status, 101);
			assert_int_equal(used, sizeof text - 1 - 3);
			assert_string_equal(http_msg_header(&msg, "upgrade"),
			    "websocket");
		}
		http_msg_free(&msg);
	}
}

/* One blank takes the place of a line end and what is around it. */
static void
test_folded_headers_are_unfolded(void **state)
{
	struct http_msg msg;

	(void)state;
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(feed(&msg,
	                     OK "X: one \r\n  two\r\n \r\n\tthree\r\n"
	                        "Empty:\r\n \r\nLate:\n  value\n"
	                        "Content-Length: 0\r\n\r\n",
	                     3, NULL),
	    0);
	assert_string_equal(http_msg_header(&msg, "x"), "one two three");
	assert_string_equal(http_msg_header(&msg, "empty"), "");
	assert_string_equal(http_msg_header(&msg, "late"), "value");
	assert_int_equal(msg.field_count, 4);
	http_msg_free(&msg);
}

/* A head of exactly total bytes, with the final empty line. */
static char *
head_of(size_t total)
{
	static const char start[] = OK "Content-Length: 0\r\nX: ";
	char *text = malloc(total + 1);

	assert_non_null(text);
	memset(text, 'v', total);
	memcpy(text, start, sizeof start - 1);
	memcpy(&text[total - 4], "\r\n\r\n", sizeof "\r\n\r\n");
	return text;
}

static void
test_limit_of_the_head(void **state)
{
	static const size_t steps[] = { 1, 1000, SIZE_MAX };

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		char *text = head_of(HTTP_MSG_HEAD_MAX + over);

		for (size_t i = 0; i < 3; i++) {
			struct http_msg msg;

			http_msg_init(&msg, BODY_MAX, false);
			assert_int_equal(feed(&msg, text, steps[i], NULL),
			    over == 0 ? 0 : -1);
			http_msg_free(&msg);
		}
		free(text);
	}
}

static void
test_limit_of_the_headers(void **state)
{
	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		struct buf text = { 0 };
		struct http_msg msg;
		struct err err = { 0 };

		buf_puts(&text, OK "Content-Length: 0\r\n");
		for (size_t i = 1; i < HTTP_MSG_HEADERS_MAX + extra; i++)
			buf_puts(&text, "X: y\r\n");
		buf_puts(&text, "\r\n");
		http_msg_init(&msg, BODY_MAX, false);
		assert_int_equal(feed(&msg, buf_str(&text), 100, &err),
		    extra == 0 ? 0 : -1);
		assert_int_equal(err.kind,
		    extra == 0 ? ERR_KIND_NONE : ERR_KIND_PARSE);
		http_msg_free(&msg);
		buf_free(&text);
	}
}

/* Endless interim answers, trailers or chunk extensions come to an end. */
static void
test_limit_of_what_repeats(void **state)
{
	static const char *const texts[][2] = {
		{ "", "HTTP/1.1 100 Go\r\n\r\n" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n" },
		{ OK "Transfer-Encoding: chunked\r\n\r\n",
		    "1;0123456789012345678901234567890123456789\r\na\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct http_msg msg;
		struct err err = { 0 };
		size_t turns = 0, used = 0;

		http_msg_init(&msg, SIZE_MAX / 2, false);
		assert_int_equal(http_msg_feed(&msg, texts[i][0],
		                     strlen(texts[i][0]), &used, &err),
		    0);
		while (turns < HTTP_MSG_HEAD_MAX &&
		       http_msg_feed(&msg, texts[i][1], strlen(texts[i][1]),
		           &used, &err) == 0)
			turns++;
		assert_in_range(turns, 1000, HTTP_MSG_HEAD_MAX - 1);
		assert_int_equal(err.kind, ERR_KIND_PARSE);
		http_msg_free(&msg);
	}
}

static void
test_limit_of_a_chunk_line(void **state)
{
	struct http_msg msg;
	struct err err = { 0 };
	size_t used = 0, digits = 0;

	(void)state;
	http_msg_init(&msg, BODY_MAX, false);
	assert_int_equal(feed(&msg, OK "Transfer-Encoding: chunked\r\n\r\n", 9,
	                     NULL),
	    -1);
	while (digits < 100000 && http_msg_feed(&msg, "0", 1, &used, &err) == 0)
		digits++;
	assert_in_range(digits, 100, 5000);
	http_msg_free(&msg);
}

struct limit {
	const char *text;
	int rc;
	enum err_kind kind;
};

/* Of a limit of four bytes, four pass and five do not. */
static void
test_limit_of_the_body(void **state)
{
	static const struct limit limits[] = {
		{ OK "Content-Length: 4\r\n\r\nabcd", 0, ERR_KIND_NONE },
		{ OK "Content-Length: 5\r\n\r\nabcde", -1, ERR_KIND_PARSE },
		{ OK "\r\nabcd", 0, ERR_KIND_NONE },
		{ OK "\r\nabcde", -1, ERR_KIND_PARSE },
		{ OK "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
		    0, ERR_KIND_NONE },
		{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
		     "0\r\n\r\n",
		    -1, ERR_KIND_PARSE },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n"
		     "0\r\n\r\n",
		    0, ERR_KIND_NONE },
		{ OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n"
		     "0\r\n\r\n",
		    -1, ERR_KIND_PARSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct http_msg msg;
		struct err err = { 0 };

		http_msg_init(&msg, 4, false);
		if (feed(&msg, limits[i].text, 3, &err) != limits[i].rc)
			fail_msg("%s: %s", limits[i].text, err.msg);
		assert_int_equal(err.kind, limits[i].kind);
		http_msg_free(&msg);
	}
}

static void
test_no_body_allowed(void **state)
{
	struct http_msg msg;

	(void)state;
	http_msg_init(&msg, 0, false);
	assert_int_equal(feed(&msg, OK "Content-Length: 0\r\n\r\n", 9, NULL),
	    0);
	http_msg_free(&msg);
	http_msg_init(&msg, 0, false);
	assert_int_equal(feed(&msg, OK "\r\n", 9, NULL), 0);
	http_msg_free(&msg);
	http_msg_init(&msg, 0, false);
	assert_int_equal(feed(&msg, OK "\r\nx", 9, NULL), -1);
	http_msg_free(&msg);
}

/* The answer to CONNECT ends with its head: lengths mean nothing if the
 * tunnel is open, and the body of a refusal is of no interest. */
static void
test_tunnel(void **state)
{
	static const char *const heads[] = { OK "Content-Length: 9\r\n"
		                                "Transfer-Encoding: chunked\r\n"
		                                "\r\n",
		OK "\r\n", "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\n" };
	struct http_msg msg;
	char text[TEXT_MAX];
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		(void)snprintf(text, sizeof text, "%sno", heads[i]);
		http_msg_init(&msg, 0, true);
		assert_int_equal(http_msg_feed(&msg, text, strlen(text), &used,
		                     NULL),
		    0);
		assert_true(msg.complete);
		assert_int_equal(used, strlen(heads[i]));
		http_msg_free(&msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts_in_any_pieces),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_refuses_nul),
		cmocka_unit_test(test_stays_broken),
		cmocka_unit_test(test_cut_short_is_transient),
		cmocka_unit_test(test_takes_its_own_bytes_only),
		cmocka_unit_test(test_headers_are_found),
		cmocka_unit_test(test_change_of_protocol),
		cmocka_unit_test(test_folded_headers_are_unfolded),
		cmocka_unit_test(test_limit_of_the_head),
		cmocka_unit_test(test_limit_of_the_headers),
		cmocka_unit_test(test_limit_of_what_repeats),
		cmocka_unit_test(test_limit_of_a_chunk_line),
		cmocka_unit_test(test_limit_of_the_body),
		cmocka_unit_test(test_no_body_allowed),
		cmocka_unit_test(test_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
