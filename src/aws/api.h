/* SPDX-License-Identifier: MIT */
#ifndef AWS_API_H
#define AWS_API_H

#include <stdint.h>

#include "aws/endpoint.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "net/http.h"

struct conf;
struct cred;
struct duplex;
struct err;
struct json;

/*
 * One call of an AWS service: endpoint, headers, signature, sending, decoding
 * of an error answer, retries with back-off, correction of a wrong clock.
 */
enum api_service {
	API_SSM,
	API_STS,
	API_ECS,
	API_SSMMESSAGES, /* REST: POST to a path, answers in JSON or XML */
	API_SERVICES
};

/* Who we are: gives credentials of ours that last for a while, borrowed until
 * the next time; renew: AWS says that these are out of date, so others or -1.
 */
struct api_owner {
	void *context;
	int (*credentials)(void *context, bool renew, int64_t deadline,
	    const struct cred **out, struct err *err);
};

/* What calls share.  It is ready when conf, transport and region are set and
 * all else is zero. */
struct api {
	const struct conf *conf;
	struct transport transport;
	struct api_owner owner;               /* of requests with own */
	char region[ENDPOINT_REGION_MAX + 1]; /* may be fips-X or X-fips */
	int64_t clock_offset; /* AWS's clock minus ours, seconds */
	struct retry_quota quota[API_SERVICES];
	/* What follows belongs to api.c. */
	char user_agent[512];
	bool warned_clock, warned_plain;
};

struct api_request {
	enum api_service service;
	const char *operation; /* "CreateActivation" */
	const char *path; /* REST: below the endpoint's, encoded, with '/' */
	const char *body; /* JSON; STS: the form without Action */
	bool own;         /* our own credentials sign it, not signer */
	struct sigv4_signer signer;
	int64_t deadline;     /* clock_ms(); 0 = 180 s from now */
	int max_attempts;     /* 0 = as configured */
	const char *role;     /* the role it is about, for advice */
	const char *secret;   /* in the body, masked in AWS's messages */
	bool for_credentials; /* --endpoint-url is not meant for it */
	const struct endpoint *endpoint; /* NULL: api_call() finds it */
};

struct api_reply {
	struct buf body;
	int status;
	int attempts;   /* requests sent */
	bool ambiguous; /* an attempt that failed may have been carried out */
	bool throttled; /* an attempt was */
	char request_id[64];
};

/*
 * Give 0 and the answer of status 2xx, or -1: ERR_KIND_API with AWS's code
 * and message for an error answer.  A code that says that the caller is
 * unknown or not allowed has ERR_ACCESS as its exit status.  Advice is filled
 * in (advice.h).  A pause that does not fit before the deadline is not begun:
 * the error is given at once.  The reply is freed by the caller, also
 * after a failure; attempts and ambiguous are valid then too.
 */
int api_call(struct api *api, const struct api_request *req,
    struct api_reply *reply, struct err *err);
void api_reply_free(struct api_reply *reply);

/*
 * Open a websocket of a REST service: a signed GET of req->path and its query,
 * with the headers given (Upgrade and so on), tried once.  The answer was
 * 101, its headers are in up->answer, and up->line is the caller's; or -1 as
 * with api_call().  up->answer is freed by the caller, also after a failure
 * (http_msg_free()).
 */
struct api_upgrade {
	const char *query; /* encoded; NULL = none */
	const struct http_header *headers;
	size_t header_count; /* at most 6 */
	struct http_msg answer;
	struct duplex *line;
};
int api_upgrade(struct api *api, const struct api_request *req,
    struct api_upgrade *up, struct err *err);

/* The answer of a JSON operation as an object; an empty body is an empty
 * object. */
int api_reply_json(const struct api_reply *reply, struct json **out,
    struct err *err);

/* "ssm", "sts", "ecs", "ssmmessages", and back (-1: none of them). */
const char *api_service_name(enum api_service service);
int api_service_find(const char *name, enum api_service *out);

#endif
