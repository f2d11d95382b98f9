/* SPDX-License-Identifier: MIT */
/* Where nobody may be forwarded to, in every spelling of an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "mgs/deny.h"

static const char *const refused_four[] = { "127.0.0.1", "127.0.0.0",
	"127.255.255.255", "127.1.2.3", "0.0.0.0", "0.0.0.1", "0.255.255.255",
	"169.254.169.254", "169.254.169.253", "169.254.169.123",
	"169.254.169.250", "169.254.169.251", "169.254.170.2", "169.254.170.23",
	"169.254.0.0", "169.254.255.255" };

static const char *const taken_four[] = { "1.0.0.0", "126.255.255.255",
	"128.0.0.0", "10.0.0.1", "10.0.0.2", "172.16.0.1", "192.168.0.1",
	"169.253.255.255", "169.255.0.0", "198.51.100.7", "8.8.8.8",
	"100.64.0.1" };

static const char *const refused_six[] = { "::", "::1", "0:0:0:0:0:0:0:1",
	"fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::123", "fd00:ec2::240",
	"fd00:ec2::23", "FD00:0EC2::23", "fd00:ec2:1::1", "fe80::1",
	"febf::1" };

static const char *const taken_six[] = { "2001:db8::1", "fd00::1",
	"fd00:ec1::254", "fd00:ec3::254", "fec0::1", "fe7f::1",
	"2600:1f14::5" };

/* How an IPv4 address can be written as an IPv6 one. */
static const char *const holders[] = { "::ffff:%s", "0:0:0:0:0:ffff:%s", "::%s",
	"::ffff:0:%s", "64:ff9b::%s", "64:ff9b:1::%s",
	"64:ff9b:1:abcd:ef01:2345:%s" };

static bool
by_bytes(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return deny_address(bytes, 4);
	assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
	return deny_address(bytes, 16);
}

static void
check(const char *text, bool refused)
{
	char other[128];

	if (by_bytes(text) != refused)
		fail_msg("%s by its bytes", text);
	if (deny_host(text) != refused)
		fail_msg("%s as it is written", text);
	(void)snprintf(other, sizeof other, "[%s]", text);
	assert_true(deny_host(other) == refused);
	(void)snprintf(other, sizeof other, "%s%%eth0", text);
	assert_true(deny_host(other) == refused);
	(void)snprintf(other, sizeof other, "[%s%%25eth0]", text);
	assert_true(deny_host(other) == refused);
}

static void
check_held(const char *four, bool refused)
{
	unsigned char bytes[4];
	char text[64];

	for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
		(void)snprintf(text, sizeof text, holders[i], four);
		check(text, refused);
	}
	assert_int_equal(inet_pton(AF_INET, four, bytes), 1);
	(void)snprintf(text, sizeof text, "2002:%02x%02x:%02x%02x::1", bytes[0],
	    bytes[1], bytes[2], bytes[3]);
	check(text, refused);
	(void)snprintf(text, sizeof text, "::FFFF:%02x%02x:%02x%02x", bytes[0],
	    bytes[1], bytes[2], bytes[3]);
	check(text, refused);
}

static void
test_every_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused_four / sizeof *refused_four;
	     i++) {
		check(refused_four[i], true);
		check_held(refused_four[i], true);
	}
	for (size_t i = 0; i < sizeof taken_four / sizeof *taken_four; i++) {
		check(taken_four[i], false);
		check_held(taken_four[i], false);
	}
	for (size_t i = 0; i < sizeof refused_six / sizeof *refused_six; i++)
		check(refused_six[i], true);
	for (size_t i = 0; i < sizeof taken_six / sizeof *taken_six; i++)
		check(taken_six[i], false);
}

static void
test_other_forms(void **state)
{
	static const char *const refused[] = { "127.1", "127.0.1", "0x7f000001",
		"2130706433", "017700000001", "0177.0.0.1", "0x7f.1", "0",
		"2852039166", "0xA9FEA9FE", "169.254.43518", "127.0.0.1.",
		"localhost", "LOCALHOST", "localhost.", "a.localhost",
		"a.b.LocalHost.", "[::1]", "::1%lo", "0251.0376.0251.0376" };
	static const char *const taken[] = { "", "example.com", "nolocalhost",
		"localhost.example.com", "10.1", "0x0a000001", "167772161",
		"db.internal", "1.2.3.4.5", "::g", "[", "]", "%", "%lo",
		"256.1.1.1" };
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (!deny_host(refused[i]))
			fail_msg("%s", refused[i]);
	}
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		if (deny_host(taken[i]))
			fail_msg("%s", taken[i]);
	}
	memset(longest, '1', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_false(deny_host(longest));
}

static void
test_sizes(void **state)
{
	static const unsigned char bytes[20] = { 8, 8, 8, 8 };

	(void)state;
	for (size_t size = 0; size <= sizeof bytes; size++)
		assert_true(deny_address(bytes, size) ==
		            (size != 4 && size != 16));
}

static void
test_text(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(deny_say("169.254.170.2", &err), -1);
	assert_string_equal(err.msg,
	    "Forwarding to IP address 169.254.170.2 is forbidden.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_spelling),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
