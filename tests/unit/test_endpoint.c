/* SPDX-License-Identifier: MIT */
/* Hosts and scopes of all partitions, and endpoints that users configure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/conf.h"
#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/err.h"
#include "unit/canned.h"
#include "unit/world.h"

static const char fips[] = "AWS_USE_FIPS_ENDPOINT=true";
static const char dual[] = "AWS_USE_DUALSTACK_ENDPOINT=true";
static const char legacy[] = "AWS_STS_REGIONAL_ENDPOINTS=legacy";

/* What the call gives with an environment: "host region" or the error. */
static void
look_up(const char *const *vars, const char *service, const char *region,
    char *out, size_t size)
{
	struct canned c;
	struct endpoint e = { .variant = false };
	struct buf text = { 0 };

	canned_open(&c, vars);
	if (endpoint_find(&e, c.conf, service, region, NULL, &c.err) != 0) {
		buf_puts(&text, err_kind_name(c.err.kind));
	} else {
		buf_puts(&text, e.url.tls ? "" : "http://");
		url_authority(&e.url, &text);
		buf_printf(&text, "%s %s", e.url.path, e.region);
		assert_string_equal(e.service, service);
	}
	snprintf(out, size, "%s", buf_str(&text));
	buf_free(&text);
	canned_close(&c);
}

static void
expect(const char *const *vars, const char *service, const char *region,
    const char *want)
{
	char got[512];

	look_up(vars, service, region, got, sizeof got);
	assert_string_equal(got, want);
}

/* A host name of the table: path and scope are the usual ones. */
static void
expect_host(const char *const *vars, const char *service, const char *region,
    const char *host)
{
	char want[512];

	if (strcmp(host, "error") == 0)
		snprintf(want, sizeof want, "endpoint_variant");
	else
		snprintf(want, sizeof want, "%s/ %s", host,
		    strcmp(region, "aws-global") == 0 ? "us-east-1" : region);
	expect(vars, service, region, want);
}

/* service, region; plain, FIPS, dual-stack, both: as botocore has them. */
static const char *const hosts[][6] = {
	{ "ssm", "us-east-1", "ssm.us-east-1.amazonaws.com",
	    "ssm-fips.us-east-1.amazonaws.com", "ssm.us-east-1.api.aws",
	    "ssm-fips.us-east-1.api.aws" },
	{ "sts", "us-east-1", "sts.us-east-1.amazonaws.com",
	    "sts-fips.us-east-1.amazonaws.com", "sts.us-east-1.api.aws",
	    "sts-fips.us-east-1.api.aws" },
	{ "ssm", "ca-west-1", "ssm.ca-west-1.amazonaws.com",
	    "ssm-fips.ca-west-1.amazonaws.com", "ssm.ca-west-1.api.aws",
	    "ssm-fips.ca-west-1.api.aws" },
	{ "ssm", "us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com",
	    "ssm.us-gov-west-1.amazonaws.com", "ssm.us-gov-west-1.api.aws",
	    "ssm-fips.us-gov-west-1.api.aws" },
	{ "sts", "us-gov-east-1", "sts.us-gov-east-1.amazonaws.com",
	    "sts.us-gov-east-1.amazonaws.com", "sts.us-gov-east-1.api.aws",
	    "sts-fips.us-gov-east-1.api.aws" },
	{ "ssm", "cn-north-1", "ssm.cn-north-1.amazonaws.com.cn",
	    "ssm-fips.cn-north-1.amazonaws.com.cn",
	    "ssm.cn-north-1.api.amazonwebservices.com.cn",
	    "ssm-fips.cn-north-1.api.amazonwebservices.com.cn" },
	{ "sts", "cn-northwest-1", "sts.cn-northwest-1.amazonaws.com.cn",
	    "sts-fips.cn-northwest-1.amazonaws.com.cn",
	    "sts.cn-northwest-1.api.amazonwebservices.com.cn",
	    "sts-fips.cn-northwest-1.api.amazonwebservices.com.cn" },
	{ "ssm", "us-iso-east-1", "ssm.us-iso-east-1.c2s.ic.gov",
	    "ssm-fips.us-iso-east-1.c2s.ic.gov",
	    "ssm.us-iso-east-1.api.aws.ic.gov",
	    "ssm-fips.us-iso-east-1.api.aws.ic.gov" },
	{ "ssm", "us-isob-east-1", "ssm.us-isob-east-1.sc2s.sgov.gov",
	    "ssm-fips.us-isob-east-1.sc2s.sgov.gov",
	    "ssm.us-isob-east-1.api.aws.scloud",
	    "ssm-fips.us-isob-east-1.api.aws.scloud" },
	{ "ssm", "eu-isoe-west-1", "ssm.eu-isoe-west-1.cloud.adc-e.uk",
	    "ssm-fips.eu-isoe-west-1.cloud.adc-e.uk", "error", "error" },
	{ "ssm", "us-isof-south-1", "ssm.us-isof-south-1.csp.hci.ic.gov",
	    "ssm-fips.us-isof-south-1.csp.hci.ic.gov", "error", "error" },
	{ "ssm", "eusc-de-east-1", "ssm.eusc-de-east-1.amazonaws.eu",
	    "ssm-fips.eusc-de-east-1.amazonaws.eu",
	    "ssm.eusc-de-east-1.api.amazonwebservices.eu",
	    "ssm-fips.eusc-de-east-1.api.amazonwebservices.eu" },
	{ "ssm", "us-mars-1", "ssm.us-mars-1.amazonaws.com",
	    "ssm-fips.us-mars-1.amazonaws.com", "ssm.us-mars-1.api.aws",
	    "ssm-fips.us-mars-1.api.aws" },
	{ "ssm", "xx-foo-1", "ssm.xx-foo-1.amazonaws.com",
	    "ssm-fips.xx-foo-1.amazonaws.com", "ssm.xx-foo-1.api.aws",
	    "ssm-fips.xx-foo-1.api.aws" },
	{ "sts", "aws-global", "sts.amazonaws.com",
	    "sts-fips.aws-global.amazonaws.com", "sts.aws-global.api.aws",
	    "sts-fips.aws-global.api.aws" },
	{ "ecs", "eu-west-1", "ecs.eu-west-1.amazonaws.com",
	    "ecs-fips.eu-west-1.amazonaws.com", "ecs.eu-west-1.api.aws",
	    "ecs-fips.eu-west-1.api.aws" },
	{ "ecs", "us-gov-west-1", "ecs.us-gov-west-1.amazonaws.com",
	    "ecs-fips.us-gov-west-1.amazonaws.com", "ecs.us-gov-west-1.api.aws",
	    "ecs-fips.us-gov-west-1.api.aws" },
};

static void
test_hosts_of_all_partitions(void **state)
{
	const char *const variants[4][3] = { { NULL }, { fips, NULL },
		{ dual, NULL }, { fips, dual, NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		for (size_t v = 0; v < 4; v++)
			expect_host(variants[v], hosts[i][0], hosts[i][1],
			    hosts[i][2 + v]);
	}
}

static void
test_legacy_sts(void **state)
{
	static const char *const global[] = { "us-west-2", "ap-south-1",
		"us-east-1", "sa-east-1", "aws-global" };
	static const char *const own[] = { "ca-west-1", "eu-central-2",
		"us-gov-west-1" };
	const char *const vars[] = { legacy, NULL };
	const char *const both[] = { legacy, fips, NULL };
	const char *const url[] = { legacy, "AWS_ENDPOINT_URL=http://[::1]:4",
		NULL };
	const char *const bad[] = { "AWS_STS_REGIONAL_ENDPOINTS=none", NULL };
	const char *const upper[] = { "AWS_STS_REGIONAL_ENDPOINTS=Legacy",
		NULL };
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof global / sizeof *global; i++)
		expect(vars, "sts", global[i], "sts.amazonaws.com/ us-east-1");
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		snprintf(want, sizeof want, "sts.%s.amazonaws.com/ %s", own[i],
		    own[i]);
		expect(vars, "sts", own[i], want);
	}
	expect(vars, "sts", "cn-north-1",
	    "sts.cn-north-1.amazonaws.com.cn/ cn-north-1");
	expect(vars, "ssm", "us-west-2",
	    "ssm.us-west-2.amazonaws.com/ us-west-2");
	expect(both, "sts", "us-west-2",
	    "sts-fips.us-west-2.amazonaws.com/ us-west-2");
	expect(url, "sts", "us-west-2", "http://[::1]:4/ us-west-2");
	expect(bad, "sts", "us-west-2", "config_error");
	expect(bad, "ssm", "us-west-2", "config_error");
	expect(upper, "sts", "us-west-2", "config_error");
}

static void
test_pseudo_regions(void **state)
{
	char plain[ENDPOINT_REGION_MAX + 1];

	(void)state;
	expect(NULL, "ssm", "fips-us-east-2",
	    "ssm-fips.us-east-2.amazonaws.com/ us-east-2");
	expect(NULL, "ssm", "us-gov-east-1-fips",
	    "ssm.us-gov-east-1.amazonaws.com/ us-gov-east-1");
	assert_true(endpoint_plain_region("fips-us-east-2", plain));
	assert_string_equal(plain, "us-east-2");
	assert_false(endpoint_plain_region("us-east-2", plain));
	assert_string_equal(plain, "us-east-2");
}

static void
test_region_names(void **state)
{
	static const char *const good[] = { "us-east-1", "a", "a1", "x-1-y",
		"us-isob-east-1", "aws-global" };
	static const char *const bad[] = { "", "US-EAST-1", "us-east-1.evil",
		"us_east_1", "-us", "us-", "1us", "us east", "us/east", "us@x",
		"us-east-1\n", "\xc3\xa9u-west-1", "us-east-1:443", "*" };
	char longest[ENDPOINT_REGION_MAX + 2];
	struct err err = { 0 };

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(endpoint_check_region(longest, "x", &err), -1);
	longest[ENDPOINT_REGION_MAX] = '\0';
	assert_int_equal(endpoint_check_region(longest, "x", NULL), 0);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_int_equal(endpoint_check_region(good[i], "x", &err), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err_clear(&err);
		assert_int_equal(endpoint_check_region(bad[i], "AWS_REGION",
		                     &err),
		    -1);
		assert_int_equal(err.kind, ERR_KIND_INVALID_REGION);
		assert_non_null(strstr(err.msg, "AWS_REGION"));
		expect(NULL, "ssm", bad[i], "invalid_region");
	}
}

/* Names below a domain of AWS are whole, whoever gave them. */
static void
test_whole_names(void **state)
{
	static const struct {
		const char *url;
		bool whole;
	} rows[] = {
		{ "", true },
		{ "https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com", true },
		{ "https://ssm.cn-north-1.amazonaws.com.cn", true },
		{ "https://SSM.eu-west-1.API.AWS/x", true },
		{ "https://proxy.example.com.", true },
		{ "https://proxy.example.com", false },
		{ "https://notamazonaws.com", false },
		{ "https://amazonaws.com", false },
		{ "https://amazonaws.com.example", false },
		{ "https://127.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char var[128];
		const char *const vars[] = { var, NULL };
		struct endpoint e = { 0 };
		struct canned c;

		snprintf(var, sizeof var, "AWS_ENDPOINT_URL=%s", rows[i].url);
		canned_open(&c, vars);
		assert_int_equal(endpoint_find(&e, c.conf, "ssm", "eu-west-1",
		                     NULL, &c.err),
		    0);
		assert_int_equal(e.url.whole, rows[i].whole);
		canned_close(&c);
	}
}

static void
test_partition_names(void **state)
{
	static const char *const pairs[][2] = { { "us-east-1", "aws" },
		{ "mx-central-1", "aws" }, { "cn-north-1", "aws-cn" },
		{ "us-gov-west-1", "aws-us-gov" },
		{ "us-iso-west-1", "aws-iso" },
		{ "us-isob-east-1", "aws-iso-b" },
		{ "eu-isoe-west-1", "aws-iso-e" },
		{ "us-isof-south-1", "aws-iso-f" },
		{ "eusc-de-east-1", "aws-eusc" }, { "aws-cn-global", "aws-cn" },
		{ "fips-us-gov-west-1", "aws-us-gov" }, { "xx", "aws" },
		{ "us-gov-", "aws" }, { "cn-north-x", "aws" } };

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_string_equal(endpoint_partition(pairs[i][0]),
		    pairs[i][1]);
}

static void
test_order_of_variables(void **state)
{
	const char *const all[] = { "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_SSM=http://127.0.0.1:2",
		"AWS_ENDPOINT_URL_STS=http://127.0.0.1:3",
		"AWS_ENDPOINT_URL_ECS=http://127.0.0.1:4", NULL };
	const char *const ignored[] = { "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE", NULL };
	const char *const one[] = { "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_ENDPOINT_URL_SSM=", NULL };

	(void)state;
	expect(all, "ssm", "eu-west-1", "http://127.0.0.1:2/ eu-west-1");
	expect(all, "sts", "eu-west-1", "http://127.0.0.1:3/ eu-west-1");
	expect(all, "ecs", "eu-west-1", "http://127.0.0.1:4/ eu-west-1");
	expect(one, "ssm", "eu-west-1", "http://127.0.0.1:1/ eu-west-1");
	expect(one, "sts", "aws-global", "http://127.0.0.1:1/ us-east-1");
	expect(ignored, "ssm", "eu-west-1",
	    "ssm.eu-west-1.amazonaws.com/ eu-west-1");
}

static void
test_forms_of_urls(void **state)
{
	static const char *const urls[][2] = {
		{ "https://h.example:443", "h.example/ eu-west-1" },
		{ "http://H.Example:80/", "http://h.example/ eu-west-1" },
		{ "https://h.example:80", "h.example:80/ eu-west-1" },
		{ "http://127.0.0.1:4566/base/x",
		    "http://127.0.0.1:4566/base/x eu-west-1" },
		{ "http://[::1]:4566", "http://[::1]:4566/ eu-west-1" },
		{ "h.example", "invalid_value" },
		{ "ftp://h.example", "invalid_value" },
		{ "http://", "invalid_value" },
		{ "http://u:p@h.example", "invalid_value" },
		{ "http://h.example/?a=b", "invalid_value" },
		{ "http://h.example/?", "invalid_value" },
		{ "http://h.example/#f", "invalid_value" },
		{ "http://h.example\t", "invalid_value" },
		{ "http://h_x.example", "invalid_value" },
		{ "http://h.example:0", "invalid_value" },
	};
	char var[256];

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		const char *const vars[] = { var, NULL };

		snprintf(var, sizeof var, "AWS_ENDPOINT_URL=%s", urls[i][0]);
		expect(vars, "ssm", "eu-west-1", urls[i][1]);
	}
}

static void
test_url_excludes_variants(void **state)
{
	const char *const with_fips[] = { fips,
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", NULL };
	const char *const with_dual[] = { dual,
		"AWS_ENDPOINT_URL=http://127.0.0.1:1", NULL };

	(void)state;
	expect(with_fips, "ssm", "eu-west-1", "endpoint_variant");
	expect(with_dual, "ssm", "eu-west-1", "endpoint_variant");
}

/* From a profile: services section, then the profile's own URL. */
static void
test_profile(void **state)
{
	static const char config[] =
	    "[default]\nservices = mine\nendpoint_url = http://127.0.0.1:9\n"
	    "[profile lost]\nservices = none\n"
	    "[profile not]\nendpoint_url = http://127.0.0.1:9\n"
	    "ignore_configured_endpoint_urls = true\n"
	    "[services mine]\nssm =\n  endpoint_url = http://127.0.0.1:8\n";
	struct world w;
	struct endpoint e;

	(void)state;
	world_make(&w);
	world_file(&w, ".aws/config", config);
	assert_int_equal(world_open(&w, NULL), 0);
	assert_int_equal(endpoint_find(&e, w.conf, "ssm", "eu-west-1", NULL,
	                     &w.err),
	    0);
	assert_int_equal(e.url.port, 8);
	assert_true(e.configured);
	assert_int_equal(endpoint_find(&e, w.conf, "sts", "eu-west-1", NULL,
	                     &w.err),
	    0);
	assert_int_equal(e.url.port, 9);
	assert_int_equal(world_open(&w, "lost"), 0);
	assert_int_equal(endpoint_find(&e, w.conf, "ssm", "eu-west-1", NULL,
	                     &w.err),
	    -1);
	assert_int_equal(w.err.kind, ERR_KIND_CONFIG);
	assert_int_equal(world_open(&w, "not"), 0);
	assert_int_equal(endpoint_find(&e, w.conf, "ssm", "eu-west-1", NULL,
	                     &w.err),
	    0);
	assert_false(e.configured);
	world_set(&w, "AWS_ENDPOINT_URL=http://127.0.0.1:7");
	assert_int_equal(world_open(&w, NULL), 0);
	assert_int_equal(endpoint_find(&e, w.conf, "ssm", "eu-west-1", NULL,
	                     &w.err),
	    0);
	assert_int_equal(e.url.port, 7);
	world_free(&w);
}

/* The flag wins over everything and is not ignored. */
static void
test_flag_wins_over_everything(void **state)
{
	const char *const vars[] = { "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true",
		"AWS_ENDPOINT_URL_SSM=http://127.0.0.1:2", NULL };
	struct canned c;
	struct endpoint e;

	(void)state;
	canned_open(&c, vars);
	assert_int_equal(endpoint_find(&e, c.conf, "ssm", "eu-west-1",
	                     "http://127.0.0.1:5/x", &c.err),
	    0);
	assert_int_equal(e.url.port, 5);
	assert_string_equal(e.url.path, "/x");
	assert_int_equal(endpoint_find(&e, c.conf, "ssm", "eu-west-1", NULL,
	                     &c.err),
	    0);
	assert_string_equal(e.url.host, "ssm.eu-west-1.amazonaws.com");
	canned_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hosts_of_all_partitions),
		cmocka_unit_test(test_legacy_sts),
		cmocka_unit_test(test_pseudo_regions),
		cmocka_unit_test(test_region_names),
		cmocka_unit_test(test_whole_names),
		cmocka_unit_test(test_partition_names),
		cmocka_unit_test(test_order_of_variables),
		cmocka_unit_test(test_forms_of_urls),
		cmocka_unit_test(test_url_excludes_variants),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_flag_wins_over_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
