/* SPDX-License-Identifier: MIT */
#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/conf.h"
#include "aws/fault.h"
#include "aws/imds.h"
#include "aws/retry.h"
#include "aws/task.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

enum {
	FRESH_SECONDS = 60,
	LOCATE_MS = 10000,
	CALL_MS = 180000,
	ORIGIN_SIZE = 512,
};

static const char imds_method[] = "iam-role";

struct client {
	struct conf *conf;
	struct http *http;
	struct cred_plan *plan; /* NULL: see plan_err */
	struct err plan_err;    /* why there are no credentials */
	struct cred cred;
	struct api api;
	char region[ENDPOINT_REGION_MAX + 1]; /* without fips- */
};

/* AWS_CA_BUNDLE, ca_bundle, SSL_CERT_FILE, built-in roots. */
static void
choose_trust(const struct conf *conf, struct http_options *options)
{
	const char *bundle = conf_get(conf, "AWS_CA_BUNDLE", NULL);

	options->ca_setting = "AWS_CA_BUNDLE";
	if (bundle == NULL) {
		options->ca_setting = "the profile's ca_bundle";
		bundle = conf_get(conf, NULL, "ca_bundle");
		options->ca_by =
		    conf_owner(conf, conf_profile(conf), "ca_bundle");
	}
	if (bundle == NULL) {
		options->ca_setting = "SSL_CERT_FILE";
		options->ca_by = NULL;
		bundle = env_get(options->env, "SSL_CERT_FILE");
	}
	options->ca_file = bundle;
}

/* Settings that are wrong are reported before anything is sent. */
static int
open_parts(struct client *c, const struct conf_options *options,
    struct err *err)
{
	struct http_options http = { .env = options->env };
	int attempts;

	if (conf_open(&c->conf, options, err) != 0 ||
	    retry_attempts(c->conf, &attempts, err) != 0)
		return -1;
	choose_trust(c->conf, &http);
	if (http_open(&c->http, &http, err) != 0)
		return -1;
	c->api.conf = c->conf;
	c->api.transport = http_transport(c->http);
	/* Unsigned calls need no credentials, so their lack waits for the
	 * first call that does. */
	if (cred_plan(&c->plan, c->conf, &c->plan_err) != 0)
		log_debug("%s", c->plan_err.msg);
	return 0;
}

int
client_open(struct client **out, const struct conf_options *options,
    struct err *err)
{
	struct client *c = calloc(1, sizeof *c);

	if (c == NULL)
		return err_memory(err);
	if (open_parts(c, options, err) != 0) {
		client_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	cred_value_free(&client->cred);
	cred_plan_free(client->plan);
	http_close(client->http);
	conf_free(client->conf);
	free(client);
}

static int
take_region(char out[static ENDPOINT_REGION_MAX + 1], const char *region,
    const char *from, struct err *err)
{
	if (endpoint_check_region(region, from, err) != 0)
		return -1;
	slice_copy(slice_of(region), out, ENDPOINT_REGION_MAX + 1);
	return 0;
}

/*
 * The region as configured.  Gives 0, or 1 when nothing says it, or -1 when
 * what is said is no region.  out may be a pseudo region (fips-X).
 */
static int
region_configured(char out[static ENDPOINT_REGION_MAX + 1],
    const struct conf *conf, struct err *err)
{
	char from[ORIGIN_SIZE];
	const struct {
		const char *from;
		const char *value;
	} chain[] = {
		{ "--region", conf_options(conf)->region },
		{ "AWS_REGION", conf_get(conf, "AWS_REGION", NULL) },
		{ "AWS_DEFAULT_REGION",
		    conf_get(conf, "AWS_DEFAULT_REGION", NULL) },
		{ from, conf_get(conf, NULL, "region") },
	};

	conf_origin(conf, conf_profile(conf), "region", from, sizeof from);

	for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) {
		if (chain[i].value != NULL && *chain[i].value != '\0')
			return take_region(out, chain[i].value, chain[i].from,
			    err);
	}
	return 1;
}

_Static_assert((int)IMDS_REGION_SIZE == (int)TASK_REGION_SIZE,
    "a source may fill all of the room");

/* A source of the region: 0, 1 = it has none, or -1. */
static const struct region_source {
	const char *from;
	int (*ask)(struct api *api, char *out, int64_t deadline,
	    struct err *err);
} region_sources[] = {
	{ "the ECS task metadata", task_region },
	{ "the EC2 instance metadata", imds_region },
};

static int
from_source(char out[static ENDPOINT_REGION_MAX + 1],
    const struct region_source *source, struct api *api, int64_t deadline,
    struct err *err)
{
	char region[IMDS_REGION_SIZE] = "";
	struct err why = { .code = ERR_OK };
	int rc = source->ask(api, region, deadline, &why);

	if (rc < 0)
		log_debug("no region from %s: %s", source->from, why.msg);
	if (rc != 0)
		return 1;
	return take_region(out, region, source->from, err);
}

/*
 * The region that our surroundings tell: ECS task metadata, and the instance
 * metadata service if imds says so.  Results as above; a service that is
 * there and does not answer well counts as not there.
 */
static int
region_around(char out[static ENDPOINT_REGION_MAX + 1], struct api *api,
    bool imds, int64_t deadline, struct err *err)
{
	int rc = from_source(out, &region_sources[0], api, deadline, err);

	if (rc == 1 && imds)
		rc = from_source(out, &region_sources[1], api, deadline, err);
	return rc;
}

/*
 * The instance metadata service is asked for the region only where it is the
 * source of the credentials, too: elsewhere nobody answers, and everybody
 * would wait for that.
 */
static bool
on_instance(const struct client *c)
{
	const char *source = conf_get(c->conf, NULL, "credential_source");

	return slice_eq(slice_of(client_method(c)), imds_method) ||
	       slice_eq_nocase(slice_of(source), "Ec2InstanceMetadata");
}

int
client_locate(struct client *client, struct err *err)
{
	int rc;

	if (client->region[0] != '\0')
		return 0;
	rc = region_configured(client->api.region, client->conf, err);
	if (rc == 1)
		rc = region_around(client->api.region, &client->api,
		    on_instance(client), clock_in(LOCATE_MS), err);
	if (rc == 1) {
		err_set(err, ERR_KIND_NO_REGION,
		    "no region: --region, AWS_REGION, AWS_DEFAULT_REGION and "
		    "region of profile %s are not set, and neither ECS nor "
		    "EC2 tells one",
		    conf_profile(client->conf));
		err_fix(err, "set AWS_REGION");
	}
	if (rc != 0)
		return -1;
	endpoint_plain_region(client->api.region, client->region);
	return 0;
}

const char *
client_region(const struct client *client)
{
	return client->region;
}

const char *
client_method(const struct client *client)
{
	return client->plan != NULL ? cred_plan_method(client->plan) : "";
}

struct api *
client_api(struct client *client)
{
	return &client->api;
}

/* Credentials that live long enough, fetched if need be. */
static int
get_credentials(struct client *c, int64_t deadline, struct err *err)
{
	if (c->plan == NULL) {
		if (err != NULL && err->kind == ERR_KIND_NONE)
			*err = c->plan_err;
		return -1;
	}
	if (c->cred.access_key != NULL &&
	    cred_value_lasts(&c->cred, clock_now() + c->api.clock_offset,
	        FRESH_SECONDS))
		return 0;
	return cred_fetch(&c->cred, c->plan, &c->api, deadline, err);
}

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL && b == NULL) ||
	       (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/*
 * After an answer that the token is out of date: get credentials once more.
 * True if they are others than before, so that the call can be repeated.
 */
static bool
renew(struct client *c, int64_t deadline)
{
	struct cred old = c->cred;
	struct err why = { .code = ERR_OK };
	bool changed;

	c->cred = (struct cred){ .access_key = NULL };
	if (cred_fetch(&c->cred, c->plan, &c->api, deadline, &why) != 0) {
		log_debug("new credentials: %s", why.msg);
		cred_value_free(&c->cred);
		c->cred = old;
		return false;
	}
	changed = !same_text(old.access_key, c->cred.access_key) ||
	          !same_text(old.token, c->cred.token);
	cred_value_free(&old);
	return changed;
}

/* Requests and doubts of the first try count for the whole call. */
static void
add_up(const struct api_reply *first, struct api_reply *reply, struct err *last)
{
	reply->attempts += first->attempts;
	reply->ambiguous |= first->ambiguous;
	last->attempts = reply->attempts;
	last->ambiguous = reply->ambiguous;
}

int
client_call(struct client *client, const struct api_request *req,
    struct api_reply *reply, struct err *err)
{
	struct api_request own = *req;
	struct api_reply first;
	struct err last = { .code = ERR_OK };
	struct endpoint endpoint;
	int rc;

	*reply = (struct api_reply){ .status = 0 };
	if (own.deadline == 0)
		own.deadline = clock_in(CALL_MS);
	/* A wrong endpoint is reported before credentials are asked for. */
	if (client_locate(client, err) != 0 ||
	    endpoint_find(&endpoint, client->conf,
	        api_service_name(req->service), client->api.region,
	        conf_options(client->conf)->endpoint_url, err) != 0 ||
	    get_credentials(client, own.deadline, err) != 0)
		return -1;
	own.endpoint = &endpoint;
	own.signer =
	    (struct sigv4_signer){ .kind = SIGV4_HMAC, .cred = &client->cred };
	rc = api_call(&client->api, &own, reply, &last);
	if (rc != 0 && fault_is_expired(last.peer_code) &&
	    renew(client, own.deadline)) {
		first = *reply;
		api_reply_free(reply);
		err_clear(&last);
		rc = api_call(&client->api, &own, reply, &last);
		add_up(&first, reply, &last);
	}
	if (rc != 0 && err != NULL && err->kind == ERR_KIND_NONE)
		*err = last;
	return rc;
}
