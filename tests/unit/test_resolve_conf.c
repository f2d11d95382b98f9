/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "net/cidr.h"
#include "net/resolve_conf.h"

static struct resolve_conf
read_text(const char *text)
{
	struct resolve_conf conf;

	resolve_conf_read(&conf, slice_of(text));
	return conf;
}

static void
assert_server(const struct resolve_conf *conf, size_t at, const char *text)
{
	struct cidr_address address;

	assert_true(cidr_read(&address, slice_of(text)));
	assert_true(at < conf->count);
	assert_int_equal(conf->servers[at].size, address.size);
	assert_memory_equal(conf->servers[at].bytes, address.bytes,
	    address.size);
}

static void
test_defaults(void **state)
{
	static const char *const texts[] = {
		"", "\n\r\n", "# nothing\n",
		"nameserver\nnameserver x\nnameserver x%eth0\n",
		"nameserver 10.0.0.1x\n", "xnameserver 10.0.0.1\n",
		"#nameserver 10.0.0.1\n;nameserver 10.0.0.1\n",
		"options\noptions ndots\noptions ndots: timeout:x attempts:-1\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct resolve_conf conf = read_text(texts[i]);

		assert_int_equal(conf.count, 1);
		assert_server(&conf, 0, "127.0.0.1");
		assert_int_equal(conf.ndots, 1);
		assert_int_equal(conf.timeout, 5);
		assert_int_equal(conf.attempts, 2);
		assert_int_equal(conf.search.len, 0);
	}
}

static void
test_servers(void **state)
{
	struct resolve_conf conf =
	    read_text("nameserver 10.0.0.1\nnameserver\tfd00::1 \r\n"
	              " nameserver bad\n  nameserver ::ffff:10.0.0.3 rest\n"
	              "nameserver 10.0.0.4");

	(void)state;
	assert_int_equal(conf.count, RESOLVE_CONF_SERVERS);
	assert_server(&conf, 0, "10.0.0.1");
	assert_server(&conf, 1, "fd00::1");
	assert_server(&conf, 2, "10.0.0.3");
}

static void
test_zones(void **state)
{
	static const char text[] =
	    "fe80000000000000000000fffe000001 04 40 20 80     eth0\n"
	    "00000000000000000000000000000001 01 80 10 80       lo\n"
	    "\nx\nx 1x 1 1 1 bad\nx 2 3 4 5\n"
	    "fe80000000000000000000fffe000002 1f 40 20 80    wlan";
	struct resolve_conf conf =
	    read_text("nameserver fe80::53%eth0\nnameserver fe80::53\n"
	              "nameserver 10.0.0.1\n");

	(void)state;
	assert_int_equal(conf.count, 3);
	assert_server(&conf, 0, "fe80::53");
	assert_true(slice_eq(conf.zones[0], "eth0"));
	assert_int_equal(conf.zones[1].len, 0);
	assert_server(&conf, 2, "10.0.0.1");
	assert_int_equal(resolve_conf_zone(slice_of(text), conf.zones[0]), 4);
	assert_int_equal(resolve_conf_zone(slice_of(text), conf.zones[1]), 0);
	assert_int_equal(resolve_conf_zone(slice_of(text), slice_of("wlan")),
	    31);
	assert_int_equal(resolve_conf_zone(slice_of(text), slice_of("7")), 7);
	assert_int_equal(resolve_conf_zone(slice_of(text), slice_of("bad")), 0);
	assert_int_equal(resolve_conf_zone(slice_of(text), slice_of("eth")), 0);
	assert_int_equal(resolve_conf_zone(slice_of(""), slice_of("eth0")), 0);
}

static void
test_options(void **state)
{
	struct resolve_conf conf =
	    read_text("options edns0 ndots:5 timeout:2\nsortlist x\n"
	              "options attempts:3 rotate ndots:7\n");

	(void)state;
	assert_int_equal(conf.ndots, 7);
	assert_int_equal(conf.timeout, 2);
	assert_int_equal(conf.attempts, 3);
	conf = read_text("options ndots:0 timeout:0 attempts:0\n");
	assert_int_equal(conf.ndots, 0);
	assert_int_equal(conf.timeout, 1);
	assert_int_equal(conf.attempts, 1);
	conf = read_text("options ndots:99 timeout:99 attempts:4294967295\n");
	assert_int_equal(conf.ndots, 15);
	assert_int_equal(conf.timeout, 30);
	assert_int_equal(conf.attempts, 5);
}

static void
test_search(void **state)
{
	struct resolve_conf conf =
	    read_text("search a.b\ndomain gone\nsearch\tx.svc \t y\t\n");
	struct slice word;

	(void)state;
	assert_true(resolve_conf_word(&conf.search, &word));
	assert_true(slice_eq(word, "x.svc"));
	assert_true(resolve_conf_word(&conf.search, &word));
	assert_true(slice_eq(word, "y"));
	assert_false(resolve_conf_word(&conf.search, &word));
	assert_int_equal(word.len, 0);
	conf = read_text("search a.b\nsearch\n");
	assert_false(resolve_conf_word(&conf.search, &word));
}

/* The last bytes of the addresses that a name has in a text, as a number:
 * 1 and 2 give 12. */
static unsigned
hosts(const char *text, const char *name)
{
	struct cidr_list list = { .count = 0 };
	unsigned sum = 0;

	resolve_conf_hosts(slice_of(text), slice_of(name), &list);
	for (size_t i = 0; i < list.count; i++)
		sum = 10 * sum + list.at[i].bytes[list.at[i].size - 1];
	return sum;
}

static void
test_hosts(void **state)
{
	static const char text[] = "10.0.0.1 one one.example\t# two\n"
	                           "#10.0.0.2 one\n"
	                           "\t::3 \t Two one\r\n"
	                           "nonsense one\n"
	                           "10.0.0.4\n"
	                           "10.0.0.5 onetwo two#x\n"
	                           "10.0.0.6 two two";

	(void)state;
	assert_int_equal(hosts(text, "one"), 13);
	assert_int_equal(hosts(text, "ONE"), 13);
	assert_int_equal(hosts(text, "tWo"), 356);
	assert_int_equal(hosts(text, "one.example"), 1);
	assert_int_equal(hosts(text, "one.exampl"), 0);
	assert_int_equal(hosts(text, "example"), 0);
	assert_int_equal(hosts(text, ""), 0);
	assert_int_equal(hosts("", "one"), 0);
	/* The text need not end in a NUL. */
	{
		struct cidr_list list = { .count = 0 };

		resolve_conf_hosts(slice_make("10.0.0.1 oneself", 12),
		    slice_of("one"), &list);
		assert_int_equal(list.count, 1);
	}
}

static void
test_many_hosts(void **state)
{
	struct cidr_list list = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < 20; i++)
		resolve_conf_hosts(slice_of("10.0.0.1 x\n::2 x\n::3 x"),
		    slice_of("x"), &list);
	assert_int_equal(list.count, CIDR_LIST_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_many_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
