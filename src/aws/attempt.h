#ifndef AWS_ATTEMPT_H
#define AWS_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/rng.h"

struct api;
struct api_reply;
struct api_request;
struct err;

/* A part of api.c: one attempt of a call, from signing to the verdict. */

/* Protocol and names of a service. */
struct attempt_service {
	const char *name;
	const char *target;  /* JSON 1.1: X-Amz-Target before the '.' */
	const char *version; /* Query protocol: Version */
};

/* A call, over all its attempts. */
struct attempt {
	struct api *api;
	const struct api_request *req;
	const struct attempt_service *service;
	struct api_reply *reply;
	struct endpoint endpoint;
	struct buf target;
	struct buf body;
	char id[RNG_UUID_SIZE];
	int64_t deadline;
	int max;          /* attempts */
	int cost;         /* what the last retry took from the quota */
	bool skewed;      /* the clock was corrected already */
	char date[64];    /* of the last answer, "" = none */
	int64_t after_ms; /* x-amz-retry-after of it, -1 = none */
};

/*
 * Sign with a fresh time and send once.  0: the reply holds a 2xx answer.
 * The reply's count of attempts grows when the request was handed to the
 * transport.
 */
int attempt_make(struct attempt *call, struct err *err);

#endif
