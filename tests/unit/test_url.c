/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "net/url.h"

#define LABEL_63 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct good {
	const char *text;
	const char *host;
	const char *path;
	const char *authority;
	uint16_t port;
	bool tls;
	bool literal;
};

static const struct good accepted[] = {
	{ "https://ssm.eu-west-1.amazonaws.com", "ssm.eu-west-1.amazonaws.com",
	    "", "ssm.eu-west-1.amazonaws.com", 443, true, false },
	{ "http://localhost/", "localhost", "/", "localhost", 80, false,
	    false },
	{ "HTTPS://Example.COM:8443/Base/x", "example.com", "/Base/x",
	    "example.com:8443", 8443, true, false },
	{ "https://a:443", "a", "", "a", 443, true, false },
	{ "http://a:443", "a", "", "a:443", 443, false, false },
	{ "https://a:80", "a", "", "a:80", 80, true, false },
	{ "http://a:1", "a", "", "a:1", 1, false, false },
	{ "http://a:65535", "a", "", "a:65535", 65535, false, false },
	{ "http://127.0.0.1:4566", "127.0.0.1", "", "127.0.0.1:4566", 4566,
	    false, true },
	{ "http://[FD00:EC2::23]/v1", "fd00:ec2::23", "/v1", "[fd00:ec2::23]",
	    80, false, true },
	{ "https://[::1]:8443/", "::1", "/", "[::1]:8443", 8443, true, true },
	{ "http://h?a=b&c=/d", "h", "?a=b&c=/d", "h", 80, false, false },
	{ "http://h/p?q=a@b:c", "h", "/p?q=a@b:c", "h", 80, false, false },
	{ "http://a-b.0c.d1", "a-b.0c.d1", "", "a-b.0c.d1", 80, false, false },
	{ "https://ssm.eu-west-1.amazonaws.com./",
	    "ssm.eu-west-1.amazonaws.com.", "/", "ssm.eu-west-1.amazonaws.com.",
	    443, true, false },
	{ "http://a.:81", "a.", "", "a.:81", 81, false, false },
	{ "http://" LABEL_63, LABEL_63, "", LABEL_63, 80, false, false },
};

static void
test_accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		const struct good *want = &accepted[i];
		struct buf authority = { 0 };
		struct err err = { 0 };
		struct url url;

		if (url_parse(&url, want->text, &err) != 0)
			fail_msg("%s: %s", want->text, err.msg);
		assert_int_equal(url.tls, want->tls);
		assert_int_equal(url.port, want->port);
		assert_string_equal(url.host, want->host);
		assert_string_equal(url.path, want->path);
		assert_int_equal(url.literal, want->literal);
		url_authority(&url, &authority);
		assert_string_equal(buf_str(&authority), want->authority);
		buf_free(&authority);
	}
}

static const char *const refused[] = {
	"",
	"https",
	"https:",
	"https:/",
	"https://",
	"https:///x",
	"ssm.amazonaws.com",
	"//ssm.amazonaws.com",
	"ftp://a",
	"httpss://a",
	" http://a",
	"http://a ",
	"http://a b",
	"http://a/\r\nX: y",
	"http://a/\n",
	"http://a/\t",
	"http://a/\x01",
	"http://a/\x7f",
	"http://a/\xc3\xa9",
	"http://\xc3\xa9/",
	"http://user@a",
	"http://user:secret@a/",
	"http://@a/",
	"http://a#b",
	"http://a/#",
	"http://a:",
	"http://a:0",
	"http://a:65536",
	"http://a:99999999999999999999",
	"http://a:-1",
	"http://a:80a",
	"http://a:80:80",
	"http://:80",
	"http://.a",
	"http://a..b",
	"http://.",
	"http://a..",
	"http://127.0.0.1.",
	"http://0x7f000001.",
	"http://a_b",
	"http://a%20b",
	"http://*.a",
	"http://1.2.3",
	"http://1.2.3.4.5",
	"http://1.2.3.256",
	"http://127.1",
	"http://2130706433",
	"http://0x7f000001",
	"http://1.2.3.0x4",
	"http://a.0X7F",
	"http://::1",
	"http://[::1",
	"http://[]",
	"http://[::1]x",
	"http://[::1]:",
	"http://[::1]:0",
	"http://[1.2.3.4]",
	"http://[fe80::1%25eth0]",
	"http://[fe80::1%eth0]",
	"http://[localhost]",
	"http://a]",
};

static void
test_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct err err = { 0 };
		struct url url = { .port = 7 };

		if (url_parse(&url, refused[i], &err) == 0)
			fail_msg("accepted: %s", refused[i]);
		assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
		assert_true(err.msg[0] != '\0');
		assert_null(strstr(err.msg, "secret"));
		/* An output changes on success only. */
		assert_int_equal(url.port, 7);
	}
}

/* "http://" and as many times "a." as it takes, "a" at the end. */
static void
long_host(char *text, size_t host_len)
{
	size_t at = 7;

	memcpy(text, "http://", at);
	for (size_t i = 0; i < host_len; i++)
		text[at + i] = i % 2 == 0 ? 'a' : '.';
	text[at + host_len] = '\0';
}

static void
test_limit_of_the_host(void **state)
{
	char text[7 + URL_HOST_MAX + 3];
	struct url url;

	(void)state;
	long_host(text, URL_HOST_MAX);
	assert_int_equal(url_parse(&url, text, NULL), 0);
	assert_int_equal(strlen(url.host), URL_HOST_MAX);
	long_host(text, URL_HOST_MAX + 2);
	assert_int_equal(url_parse(&url, text, NULL), -1);
}

static void
test_limit_of_a_label(void **state)
{
	struct url url;

	(void)state;
	assert_int_equal(url_parse(&url, "http://" LABEL_63, NULL), 0);
	assert_int_equal(url_parse(&url, "http://" LABEL_63 "a", NULL), -1);
	assert_int_equal(url_parse(&url, "http://b." LABEL_63 "a", NULL), -1);
}

static void
test_limit_of_the_path(void **state)
{
	char text[8 + URL_PATH_MAX + 2];
	struct url url;

	(void)state;
	memcpy(text, "http://a", 8);
	memset(&text[8], '/', URL_PATH_MAX + 1);
	text[8 + URL_PATH_MAX] = '\0';
	assert_int_equal(url_parse(&url, text, NULL), 0);
	assert_int_equal(strlen(url.path), URL_PATH_MAX);
	text[8 + URL_PATH_MAX] = '/';
	text[8 + URL_PATH_MAX + 1] = '\0';
	assert_int_equal(url_parse(&url, text, NULL), -1);
}

static void
test_loopback_and_local(void **state)
{
	static const char *const loopback[] = { "localhost", "LOCALHOST",
		"localhost.", "127.0.0.1", "127.255.1.1", "::1",
		"::ffff:127.0.0.1" };
	static const char *const local[] = { "169.254.170.2", "169.254.169.254",
		"fe80::1", "febf::1", "fd00:ec2::254" };
	static const char *const remote[] = { "example.com", "128.0.0.1",
		"10.0.0.1", "169.255.0.1", "fec0::1", "fd00:ec3::1", "::2",
		"localhost.example.com", "notlocalhost", "localhost..", ".",
		"" };

	(void)state;
	for (size_t i = 0; i < sizeof loopback / sizeof loopback[0]; i++) {
		assert_true(url_is_loopback(loopback[i]));
		assert_true(url_is_local(loopback[i]));
	}
	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
		assert_false(url_is_loopback(local[i]));
		assert_true(url_is_local(local[i]));
	}
	for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
		assert_false(url_is_loopback(remote[i]));
		assert_false(url_is_local(remote[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limit_of_the_host),
		cmocka_unit_test(test_limit_of_a_label),
		cmocka_unit_test(test_limit_of_the_path),
		cmocka_unit_test(test_loopback_and_local),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
