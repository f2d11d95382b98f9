/* SPDX-License-Identifier: MIT */
#include "aws/endpoint.h"

#include <stddef.h>

#include "aws/conf.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

/*
 * Which partition a region belongs to, and the domains of its services: the
 * "partitions" data that every AWS SDK carries.
 */
struct partition {
	char name[11];  /* "aws-cn" */
	char prefix[8]; /* of its regions: PREFIX-WORD-DIGITS */
	char dns[17];   /* domain: SERVICE.REGION.dns */
	char dual[29];  /* the same for dual-stack names; "" = none */
	bool own_roots; /* its certificates lead to private roots */
};

/*
 * The first one, whose regions have many prefixes, is the fallback.
 * Dual-stack names of aws-iso-e and aws-iso-f are left out because the SDKs'
 * endpoint data refuses them.
 */
static const struct partition partitions[] = {
	{ "aws", "", "amazonaws.com", "api.aws", false },
	{ "aws-cn", "cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn",
	    false },
	{ "aws-us-gov", "us-gov", "amazonaws.com", "api.aws", false },
	{ "aws-iso", "us-iso", "c2s.ic.gov", "api.aws.ic.gov", true },
	{ "aws-iso-b", "us-isob", "sc2s.sgov.gov", "api.aws.scloud", true },
	{ "aws-iso-e", "eu-isoe", "cloud.adc-e.uk", "", true },
	{ "aws-iso-f", "us-isof", "csp.hci.ic.gov", "", true },
	{ "aws-eusc", "eusc-de", "amazonaws.eu", "api.amazonwebservices.eu",
	    false },
};

/* PREFIX-WORD-DIGITS, cut up from the end, as words hold no '-'; or the
 * pseudo region of global services, NAME-global. */
static bool
holds_region(const struct partition *p, struct slice region)
{
	struct slice head, number, prefix, word;

	if (!slice_rsplit(region, '-', &head, &number))
		return false;
	if (slice_eq(head, p->name) && slice_eq(number, "global"))
		return true;
	return slice_rsplit(head, '-', &prefix, &word) && word.len > 0 &&
	       slice_eq(prefix, p->prefix) &&
	       slice_all_in(number, "0123456789");
}

static const struct partition *
find_partition(const char *region)
{
	for (size_t i = 1; i < sizeof partitions / sizeof *partitions; i++)
		if (holds_region(&partitions[i], slice_of(region)))
			return &partitions[i];
	return &partitions[0];
}

static const char global[] = "aws-global";

/* Regions that the legacy mode of STS sends to its global host. */
static const char legacy_regions[] =
    "ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 aws-global "
    "ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 "
    "sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2";

/* What a service and a region lead to, before a host is made of it. */
struct place {
	const struct partition *partition;
	const char *service;
	char region[ENDPOINT_REGION_MAX + 1];
	bool fips;
	bool dual;
	bool sts;
};

static bool
is_region(struct slice s)
{
	return s.len <= ENDPOINT_REGION_MAX &&
	       slice_all_in(s, "abcdefghijklmnopqrstuvwxyz0123456789-") &&
	       s.ptr[0] >= 'a' && !slice_ends(s, "-");
}

int
endpoint_check_region(const char *region, const char *from, struct err *err)
{
	char shown[ENDPOINT_REGION_MAX + 1];
	struct slice s = slice_of(region);

	if (is_region(s))
		return 0;
	err_clean(shown, sizeof shown, s.ptr, s.len);
	err_set(err, ERR_KIND_INVALID_REGION,
	    "\"%s\" from %s is not the name of a region", shown, from);
	err_fix(err, "set %s to a name such as eu-central-1", from);
	return -1;
}

bool
endpoint_plain_region(const char *region,
    char out[static ENDPOINT_REGION_MAX + 1])
{
	struct slice s = slice_of(region);
	bool fips = true;

	if (slice_starts(s, "fips-") && s.len > 5)
		s = slice_skip(s, 5);
	else if (slice_ends(s, "-fips") && s.len > 5)
		s = slice_head(s, s.len - 5);
	else
		fips = false;
	slice_copy(s, out, ENDPOINT_REGION_MAX + 1);
	return fips;
}

const char *
endpoint_partition(const char *region)
{
	char plain[ENDPOINT_REGION_MAX + 1];

	endpoint_plain_region(region, plain);
	return find_partition(plain)->name;
}

bool
endpoint_own_roots(const char *region)
{
	char plain[ENDPOINT_REGION_MAX + 1];

	endpoint_plain_region(region, plain);
	return find_partition(plain)->own_roots;
}

/*
 * The URL that the user gave for the service, or NULL.  from tells the
 * messages which setting to mend.
 */
static int
configured_url(const struct conf *conf, const char *service, const char **url,
    const char **from, struct err *err)
{
	/* Those of single services, then that of all. */
	static const char variables[][29] = { "AWS_ENDPOINT_URL_SSM",
		"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_ECS",
		"AWS_ENDPOINT_URL_SSMMESSAGES", "AWS_ENDPOINT_URL" };
	const size_t all = sizeof variables / sizeof *variables - 1;

	if (conf_true(conf, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
	        "ignore_configured_endpoint_urls"))
		return 0;
	for (size_t i = 0; i <= all && *url == NULL; i++) {
		*from = variables[i];
		if (i == all ||
		    slice_eq_nocase(slice_skip(slice_of(*from), 17), service))
			*url = conf_get(conf, *from, NULL);
	}
	if (*url != NULL)
		return 0;
	*from = "endpoint_url";
	if (conf_service(conf, service, *from, url, err) != 0)
		return -1;
	if (*url == NULL)
		*url = conf_get(conf, NULL, *from);
	return 0;
}

static int
use_url(struct endpoint *out, const char *url, const char *from,
    const struct place *place, struct err *err)
{
	if (place->fips || place->dual) {
		return err_set(err, ERR_KIND_ENDPOINT_VARIANT,
		    "%s gives an URL, and %s endpoints are asked for too: "
		    "keep one of the two",
		    from, place->fips ? "FIPS" : "dual-stack");
	}
	if (url_parse(&out->url, url, err) != 0)
		return err_wrap(err, from);
	if (slice_has(slice_of(out->url.path), '?'))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s: %.200s: an endpoint has no query", from, url);
	out->configured = true;
	return 0;
}

/* The URL that the endpoint rules of the SDKs give. */
static int
use_real(struct endpoint *out, const struct place *p, struct err *err)
{
	bool gov = slice_eq(slice_of(p->partition->name), "aws-us-gov");
	bool ecs = slice_eq(slice_of(p->service), "ecs");
	/* GovCloud's ordinary names of SSM and STS are FIPS names already. */
	bool suffix = p->fips && (p->dual || ecs || !gov);
	struct buf url = { 0 };
	int rc;

	out->variant = p->fips || p->dual;
	if (p->dual && p->partition->dual[0] == '\0') {
		return err_set(err, ERR_KIND_ENDPOINT_VARIANT,
		    "partition %s has no dual-stack endpoints",
		    p->partition->name);
	}
	if (p->sts && !out->variant && slice_eq(slice_of(p->region), global)) {
		buf_puts(&url, "https://sts.amazonaws.com");
	} else {
		buf_printf(&url, "https://%s%s.%s.%s", p->service,
		    suffix ? "-fips" : "", p->region,
		    p->dual ? p->partition->dual : p->partition->dns);
	}
	rc = url_parse(&out->url, buf_str(&url), err);
	buf_free(&url);
	return rc;
}

/*
 * STS alone has a host for the whole world, in a region of its own; may says
 * whether that is possible here.  A wrong setting is wrong for everybody.
 */
static int
legacy_sts(const struct conf *conf, struct place *place, bool may,
    struct err *err)
{
	const char *mode = conf_get(conf, "AWS_STS_REGIONAL_ENDPOINTS",
	    "sts_regional_endpoints");

	if (mode == NULL || slice_eq(slice_of(mode), "regional"))
		return 0;
	if (!slice_eq(slice_of(mode), "legacy")) {
		return conf_refuse(conf,
		    &(struct conf_wrong){ ERR_KIND_CONFIG, NULL,
		        "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints",
		        "regional or legacy" },
		    err);
	}
	if (may && !place->fips && !place->dual &&
	    slice_names(legacy_regions, place->region))
		slice_copy(slice_of(global), place->region,
		    sizeof place->region);
	return 0;
}

static bool
is_below(struct slice host, const char *domain)
{
	return slice_ends(host, domain) &&
	       slice_ends(slice_head(host, host.len - slice_of(domain).len),
	           ".");
}

/* It is below a domain of AWS, so that none is to be put behind it. */
static bool
is_whole(struct slice host)
{
	for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++) {
		if (is_below(host, partitions[i].dns) ||
		    is_below(host, partitions[i].dual))
			return true;
	}
	return false;
}

static int
find_at(struct endpoint *out, const struct conf *conf, struct place *place,
    const char *url, struct err *err)
{
	struct endpoint found = { .service = place->service };
	const char *from = "--endpoint-url";
	const char *scope;

	if (url == NULL &&
	    configured_url(conf, place->service, &url, &from, err) != 0)
		return -1;
	if (legacy_sts(conf, place, place->sts && url == NULL, err) != 0)
		return -1;
	if (url != NULL ? use_url(&found, url, from, place, err)
	                : use_real(&found, place, err))
		return -1;
	found.url.whole = is_whole(slice_of(found.url.host));
	scope = place->region;
	if (place->sts && slice_eq(slice_of(scope), global))
		scope = "us-east-1";
	slice_copy(slice_of(scope), found.region, sizeof found.region);
	/* What is sent and what is signed are the same path. */
	if (found.url.path[0] == '\0')
		slice_copy(slice_of("/"), found.url.path,
		    sizeof found.url.path);
	*out = found;
	return 0;
}

int
endpoint_find(struct endpoint *out, const struct conf *conf,
    const char *service, const char *region, const char *flag, struct err *err)
{
	struct place place = { .service = service,
		.sts = slice_eq(slice_of(service), "sts") };

	if (endpoint_check_region(region, "the caller", err) != 0)
		return -1;
	place.fips =
	    endpoint_plain_region(region, place.region) ||
	    conf_true(conf, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	place.dual = conf_true(conf, "AWS_USE_DUALSTACK_ENDPOINT",
	    "use_dualstack_endpoint");
	place.partition = find_partition(place.region);
	return find_at(out, conf, &place, flag, err);
}
