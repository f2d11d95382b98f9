#ifndef AWS_REGION_H
#define AWS_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/endpoint.h"

struct api;
struct conf;
struct err;

/*
 * The region as configured: flag, AWS_REGION, AWS_DEFAULT_REGION, profile.
 * Gives 0, or 1 when none says it, or -1 when what is said is no region.
 * out may be a pseudo region (fips-X).
 */
int region_configured(char out[static ENDPOINT_REGION_MAX + 1],
    const struct conf *conf, struct err *err);

/*
 * The region that our surroundings tell: ECS task metadata, and the instance
 * metadata service if imds says so.  Results as above; a service that is
 * there and does not answer well counts as not there.
 */
int region_around(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    bool imds, int64_t deadline, struct err *err);

#endif
