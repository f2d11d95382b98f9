/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/disturb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/dial.h"

enum { LIMIT_MS = 5000, FILLERS = 8, TRIES = 5 };

/* A listening socket on loopback, IPv4 or IPv6, at a port (0 = any); -1 if
 * the machine has no such address. */
static int
listen_at(int family, uint16_t port, int backlog)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	int rc;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (family == AF_INET)
		rc = bind(fd, (struct sockaddr *)&four, sizeof four);
	else
		rc = bind(fd, (struct sockaddr *)&six, sizeof six);
	if (rc != 0 || listen(fd, backlog) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof addr;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static int
dial(const char *host, uint16_t port, int *fd, struct err *err)
{
	struct dial_target target = { .host = host, .port = port };

	return dial_tcp(&target, clock_in(LIMIT_MS), fd, err);
}

static void
test_connects(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost",
		"LocalHost" };
	int listener = listen_at(AF_INET, 0, 8);

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
		int fd = -1, on = 0;
		socklen_t len = sizeof on;
		struct err err = { 0 };

		assert_int_equal(dial(hosts[i], port_of(listener), &fd, &err),
		    0);
		assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		                     &len),
		    0);
		assert_int_equal(on, 1);
		assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
		close(fd);
	}
	close(listener);
}

/* A port at which nothing listens. */
static uint16_t
dead_port(void)
{
	int fd = listen_at(AF_INET, 0, 1);
	uint16_t port = port_of(fd);

	close(fd);
	return port;
}

static void
test_refused(void **state)
{
	int fd = 7;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(dial("127.0.0.1", dead_port(), &fd, &err), -1);
	assert_int_equal(fd, 7);
	assert_int_equal(err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	assert_false(err.timed_out);
	assert_false(err.ambiguous);
	assert_non_null(strstr(err.msg, "connect 127.0.0.1:"));
	assert_non_null(strstr(err.msg, "Connection refused"));
}

/* Each reason is named once, however many addresses there are. */
static void
test_reasons_are_named_once(void **state)
{
	int fd = -1;
	struct err err = { 0 };
	const char *first;

	(void)state;
	assert_int_equal(dial("localhost", dead_port(), &fd, &err), -1);
	first = strstr(err.msg, "Connection refused");
	assert_non_null(first);
	assert_null(strstr(first + 1, "Connection refused"));
}

static void
test_next_address_after_a_refusal(void **state)
{
	int listener = listen_at(AF_INET6, 0, 8);
	int64_t best = LIMIT_MS;
	int fd = -1;

	(void)state;
	if (listener < 0)
		skip();
	/* A busy machine may be slow, but not always. */
	for (int i = 0; i < TRIES && best >= DIAL_STAGGER_MS; i++) {
		int64_t start = clock_ms();

		assert_int_equal(dial("localhost", port_of(listener), &fd,
		                     NULL),
		    0);
		best = clock_min(best, clock_ms() - start);
		close(fd);
	}
	assert_true(best < DIAL_STAGGER_MS);
	close(listener);
}

/* Fill the queue of a listener, so that further connections hang. */
static void
fill(uint16_t port, int *fds)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	for (size_t i = 0; i < FILLERS; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(fds[i] >= 0);
		(void)connect(fds[i], (struct sockaddr *)&addr, sizeof addr);
	}
}

static void
close_all(const int *fds)
{
	for (size_t i = 0; i < FILLERS; i++)
		close(fds[i]);
}

static void
test_next_address_beside_a_silent_one(void **state)
{
	int silent = listen_at(AF_INET, 0, 0);
	uint16_t port = port_of(silent);
	int listener = listen_at(AF_INET6, port, 8);
	int fds[FILLERS];
	int fd = -1;
	int64_t start;

	(void)state;
	if (listener < 0)
		skip();
	fill(port, fds);
	start = clock_ms();
	assert_int_equal(dial("localhost", port, &fd, NULL), 0);
	assert_in_range(clock_ms() - start, DIAL_STAGGER_MS,
	    DIAL_STAGGER_MS + 1500);
	close(fd);
	close_all(fds);
	close(listener);
	close(silent);
}

static void
expect_timeout(uint16_t port, int address_ms, int deadline_ms, int wanted_ms)
{
	struct dial_target target = {
		.host = "127.0.0.1", .port = port, .address_ms = address_ms
	};
	struct err err = { 0 };
	int64_t start = clock_ms();
	int fd = 7;

	assert_int_equal(dial_tcp(&target, start + deadline_ms, &fd, &err), -1);
	assert_in_range(clock_ms() - start, wanted_ms, wanted_ms + 1500);
	assert_int_equal(fd, 7);
	assert_true(err.timed_out);
	assert_int_equal(err.retry, ERR_TRANSIENT);
	assert_non_null(strstr(err.msg, "timed out"));
}

static void
test_limits_of_time(void **state)
{
	int silent = listen_at(AF_INET, 0, 0);
	uint16_t port = port_of(silent);
	int fds[FILLERS];

	(void)state;
	fill(port, fds);
	disturb(1);
	expect_timeout(port, 0, 150, 150);
	expect_timeout(port, 200, 5000, 200);
	expect_timeout(port, 0, 0, 0);
	expect_timeout(port, 0, -1000, 0);
	disturb(0);
	close_all(fds);
	close(silent);
}

static void
test_usual_port_is_not_named(void **state)
{
	struct dial_target target = { .host = "127.0.0.1", .port = 443 };
	struct err err = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(dial_tcp(&target, clock_ms(), &fd, &err), -1);
	assert_string_equal(err.msg, "connect 127.0.0.1: timed out");
	err_clear(&err);
	target = (struct dial_target){ .host = "::1", .port = 8443 };
	assert_int_equal(dial_tcp(&target, clock_ms(), &fd, &err), -1);
	assert_string_equal(err.msg, "connect [::1]:8443: timed out");
}

/* A name that cannot be: no resolver is asked for a label of 64. */
static void
test_unknown_name(void **state)
{
	static const char name[] =
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    ".invalid";
	struct err err = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(dial(name, 443, &fd, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_CONNECTION);
	assert_int_equal(err.retry, ERR_FINAL);
	assert_non_null(strstr(err.msg, "cannot resolve the name"));
	assert_non_null(strstr(err.msg, name));
}

/* No descriptor is left behind by winners and losers. */
static void
test_leaks_no_descriptor(void **state)
{
	int before = dup(0), after;
	int fd = -1;

	(void)state;
	close(before);
	assert_int_equal(dial("localhost", dead_port(), &fd, NULL), -1);
	after = dup(0);
	close(after);
	assert_int_equal(before, after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reasons_are_named_once),
		cmocka_unit_test(test_next_address_after_a_refusal),
		cmocka_unit_test(test_next_address_beside_a_silent_one),
		cmocka_unit_test(test_limits_of_time),
		cmocka_unit_test(test_usual_port_is_not_named),
		cmocka_unit_test(test_unknown_name),
		cmocka_unit_test(test_leaks_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
