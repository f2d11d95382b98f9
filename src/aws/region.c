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

static int
from_task(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    int64_t deadline, struct err *err)
{
	struct task task = { .arn = "" };
	struct err why = { .code = ERR_OK };
	int rc = task_load(&task, api, deadline, &why);

	if (rc < 0)
		log_debug("no region from the task metadata: %s", why.msg);
	if (rc != 0 || task.region[0] == '\0')
		return 1;
	return take(out, task.region, "the ECS task metadata", err);
}

static int
from_imds(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    int64_t deadline, struct err *err)
{
	char region[64] = "";
	struct err why = { .code = ERR_OK };
	int rc = imds_region(api, region, deadline, &why);

	if (rc < 0)
		log_debug("no region from the instance metadata: %s", why.msg);
	if (rc != 0)
		return 1;
	return take(out, region, "the EC2 instance metadata", err);
}

int
region_around(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    bool imds, int64_t deadline, struct err *err)
{
	int rc = from_task(out, api, deadline, err);

	if (rc == 1 && imds)
		rc = from_imds(out, api, deadline, err);
	return rc;
}
