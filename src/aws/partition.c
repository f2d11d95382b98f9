#include "aws/partition.h"

#include <stddef.h>

#include "base/slice.h"

/*
 * The first one, whose regions have many prefixes, is the fallback.
 * Dual-stack names of aws-iso-e and aws-iso-f are left out because the SDKs'
 * endpoint data refuses them.
 */
static const struct partition table[] = {
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
matches(const struct partition *p, struct slice region)
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

const struct partition *
partition_find(const char *region)
{
	size_t i;

	for (i = 1; i < sizeof table / sizeof *table; i++)
		if (matches(&table[i], slice_of(region)))
			return &table[i];
	return &table[0];
}
