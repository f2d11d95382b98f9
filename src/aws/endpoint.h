/* SPDX-License-Identifier: MIT */
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
	const char *service;                  /* of the scope */
	bool configured;                      /* the user gave the URL */
	bool variant; /* FIPS or dual-stack name: it may not exist */
};

/* ^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$, checked before the value meets a host
 * name.  from: which setting it came from, for the message. */
int endpoint_check_region(const char *region, const char *from,
    struct err *err);

/* The partition that the region belongs to: "aws", "aws-cn", …: static. */
const char *endpoint_partition(const char *region);

/* The certificates of the region's services lead to roots of AWS's own, which
 * no system has. */
bool endpoint_own_roots(const char *region);

/*
 * The region itself: the pseudo regions fips-X and X-fips stand for X with
 * FIPS endpoints, and true is given for them.
 */
bool endpoint_plain_region(const char *region,
    char out[static ENDPOINT_REGION_MAX + 1]);

/*
 * Where the service ("ssm", "sts", "ecs", "ssmmessages") lives.  The URL of
 * --endpoint-url (flag, may be NULL) wins, then one that the user configured;
 * FIPS, dual-stack and legacy STS as configured.  The flag is meant for the
 * call that the user asked for, not for those that get credentials for it. The
 * path is "/" when the URL has none; a host below a domain of AWS is whole.
 * service and region are borrowed; region may be a pseudo region.
 */
int endpoint_find(struct endpoint *out, const struct conf *conf,
    const char *service, const char *region, const char *flag, struct err *err);

#endif
