#include "aws/partition.h"

#include <stddef.h>

#include "base/slice.h"

/*
 * The first one is the fallback.  Dual-stack names of aws-iso-e and aws-iso-f
 * are left out because the SDKs' endpoint data refuses them.
 */
static const struct partition table[] = {
	{ .name = "aws",
	    .prefixes = "us eu ap sa ca me af il mx",
	    .global = "aws-global",
	    .dns = "amazonaws.com",
	    .dual = "api.aws" },
	{ .name = "aws-cn",
	    .prefixes = "cn",
	    .global = "aws-cn-global",
	    .dns = "amazonaws.com.cn",
	    .dual = "api.amazonwebservices.com.cn" },
	{ .name = "aws-us-gov",
	    .prefixes = "us-gov",
	    .global = "aws-us-gov-global",
	    .dns = "amazonaws.com",
	    .dual = "api.aws" },
	{ .name = "aws-iso",
	    .prefixes = "us-iso",
	    .global = "aws-iso-global",
	    .dns = "c2s.ic.gov",
	    .dual = "api.aws.ic.gov",
	    .own_roots = true },
	{ .name = "aws-iso-b",
	    .prefixes = "us-isob",
	    .global = "aws-iso-b-global",
	    .dns = "sc2s.sgov.gov",
	    .dual = "api.aws.scloud",
	    .own_roots = true },
	{ .name = "aws-iso-e",
	    .prefixes = "eu-isoe",
	    .global = "aws-iso-e-global",
	    .dns = "cloud.adc-e.uk",
	    .own_roots = true },
	{ .name = "aws-iso-f",
	    .prefixes = "us-isof",
	    .global = "aws-iso-f-global",
	    .dns = "csp.hci.ic.gov",
	    .own_roots = true },
	{ .name = "aws-eusc",
	    .prefixes = "eusc-de",
	    .global = "aws-eusc-global",
	    .dns = "amazonaws.eu",
	    .dual = "api.amazonwebservices.eu" },
};

static const char digits[] = "0123456789";
static const char word[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

/* PREFIX-WORD-DIGITS, cut up from the end: words hold no '-'. */
static bool
matches(const struct partition *p, const char *region)
{
	struct slice rest = slice_of(p->prefixes);
	struct slice head, number, prefix, name, one;

	if (!slice_rsplit(slice_of(region), '-', &head, &number) ||
	    !slice_rsplit(head, '-', &prefix, &name))
		return false;
	if (!slice_all_in(number, digits) || !slice_all_in(name, word))
		return false;
	while (slice_cut(&rest, ' ', &one))
		if (slice_same(one, prefix))
			return true;
	return false;
}

const struct partition *
partition_find(const char *region)
{
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++) {
		if (slice_eq(slice_of(region), table[i].global) ||
		    matches(&table[i], region))
			return &table[i];
	}
	return &table[0];
}
