#include "aws/endpoint.h"

#include <stddef.h>

#include "aws/conf.h"
#include "aws/partition.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

static const char ignore_variable[] = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
static const char ignore_key[] = "ignore_configured_endpoint_urls";
static const char legacy_variable[] = "AWS_STS_REGIONAL_ENDPOINTS";
static const char legacy_key[] = "sts_regional_endpoints";
static const char global_region[] = "us-east-1";

/* The services we call, and the variable of the endpoint of each. */
static const struct {
	const char *name;
	const char *variable;
} services[] = {
	{ "ssm", "AWS_ENDPOINT_URL_SSM" },
	{ "sts", "AWS_ENDPOINT_URL_STS" },
	{ "ecs", "AWS_ENDPOINT_URL_ECS" },
};

/* Regions that the legacy mode of STS sends to its global host. */
static const char *const legacy_regions[] = { "ap-northeast-1", "ap-south-1",
	"ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
	"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
	"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2" };

/* What a service and a region lead to, before a host is made of it. */
struct place {
	const struct partition *partition;
	const char *service;
	char region[ENDPOINT_REGION_MAX + 1];
	bool fips;
	bool dual;
};

static bool
is_region(struct slice s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	return s.len <= ENDPOINT_REGION_MAX && slice_all_in(s, all) &&
	       slice_all_in(slice_head(s, 1), letters) && !slice_ends(s, "-");
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
	(void)slice_copy(s, out, ENDPOINT_REGION_MAX + 1);
	return fips;
}

const char *
endpoint_partition(const char *region)
{
	char plain[ENDPOINT_REGION_MAX + 1];

	(void)endpoint_plain_region(region, plain);
	return partition_find(plain)->name;
}

static const char *
variable_of(const char *service)
{
	size_t i;

	for (i = 0; i < sizeof services / sizeof *services; i++)
		if (slice_eq(slice_of(service), services[i].name))
			return services[i].variable;
	return NULL;
}

/*
 * The URL that the user gave for the service and where it stands, or NULL.
 * from tells the messages which setting to mend.
 */
static int
configured_url(const struct conf *conf, const char *service, const char **url,
    const char **from, struct err *err)
{
	const char *own = variable_of(service);

	*url = NULL;
	if (conf_true(conf, ignore_variable, ignore_key))
		return 0;
	*from = own;
	*url = conf_get(conf, own, NULL);
	if (*url != NULL)
		return 0;
	*from = "AWS_ENDPOINT_URL";
	*url = conf_get(conf, *from, NULL);
	if (*url != NULL)
		return 0;
	*from = "endpoint_url of the services section";
	if (conf_service(conf, service, "endpoint_url", url, err) != 0)
		return -1;
	if (*url != NULL)
		return 0;
	*from = "endpoint_url of the profile";
	*url = conf_get(conf, NULL, "endpoint_url");
	return 0;
}

static int
use_url(struct endpoint *out, const char *url, const char *from,
    const struct place *place, struct err *err)
{
	if (place->fips || place->dual) {
		err_set(err, ERR_KIND_ENDPOINT_VARIANT,
		    "%s gives an URL, and %s endpoints are asked for too", from,
		    place->fips ? "FIPS" : "dual-stack");
		err_fix(err, "keep one of the two: with an URL of your own, "
		             "which host it is is up to you");
		return -1;
	}
	if (url_parse(&out->url, url, err) != 0)
		return err_wrap(err, from);
	if (slice_has(slice_of(out->url.path), '?'))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s: an endpoint has no query", from);
	out->configured = true;
	return 0;
}

/* The name that the endpoint rules of the SDKs give. */
static void
real_host(struct buf *host, const struct place *p)
{
	bool sts = slice_eq(slice_of(p->service), "sts");
	bool ecs = slice_eq(slice_of(p->service), "ecs");
	bool gov = slice_eq(slice_of(p->partition->name), "aws-us-gov");
	/* GovCloud's ordinary names of SSM and STS are FIPS names already. */
	bool suffix = p->fips && (p->dual || ecs || !gov);

	if (sts && !p->fips && !p->dual &&
	    slice_eq(slice_of(p->region), "aws-global")) {
		buf_puts(host, "sts.amazonaws.com");
		return;
	}
	buf_printf(host, "%s%s.%s.%s", p->service, suffix ? "-fips" : "",
	    p->region, p->dual ? p->partition->dual : p->partition->dns);
}

static int
use_real(struct endpoint *out, const struct place *place, struct err *err)
{
	struct buf url = { 0 };
	int rc;

	if (place->dual && place->partition->dual == NULL) {
		return err_set(err, ERR_KIND_ENDPOINT_VARIANT,
		    "partition %s has no dual-stack endpoints",
		    place->partition->name);
	}
	buf_puts(&url, "https://");
	real_host(&url, place);
	rc = buf_ok(&url) ? url_parse(&out->url, buf_str(&url), err)
	                  : err_set(err, ERR_KIND_SYSTEM, "no memory");
	buf_free(&url);
	out->variant = place->fips || place->dual;
	return rc;
}

/* Whether the legacy mode of STS applies; -1 for a mode nobody knows. */
static int
legacy_mode(const struct conf *conf, const struct place *place, bool *legacy,
    struct err *err)
{
	const char *mode = conf_get(conf, legacy_variable, legacy_key);
	struct slice s = slice_of(mode);
	size_t i;

	*legacy = false;
	if (mode == NULL || slice_eq_nocase(s, "regional"))
		return 0;
	if (!slice_eq_nocase(s, "legacy")) {
		return err_set(err, ERR_KIND_CONFIG,
		    "%s (profile: %s) is neither regional nor legacy",
		    legacy_variable, legacy_key);
	}
	if (place->fips || place->dual)
		return 0;
	for (i = 0; i < sizeof legacy_regions / sizeof *legacy_regions; i++)
		if (slice_eq(slice_of(place->region), legacy_regions[i]))
			*legacy = true;
	return 0;
}

/* STS alone has a host for the whole world, signed for us-east-1. */
static int
sts_region(struct endpoint *out, const struct conf *conf, struct place *place,
    bool url, struct err *err)
{
	bool legacy;

	if (legacy_mode(conf, place, &legacy, err) != 0)
		return -1;
	if (legacy && !url)
		(void)slice_copy(slice_of("aws-global"), place->region,
		    sizeof place->region);
	if (slice_eq(slice_of(place->region), "aws-global"))
		(void)slice_copy(slice_of(global_region), out->region,
		    sizeof out->region);
	return 0;
}

static int
find(struct endpoint *out, const struct conf *conf, struct place *place,
    const char *flag, struct err *err)
{
	const char *from = "--endpoint-url";
	struct endpoint found = { .service = place->service };
	const char *url = flag;

	if (url == NULL &&
	    configured_url(conf, place->service, &url, &from, err) != 0)
		return -1;
	(void)slice_copy(slice_of(place->region), found.region,
	    sizeof found.region);
	if (slice_eq(slice_of(place->service), "sts") &&
	    sts_region(&found, conf, place, url != NULL, err) != 0)
		return -1;
	if (url != NULL ? use_url(&found, url, from, place, err)
	                : use_real(&found, place, err))
		return -1;
	/* What is sent and what is signed are the same path. */
	if (found.url.path[0] == '\0')
		(void)slice_copy(slice_of("/"), found.url.path,
		    sizeof found.url.path);
	*out = found;
	return 0;
}

int
endpoint_find_for(struct endpoint *out, const struct conf *conf,
    const char *service, const char *region, const char *flag, struct err *err)
{
	struct place place = { .service = service };

	if (endpoint_check_region(region, "the caller", err) != 0)
		return -1;
	place.fips =
	    endpoint_plain_region(region, place.region) ||
	    conf_true(conf, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
	place.dual = conf_true(conf, "AWS_USE_DUALSTACK_ENDPOINT",
	    "use_dualstack_endpoint");
	place.partition = partition_find(place.region);
	return find(out, conf, &place, flag, err);
}

int
endpoint_find(struct endpoint *out, const struct conf *conf,
    const char *service, const char *region, struct err *err)
{
	return endpoint_find_for(out, conf, service, region,
	    conf_options(conf)->endpoint_url, err);
}
