#include "aws/region.h"

#include <stddef.h>

#include "aws/conf.h"
#include "aws/imds.h"
#include "aws/task.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

static int
take(char out[static ENDPOINT_REGION_MAX + 1], const char *region,
    const char *from, struct err *err)
{
	if (endpoint_check_region(region, from, err) != 0)
		return -1;
	(void)slice_copy(slice_of(region), out, ENDPOINT_REGION_MAX + 1);
	return 0;
}

int
region_configured(char out[static ENDPOINT_REGION_MAX + 1],
    const struct conf *conf, struct err *err)
{
	const struct {
		const char *from;
		const char *value;
	} chain[] = {
		{ "--region", conf_options(conf)->region },
		{ "AWS_REGION", conf_get(conf, "AWS_REGION", NULL) },
		{ "AWS_DEFAULT_REGION",
		    conf_get(conf, "AWS_DEFAULT_REGION", NULL) },
		{ "the profile's region", conf_get(conf, NULL, "region") },
	};
	size_t i;

	for (i = 0; i < sizeof chain / sizeof *chain; i++)
		if (chain[i].value != NULL && *chain[i].value != '\0')
			return take(out, chain[i].value, chain[i].from, err);
	return 1;
}

_Static_assert((int)IMDS_REGION_SIZE == (int)TASK_REGION_SIZE,
    "a source may fill all of the room");

/* A source of the region: 0, 1 = it has none, or -1. */
static const struct source {
	const char *from;
	int (*ask)(struct api *api, char *out, int64_t deadline,
	    struct err *err);
} sources[] = {
	{ "the ECS task metadata", task_region },
	{ "the EC2 instance metadata", imds_region },
};

static int
from_source(char out[static ENDPOINT_REGION_MAX + 1],
    const struct source *source, struct api *api, int64_t deadline,
    struct err *err)
{
	char region[IMDS_REGION_SIZE] = "";
	struct err why = { .code = ERR_OK };
	int rc = source->ask(api, region, deadline, &why);

	if (rc < 0)
		log_debug("no region from %s: %s", source->from, why.msg);
	if (rc != 0)
		return 1;
	return take(out, region, source->from, err);
}

int
region_around(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    bool imds, int64_t deadline, struct err *err)
{
	int rc = from_source(out, &sources[0], api, deadline, err);

	if (rc == 1 && imds)
		rc = from_source(out, &sources[1], api, deadline, err);
	return rc;
}
