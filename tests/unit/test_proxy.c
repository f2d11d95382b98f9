/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "net/proxy.h"

enum { VARS_MAX = 4 };

/* An environment, an URL, and the proxy that goes with them. */
struct sample {
	const char *vars[VARS_MAX];
	const char *url;
	const char *host; /* NULL = no proxy */
	uint16_t port;
	const char *auth;
};

static int
choose(struct proxy *out, const struct sample *sample, struct err *err)
{
	char *vars[VARS_MAX + 1] = { NULL };
	struct url url;

	for (size_t i = 0; i < VARS_MAX && sample->vars[i] != NULL; i++)
		vars[i] = (char *)(uintptr_t)sample->vars[i];
	if (url_parse(&url, sample->url, NULL) != 0)
		fail_msg("%s", sample->url);
	return proxy_choose(out, &url, (struct env){ vars }, err);
}

static void
check(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[i];
		struct err err = { 0 };
		struct proxy proxy = { 0 };

		if (choose(&proxy, s, &err) != 0)
			fail_msg("%s, %s: %s", s->vars[0], s->url, err.msg);
		if (proxy.used != (s->host != NULL))
			fail_msg("%s, %s: used %d", s->vars[0], s->url,
			    proxy.used);
		if (s->host == NULL)
			continue;
		assert_string_equal(proxy.host, s->host);
		assert_int_equal(proxy.port, s->port);
		assert_string_equal(proxy.auth, s->auth != NULL ? s->auth : "");
	}
}

#define CHECK(samples) check((samples), sizeof(samples) / sizeof(samples)[0])

static void
test_variables(void **state)
{
	static const struct sample samples[] = {
		{ { "HTTPS_PROXY=http://p:1" }, "https://h", "p", 1, NULL },
		{ { "https_proxy=http://p:1" }, "https://h", "p", 1, NULL },
		{ { "HTTPS_PROXY=http://up:1", "https_proxy=http://low:2" },
		    "https://h", "low", 2, NULL },
		/* Set but empty in lower case: switched off. */
		{ { "HTTPS_PROXY=http://up:1", "https_proxy=" }, "https://h",
		    NULL, 0, NULL },
		{ { "HTTPS_PROXY=" }, "https://h", NULL, 0, NULL },
		{ { "HTTP_PROXY=http://p:1" }, "https://h", NULL, 0, NULL },
		{ { "HTTPS_PROXY=http://p:1" }, "http://h", NULL, 0, NULL },
		{ { "HTTP_PROXY=http://p:1" }, "http://h", "p", 1, NULL },
		{ { "http_proxy=http://p:1" }, "http://h", "p", 1, NULL },
		{ { "HTTP_PROXY=http://p:1", "REQUEST_METHOD=GET" }, "http://h",
		    NULL, 0, NULL },
		{ { "http_proxy=http://p:1", "REQUEST_METHOD=GET" }, "http://h",
		    "p", 1, NULL },
		{ { "ALL_PROXY=http://p:1", "all_proxy=http://p:1" },
		    "https://h", NULL, 0, NULL },
		{ { NULL }, "https://h", NULL, 0, NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_values(void **state)
{
	static const struct sample samples[] = {
		{ { "https_proxy=p" }, "https://h", "p", 80, NULL },
		{ { "https_proxy=p:3128" }, "https://h", "p", 3128, NULL },
		{ { "https_proxy=//p:3128" }, "https://h", "p", 3128, NULL },
		{ { "https_proxy=HTTP://P.Example:3128/" }, "https://h",
		    "p.example", 3128, NULL },
		{ { "https_proxy=http://p:3128/some/path" }, "https://h", "p",
		    3128, NULL },
		{ { "https_proxy= http://p:3128 " }, "https://h", "p", 3128,
		    NULL },
		{ { "https_proxy=http://[fd00::1]:3128" }, "https://h",
		    "fd00::1", 3128, NULL },
		{ { "https_proxy=127.0.0.1:3128" }, "https://h", "127.0.0.1",
		    3128, NULL },
		{ { "https_proxy=http://squid_proxy:3128" }, "https://h",
		    "squid_proxy", 3128, NULL },
		{ { "http_proxy=_p_.corp_net.:3128" }, "http://h",
		    "_p_.corp_net.", 3128, NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_user_and_password(void **state)
{
	static const struct sample samples[] = {
		{ { "https_proxy=http://us%40er:p%3Aw@p:1" }, "https://h", "p",
		    1, "Basic dXNAZXI6cDp3" },
		{ { "https_proxy=user:pass@p:1" }, "https://h", "p", 1,
		    "Basic dXNlcjpwYXNz" },
		{ { "https_proxy=http://a@b:c@p:1" }, "https://h", "p", 1,
		    "Basic YUBiOmM=" },
		{ { "https_proxy=http://a:b:c@p:1" }, "https://h", "p", 1,
		    "Basic YTpiOmM=" },
		/* Not an escape: it stands for itself. */
		{ { "https_proxy=http://a:%zz%4@p:1" }, "https://h", "p", 1,
		    "Basic YTolenolNA==" },
		/* Only both together count. */
		{ { "https_proxy=http://user@p:1" }, "https://h", "p", 1,
		    NULL },
		{ { "https_proxy=http://user:@p:1" }, "https://h", "p", 1,
		    NULL },
		{ { "https_proxy=http://:pass@p:1" }, "https://h", "p", 1,
		    NULL },
		{ { "https_proxy=http://@p:1" }, "https://h", "p", 1, NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_names_without_proxy(void **state)
{
	static const struct sample samples[] = {
		{ { "https_proxy=p", "no_proxy=a.com" }, "https://a.com", NULL,
		    0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com" }, "https://x.y.a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com" }, "https://xa.com", "p",
		    80, NULL },
		{ { "https_proxy=p", "no_proxy=a.com" }, "https://a.com.x", "p",
		    80, NULL },
		/* A dot behind a name says only that the name is whole. */
		{ { "https_proxy=p", "no_proxy=a.com" }, "https://x.a.com.",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com." }, "https://a.com", NULL,
		    0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com.:81" },
		    "https://a.com.:81", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=..a.com" }, "https://a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=.A.Com" }, "https://x.a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=x, a.com ,y" }, "https://a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=x a.com\ty" }, "https://a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=x\ta.com" }, "https://a.com",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com:8080" }, "https://a.com",
		    "p", 80, NULL },
		{ { "https_proxy=p", "no_proxy=a.com:8080" },
		    "https://a.com:8080", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=a.com:443" }, "https://a.com",
		    "p", 80, NULL },
		{ { "https_proxy=p", "no_proxy=[fd01::1]:81,[fd01::2]" },
		    "https://[fd01::1]:81", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=[fd01::1]:81,[fd01::2]" },
		    "https://[fd01::1]", "p", 80, NULL },
		{ { "https_proxy=p", "no_proxy=[fd01::1]:81,[fd01::2]" },
		    "https://[fd01::2]", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=*" }, "https://a.com", NULL, 0,
		    NULL },
		{ { "https_proxy=p", "no_proxy= * " }, "https://a.com", NULL, 0,
		    NULL },
		{ { "https_proxy=p", "no_proxy=*,x" }, "https://a.com", "p", 80,
		    NULL },
		{ { "https_proxy=p", "no_proxy=, ,.," }, "https://a.com", "p",
		    80, NULL },
		{ { "https_proxy=p", "NO_PROXY=a.com" }, "https://a.com", NULL,
		    0, NULL },
		{ { "https_proxy=p", "NO_PROXY=a.com", "no_proxy=" },
		    "https://a.com", "p", 80, NULL },
		{ { "https_proxy=p", "NO_PROXY=a.com", "no_proxy=b.com" },
		    "https://a.com", "p", 80, NULL },
		{ { "http_proxy=p", "no_proxy=a.com" }, "http://a.com", NULL, 0,
		    NULL },
		/* What is exempt does not need a proxy that makes sense. */
		{ { "https_proxy=socks5://p", "no_proxy=a.com" },
		    "https://a.com", NULL, 0, NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_addresses_without_proxy(void **state)
{
	static const struct sample samples[] = {
		{ { "https_proxy=p", "no_proxy=10.0.0.0/8" },
		    "https://10.1.2.3", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=10.0.0.0/8" },
		    "https://11.1.2.3", "p", 80, NULL },
		{ { "https_proxy=p", "no_proxy=10.1.2.3" }, "https://10.1.2.3",
		    NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=10.1.2.3:444" },
		    "https://10.1.2.3:444", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=2.3" }, "https://10.1.2.3", "p",
		    80, NULL },
		{ { "https_proxy=p", "no_proxy=2001:db8::/32" },
		    "https://[2001:db8::7]", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=2001:db8::7" },
		    "https://[2001:db8::7]", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=[2001:db8::7]:444" },
		    "https://[2001:db8::7]:444", NULL, 0, NULL },
		{ { "https_proxy=p", "no_proxy=2001:db8::/32" },
		    "https://[2001:db9::7]", "p", 80, NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_local_hosts_never(void **state)
{
	static const struct sample samples[] = {
		{ { "http_proxy=p" }, "http://127.0.0.1:8080", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://localhost", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://[::1]", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://169.254.170.2", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://[fe80::1]", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://[fd00:ec2::254]", NULL, 0, NULL },
		{ { "http_proxy=p" }, "http://[fd00::1]", "p", 80, NULL },
		{ { "http_proxy=p" }, "http://10.0.0.1", "p", 80, NULL },
		{ { "https_proxy=socks5://p" }, "https://localhost", NULL, 0,
		    NULL },
	};

	(void)state;
	CHECK(samples);
}

static void
test_refuses_other_values(void **state)
{
	static const char *const values[] = { "https://secret:secret@p:1",
		"socks5://secret@p:1", "socks4a://p", "ftp://p",
		"http://secret:secret@", "http://", "http:///", "http://p:0",
		"http://p:70000", "http://p:x", "http://p q", "http://p#x",
		"http://p\r\nX: secret", "http://[::1", "http://.p" };
	char var[128];

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct sample sample = { { var }, "https://h", NULL, 0, NULL };
		struct proxy proxy = { .port = 7 };
		struct err err = { 0 };

		(void)snprintf(var, sizeof var, "HTTPS_PROXY=%s", values[i]);
		if (choose(&proxy, &sample, &err) == 0)
			fail_msg("accepted: %s", values[i]);
		assert_int_equal(err.kind, ERR_KIND_PROXY);
		assert_non_null(strstr(err.msg, "HTTPS_PROXY"));
		assert_null(strstr(err.msg, "secret"));
		assert_int_equal(proxy.port, 7);
	}
}

static void
test_limit_of_the_credentials(void **state)
{
	/* "Basic " and four characters for three bytes, 511 at most. */
	enum { MOST = (PROXY_AUTH_MAX - 1 - 6) / 4 * 3 };
	struct sample sample = { { NULL }, "https://h", NULL, 0, NULL };
	struct proxy proxy = { 0 };
	struct err err = { 0 };
	char var[1024];

	(void)state;
	sample.vars[0] = var;
	(void)snprintf(var, sizeof var, "https_proxy=u:%0*d@p", MOST - 2, 0);
	assert_int_equal(choose(&proxy, &sample, &err), 0);
	assert_int_equal(strlen(proxy.auth), MOST / 3 * 4 + 6);
	(void)snprintf(var, sizeof var, "https_proxy=u:%0*d@p", MOST - 1, 0);
	assert_int_equal(choose(&proxy, &sample, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_PROXY);
}

static void
test_advice_for_407(void **state)
{
	struct proxy proxy = { .used = true, .port = 3128, .host = "p" };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(proxy_refused(&proxy, true, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_PROXY);
	assert_non_null(strstr(err.msg, "407"));
	assert_non_null(strstr(err.fix, "https_proxy=http://"));
	proxy_wipe(&proxy);
	assert_int_equal(proxy.port, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_user_and_password),
		cmocka_unit_test(test_names_without_proxy),
		cmocka_unit_test(test_addresses_without_proxy),
		cmocka_unit_test(test_local_hosts_never),
		cmocka_unit_test(test_refuses_other_values),
		cmocka_unit_test(test_limit_of_the_credentials),
		cmocka_unit_test(test_advice_for_407),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
