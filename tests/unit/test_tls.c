/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/ca.h"
#include "net/dial.h"
#include "net/tls.h"
#include "unit/net_peer.h"

enum { LIMIT_MS = 10000, BULK = 100000 };

/* A connection to one of the servers. */
struct link {
	struct ca *ca;
	struct tls *tls;
	int fd;
};

static int
open_until(struct link *link, const char *server, const char *host,
    int64_t deadline, struct err *err)
{
	struct dial_target target = { .host = "127.0.0.1",
		.port = net_peer_port(server) };

	*link = (struct link){ .fd = -1 };
	assert_int_equal(ca_load(&link->ca, net_peer_path("roots.pem"), NULL,
	                     "AWS_CA_BUNDLE", NULL),
	    0);
	assert_int_equal(dial_tcp(&target, deadline, &link->fd, NULL), 0);
	return tls_open(&link->tls, link->fd, host, link->ca, deadline, err);
}

static int
open_link(struct link *link, const char *server, const char *host,
    struct err *err)
{
	return open_until(link, server, host, clock_in(LIMIT_MS), err);
}

static void
close_link(struct link *link)
{
	tls_free(link->tls);
	ca_free(link->ca);
	close(link->fd);
}

static void
say(struct link *link, const char *text)
{
	assert_int_equal(tls_write(link->tls, text, strlen(text),
	                     clock_in(LIMIT_MS), NULL),
	    0);
}

/* Read len bytes in pieces of at most step. */
static void
read_all(struct link *link, char *data, size_t len, size_t step)
{
	size_t at = 0, got = 0;

	while (at < len) {
		size_t want = len - at < step ? len - at : step;

		assert_int_equal(tls_read(link->tls, &data[at], want, &got,
		                     clock_in(LIMIT_MS), NULL),
		    0);
		assert_in_range(got, 1, want);
		at += got;
	}
}

/* Send size bytes there and back. */
static void
echo(struct link *link, size_t size, size_t step)
{
	char *out = malloc(size), *back = malloc(size);
	char command[32];

	assert_true(out != NULL && back != NULL);
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(i * 7 + i / 251);
	(void)snprintf(command, sizeof command, "echo %zu\n", size);
	say(link, command);
	assert_int_equal(tls_write(link->tls, out, size, clock_in(LIMIT_MS),
	                     NULL),
	    0);
	read_all(link, back, size, step);
	assert_memory_equal(out, back, size);
	free(out);
	free(back);
}

static void
expect_good(const char *server, const char *host)
{
	struct link link;
	struct err err = { 0 };

	if (open_link(&link, server, host, &err) != 0)
		fail_msg("%s: %s", server, err.msg);
	echo(&link, 10, 3);
	close_link(&link);
}

static void
test_good_certificates(void **state)
{
	static const char *const servers[] = { "good", "direct", "with-root",
		"sha512", "p256", "p384", "cn", "server", "any" };

	(void)state;
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
		expect_good(servers[i], "tls.test");
	expect_good("good", "TLS.Test");
	expect_good("good", "a.wild.test");
}

static void
test_all_suites(void **state)
{
	static const char *const suites[] = { "ECDHE-ECDSA-AES128-GCM-SHA256",
		"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
		"ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384",
		"ECDHE-RSA-AES256-GCM-SHA384" };

	(void)state;
	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
		struct link link;
		struct err err = { 0 };

		if (open_link(&link, suites[i], "tls.test", &err) != 0)
			fail_msg("%s: %s", suites[i], err.msg);
		echo(&link, BULK, 1 << 20);
		echo(&link, 1000, 1);
		close_link(&link);
	}
}

/* Every other server takes X25519. */
static void
test_all_curves(void **state)
{
	static const char *const curves[] = { "prime256v1", "secp384r1",
		"secp521r1" };

	(void)state;
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		expect_good(curves[i], "tls.test");
}

struct bad {
	const char *server;
	const char *host;
	const char *text; /* in the message */
	const char *more; /* in the message, too */
};

static const struct bad bad_certificates[] = {
	{ "past", "tls.test", "has expired", "2021-01-02T03:04:05Z" },
	{ "future", "tls.test", "is not valid yet", "2098-01-02T03:04:05Z" },
	{ "past-inter", "tls.test", "one in its chain has expired",
	    "2021-01-02T03:04:05Z" },
	{ "name", "tls.test", "it is for another name", "other.test" },
	{ "ip", "tls.test", "it is for another name", "" },
	{ "good", "x.y.wild.test", "it is for another name", "tls.test" },
	{ "good", "wild.test", "it is for another name", "" },
	{ "untrusted", "tls.test", "it is not trusted", "" },
	{ "missing", "tls.test", "it is not trusted", "" },
	{ "swapped", "tls.test", "wrong order", "" },
	{ "signature", "tls.test", "signature", "" },
	{ "sha1", "tls.test", "SHA-1", "not supported" },
	{ "weak", "tls.test", "too weak", "2048" },
	{ "below", "tls.test", "does not belong to an authority", "" },
	{ "critical", "tls.test", "critical extension", "" },
	{ "client", "tls.test", "it is for other purposes than servers", "" },
	{ "code", "tls.test", "it is for other purposes than servers", "" },
	{ "encipherment", "tls.test", "it has a key that may not sign",
	    "key usage" },
	{ "client-inter", "tls.test",
	    "one in its chain is for other purposes than servers", "" },
};

/* No connection comes of it, and the error says what the row says. */
static void
fails(const struct bad *bad, struct err *err)
{
	struct link link;

	if (open_link(&link, bad->server, bad->host, err) == 0)
		fail_msg("accepted: %s", bad->server);
	if (strstr(err->msg, bad->text) == NULL ||
	    strstr(err->msg, bad->more) == NULL ||
	    strstr(err->msg, bad->host) == NULL)
		fail_msg("%s: %s", bad->server, err->msg);
	assert_null(link.tls);
	close_link(&link);
}

static void
test_bad_certificates(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof bad_certificates / sizeof bad_certificates[0]; i++) {
		const struct bad *bad = &bad_certificates[i];
		struct err err = { 0 };

		fails(bad, &err);
		assert_int_equal(err.kind, ERR_KIND_TLS);
		assert_int_equal(err.retry, ERR_FINAL);
		assert_false(err.timed_out);
		assert_true(err.fix[0] != '\0');
	}
}

/* Both clocks belong into the report. */
static void
test_expiry_names_our_date(void **state)
{
	struct link link;
	struct err err = { 0 };
	char today[CLOCK_ISO_SIZE];

	(void)state;
	assert_int_equal(open_link(&link, "past", "tls.test", &err), -1);
	clock_iso(clock_now(), today);
	today[strlen("YYYY-MM-DD")] = '\0';
	assert_non_null(strstr(err.msg, today));
	assert_non_null(strstr(err.msg, "2020-01-01T00:00:00Z"));
	assert_non_null(strstr(err.fix, "clock"));
	close_link(&link);
}

static void
test_untrusted_hints_at_the_bundle(void **state)
{
	struct link link;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(open_link(&link, "untrusted", "tls.test", &err), -1);
	assert_non_null(strstr(err.fix, "AWS_CA_BUNDLE"));
	close_link(&link);
}

static void
test_addresses_are_refused(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		struct link link;
		struct err err = { 0 };

		assert_int_equal(open_link(&link, "ip", hosts[i], &err), -1);
		assert_int_equal(err.kind, ERR_KIND_TLS);
		assert_int_equal(err.retry, ERR_FINAL);
		assert_non_null(strstr(err.msg, "IP address"));
		close_link(&link);
	}
}

/* Failures of the handshake that have nothing to do with certificates. */
static void
test_other_failures(void **state)
{
	static const struct bad failures[] = {
		{ "tls13", "tls.test", "alert 70 (protocol version)",
		    "TLS handshake" },
		{ "tls11", "tls.test", "alert 40 (handshake failure)",
		    "TLS handshake" },
		{ "tls13", "tls.test", "TLS 1.3 only?", "TLS handshake" },
		{ "cbc", "tls.test", "alert 40 (handshake failure)",
		    "(no CBC)" },
		{ "secret", "tls.test", "alert 40 (handshake failure): it may",
		    "extended master secret" },
		{ "garbage", "tls.test", "does not speak TLS",
		    "TLS handshake" },
		{ "closing", "tls.test", "onnection", "TLS handshake" },
		{ "resetting", "tls.test", "onnection", "TLS handshake" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
		const struct bad *bad = &failures[i];
		struct err err = { 0 };

		fails(bad, &err);
		assert_int_equal(err.retry, ERR_TRANSIENT);
	}
}

static void
test_deadline_of_the_handshake(void **state)
{
	int64_t start = clock_ms();
	struct link link;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(open_until(&link, "silent", "tls.test", start + 200,
	                     &err),
	    -1);
	assert_in_range(clock_ms() - start, 200, 2000);
	assert_true(err.timed_out);
	assert_int_equal(err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	assert_string_equal(err.msg, "TLS handshake with tls.test: timed out");
	close_link(&link);
}

static void
test_deadline_of_a_read(void **state)
{
	struct link link;
	struct err err = { 0 };
	int64_t start;
	char byte;
	size_t got = 7;

	(void)state;
	assert_int_equal(open_link(&link, "good", "tls.test", NULL), 0);
	start = clock_ms();
	assert_int_equal(tls_read(link.tls, &byte, 1, &got, start + 150, &err),
	    -1);
	assert_in_range(clock_ms() - start, 150, 2000);
	assert_true(err.timed_out);
	assert_int_equal(got, 7);
	/* Nothing is lost by it. */
	echo(&link, 100, 100);
	close_link(&link);
}

static void
test_closing_message_is_the_end(void **state)
{
	struct link link;
	char text[3], byte;
	size_t got = 7;

	(void)state;
	assert_int_equal(open_link(&link, "good", "tls.test", NULL), 0);
	say(&link, "bye\n");
	read_all(&link, text, 3, 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tls_read(link.tls, &byte, 1, &got,
		                     clock_in(LIMIT_MS), NULL),
		    0);
		assert_int_equal(got, 0);
	}
	assert_false(tls_idle(link.tls));
	close_link(&link);
}

static void
expect_lost(const char *command, const char *first)
{
	struct link link;
	struct err err = { 0 };
	char text[8], byte;
	size_t got = 7;

	assert_int_equal(open_link(&link, "good", "tls.test", NULL), 0);
	say(&link, command);
	read_all(&link, text, strlen(first), 3);
	assert_memory_equal(text, first, strlen(first));
	assert_int_equal(tls_read(link.tls, &byte, 1, &got, clock_in(LIMIT_MS),
	                     &err),
	    -1);
	assert_int_equal(got, 7);
	assert_int_equal(err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	assert_false(err.timed_out);
	assert_false(tls_idle(link.tls));
	close_link(&link);
}

static void
test_end_without_closing_message(void **state)
{
	(void)state;
	expect_lost("cut\n", "cut");
	expect_lost("reset\n", "");
}

/* Somebody on the way changes a byte of what the server says. */
static void
test_tampering_is_noticed(void **state)
{
	struct link link;
	struct err err = { 0 };
	char text[5] = "";
	size_t got = 7;

	(void)state;
	assert_int_equal(open_link(&link, "tampered", "tls.test", NULL), 0);
	say(&link, "echo 5\nabcde");
	assert_int_equal(tls_read(link.tls, text, sizeof text, &got,
	                     clock_in(LIMIT_MS), &err),
	    -1);
	assert_int_equal(err.kind, ERR_KIND_TLS);
	assert_non_null(strstr(err.msg, "bad MAC"));
	assert_int_equal(got, 7);
	assert_string_equal(text, "");
	assert_false(tls_idle(link.tls));
	/* It stays so. */
	assert_int_equal(tls_write(link.tls, "x", 1, clock_in(LIMIT_MS), NULL),
	    -1);
	close_link(&link);
}

static void
test_idle(void **state)
{
	struct link link;
	struct pollfd set = { .events = POLLIN };
	char text[5];

	(void)state;
	assert_int_equal(open_link(&link, "good", "tls.test", NULL), 0);
	assert_true(tls_idle(link.tls));
	say(&link, "echo 5\nabcde");
	set.fd = link.fd;
	assert_int_equal(poll(&set, 1, LIMIT_MS), 1);
	assert_false(tls_idle(link.tls));
	read_all(&link, text, 1, 1);
	read_all(&link, text, 4, 1);
	assert_true(tls_idle(link.tls));
	close_link(&link);
}

/* The built-in roots do not know the tests' authority. */
static void
test_builtin_roots_are_enforced(void **state)
{
	struct link link = { .fd = -1 };
	struct err err = { 0 };
	struct dial_target target = { .host = "127.0.0.1",
		.port = net_peer_port("good") };

	(void)state;
	assert_int_equal(ca_builtin(&link.ca, "tls.test", NULL), 0);
	assert_int_equal(dial_tcp(&target, clock_in(LIMIT_MS), &link.fd, NULL),
	    0);
	assert_int_equal(tls_open(&link.tls, link.fd, "tls.test", link.ca,
	                     clock_in(LIMIT_MS), &err),
	    -1);
	assert_non_null(strstr(err.msg, "not trusted"));
	close_link(&link);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_certificates),
		cmocka_unit_test(test_all_suites),
		cmocka_unit_test(test_all_curves),
		cmocka_unit_test(test_bad_certificates),
		cmocka_unit_test(test_expiry_names_our_date),
		cmocka_unit_test(test_untrusted_hints_at_the_bundle),
		cmocka_unit_test(test_addresses_are_refused),
		cmocka_unit_test(test_other_failures),
		cmocka_unit_test(test_deadline_of_the_handshake),
		cmocka_unit_test(test_deadline_of_a_read),
		cmocka_unit_test(test_closing_message_is_the_end),
		cmocka_unit_test(test_end_without_closing_message),
		cmocka_unit_test(test_tampering_is_noticed),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_builtin_roots_are_enforced),
	};

	return cmocka_run_group_tests(tests, net_peer_start, net_peer_stop);
}
