#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include <stdbool.h>

#include "net/url.h"

struct conf;
struct err;

/* Regions, partitions and the hosts of services; pure. */
enum { ENDPOINT_REGION_MAX = 63 };

struct endpoint {
	struct url url;
	char region[ENDPOINT_REGION_MAX + 1]; /* of the signature's scope */
	const char *service;		      /* of the scope */
	bool configured; /* the user gave the URL */
	bool variant;	 /* FIPS or dual-stack name: it may not exist */
};

/* ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, checked before the value meets a host
 * name.  from: which setting it came from, for the message. */
int endpoint_check_region(const char *region, const char *from,
    struct err *err);

/* "aws", "aws-cn", …: static. */
const char *endpoint_partition(const char *region);

/*
 * Where the service ("ssm", "sts", "ecs") lives.  A URL that the user
 * configured wins; FIPS, dual-stack and legacy STS as configured.
 */
int endpoint_find(struct endpoint *out, const struct conf *conf,
    const char *service, const char *region, struct err *err);

#endif
