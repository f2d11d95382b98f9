/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/cidr.h"

struct sample {
	const char *block;
	const char *host;
	bool inside;
};

static void
check(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[i];

		if (cidr_has(slice_of(s->block), s->host) != s->inside)
			fail_msg("%s in %s", s->host, s->block);
	}
}

#define CHECK(samples) check((samples), sizeof(samples) / sizeof(samples)[0])

static void
test_blocks_of_ipv4(void **state)
{
	static const struct sample samples[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.1.2.3/8", "10.9.9.9", true },
		{ "192.168.4.0/22", "192.168.7.255", true },
		{ "192.168.4.0/22", "192.168.8.0", false },
		{ "192.168.4.0/22", "192.168.3.255", false },
		{ "1.2.3.4/32", "1.2.3.4", true },
		{ "1.2.3.4/32", "1.2.3.5", false },
		{ "1.2.3.4/31", "1.2.3.5", true },
		{ "0.0.0.0/0", "200.1.1.1", true },
		{ "1.2.3.4", "1.2.3.4", true },
		{ "1.2.3.4", "1.2.3.5", false },
	};

	(void)state;
	CHECK(samples);
}

static void
test_blocks_of_ipv6(void **state)
{
	static const struct sample samples[] = {
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "fe80::/10", "febf::1", true },
		{ "fe80::/10", "fec0::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "2001:DB8::1", "2001:db8:0::1", true },
		{ "2001:db8::/127", "2001:db8::1", true },
		{ "2001:db8::/127", "2001:db8::2", false },
		{ "::1/128", "::1", true },
		/* An IPv4 address is not in a block of IPv6. */
		{ "::/0", "1.2.3.4", false },
		{ "10.0.0.0/8", "::ffff:10.1.1.1", true },
		{ "::ffff:10.0.0.0/8", "10.1.1.1", true },
	};

	(void)state;
	CHECK(samples);
}

static void
test_other_text_is_no_block(void **state)
{
	static const struct sample samples[] = {
		{ "", "1.2.3.4", false },
		{ "/", "1.2.3.4", false },
		{ "/8", "1.2.3.4", false },
		{ "10.0.0.0/", "10.0.0.0", false },
		{ "10.0.0.0/33", "10.0.0.0", false },
		{ "10.0.0.0/-1", "10.0.0.0", false },
		{ "10.0.0.0/8/8", "10.0.0.0", false },
		{ "10.0.0/8", "10.0.0.0", false },
		{ "::1/129", "::1", false },
		{ "example.com", "1.2.3.4", false },
		{ "10.0.0.0/8", "example.com", false },
		{ "10.0.0.0/8", "", false },
		{ "0000000000000000000000000000000000000000000000:1", "::1",
		    false },
	};

	(void)state;
	CHECK(samples);
}

static void
test_knows_addresses(void **state)
{
	(void)state;
	assert_true(cidr_is_address("127.0.0.1"));
	assert_true(cidr_is_address("::1"));
	assert_false(cidr_is_address("127.1"));
	assert_false(cidr_is_address("[::1]"));
	assert_false(cidr_is_address("fe80::1%eth0"));
	assert_false(cidr_is_address("localhost"));
	assert_false(cidr_is_address(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_of_ipv4),
		cmocka_unit_test(test_blocks_of_ipv6),
		cmocka_unit_test(test_other_text_is_no_block),
		cmocka_unit_test(test_knows_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
