/* SPDX-License-Identifier: MIT */
/* Connections of a helper, many at once, and those that it refuses. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "serve/dialer.h"

enum { WAIT_MS = 5000 };

static struct dialer dialer;
static struct ask ask;
static struct err err;

/* A listener on this host, of one family. */
static int
listen_on(int family, uint16_t *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = *port,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = family == AF_INET ? sizeof(four) : sizeof(six);
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four
	                                             : (struct sockaddr *)&six;
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address, size) != 0 || listen(fd, DIALER_MAX) != 0 ||
	    getsockname(fd, address, &size) != 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

static void
ask_for(uint32_t id, uint16_t port, const char *address)
{
	ask_make(&ask, ASK_DIAL);
	ask.id = id;
	ask.port = port;
	if (address == NULL)
		return;
	ask.address_size = strchr(address, ':') != NULL ? 16 : 4;
	assert_int_equal(inet_pton(ask.address_size == 4 ? AF_INET : AF_INET6,
	                     address, ask.address),
	    1);
}

/* The next one that is over: its socket, or -1. */
static int
next(uint32_t *id)
{
	struct pollfd fds[DIALER_MAX];
	int64_t until = clock_in(WAIT_MS);
	int fd = -2;

	err_clear(&err);
	while (!dialer_next(&dialer, id, &fd, &err)) {
		assert_true(clock_left(until) > 0);
		poll(fds, dialer_poll(&dialer, fds), clock_left(until));
	}
	return fd;
}

static void
test_many(void **state)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port), fd;
	bool seen[DIALER_MAX + 1] = { false };
	uint32_t id = 0;

	(void)state;
	assert_true(listener >= 0);
	for (uint32_t i = 1; i <= DIALER_MAX; i++) {
		ask_for(i, port, NULL);
		assert_int_equal(dialer_begin(&dialer, &ask, &err), 0);
	}
	assert_int_equal(dialer_begin(&dialer, &ask, &err), -1);
	assert_string_equal(err.msg, "too many connections at once");
	for (uint32_t i = 1; i <= DIALER_MAX; i++) {
		fd = next(&id);
		assert_true(fd >= 0);
		assert_false(seen[id]);
		seen[id] = true;
		close(fd);
	}
	assert_int_equal(dialer.count, 0);
	assert_true(dialer_due(&dialer) == INT64_MAX);
	close(listener);
}

/* Nobody listens; what is dropped is not told of. */
static void
test_refused(void **state)
{
	uint16_t port = 0;
	uint32_t id = 0;
	int listener = listen_on(AF_INET, &port);

	(void)state;
	close(listener);
	ask_for(5, port, NULL);
	assert_int_equal(dialer_begin(&dialer, &ask, &err), 0);
	assert_int_equal(next(&id), -1);
	assert_int_equal(id, 5);
	assert_string_equal(err.msg,
	    "Unable to connect to specified port: Connection refused");
	assert_int_equal(dialer_begin(&dialer, &ask, &err), 0);
	dialer_drop(&dialer, 5);
	assert_int_equal(dialer.count, 0);
}

/* A server may listen on one of the two addresses of this host only. */
static void
test_other_family(void **state)
{
	uint16_t port = 0;
	uint32_t id = 0;
	int listener = listen_on(AF_INET6, &port), fd;

	(void)state;
	if (listener < 0)
		skip();
	ask_for(1, port, NULL);
	assert_int_equal(dialer_begin(&dialer, &ask, &err), 0);
	fd = next(&id);
	assert_true(fd >= 0);
	close(fd);
	close(listener);
}

/* Whatever the worker had checked. */
static void
test_denied(void **state)
{
	static const char *const addresses[] = { "127.0.0.1", "0.0.0.0",
		"169.254.169.254", "169.254.170.2", "::1",
		"::", "::ffff:127.0.0.1", "fd00:ec2::254" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		err_clear(&err);
		ask_for(1, 80, addresses[i]);
		assert_int_equal(dialer_begin(&dialer, &ask, &err), -1);
		(void)snprintf(text, sizeof(text),
		    "Forwarding to IP address %s is forbidden.", addresses[i]);
		assert_string_equal(err.msg, text);
	}
	assert_int_equal(dialer.count, 0);
}

/* TEST-NET-1 (RFC 5737) answers nothing: it waits and ends. */
static void
test_silent(void **state)
{
	uint32_t id = 0;
	int fd = -1;

	(void)state;
	err_clear(&err);
	ask_for(9, 80, "192.0.2.254");
	if (dialer_begin(&dialer, &ask, &err) != 0)
		skip();
	assert_true(dialer_due(&dialer) <= clock_in(DIALER_MS));
	dialer.at[0].until = clock_ms() - 1;
	assert_true(dialer_next(&dialer, &id, &fd, &err));
	assert_int_equal(id, 9);
	assert_int_equal(fd, -1);
	assert_int_equal(dialer.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_other_family),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
