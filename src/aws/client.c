/* SPDX-License-Identifier: MIT */
#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/conf.h"
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

static bool
same_text(const char *a, const char *b)
{
	return (a == NULL && b == NULL) ||
	       (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Get credentials once more; 0 if they are others than before. */
static int
renew(struct client *c, int64_t deadline, struct err *err)
{
	struct cred old = c->cred;
	bool changed;

	c->cred = (struct cred){ .access_key = NULL };
	if (cred_fetch(&c->cred, c->plan, &c->api, deadline, err) != 0) {
		cred_value_free(&c->cred);
		c->cred = old;
		return -1;
	}
	changed = !same_text(old.access_key, c->cred.access_key) ||
	          !same_text(old.token, c->cred.token);
	cred_value_free(&old);
	return changed ? 0
	               : err_set(err, ERR_KIND_EXPIRED_CREDENTIALS,
	                     "they are the same as before");
}

/* As struct api_owner has it. */
static int
give_credentials(void *client, bool anew, int64_t deadline,
    const struct cred **out, struct err *err)
{
	struct client *c = client;
	int rc = 0;

	*out = &c->cred;
	if (c->plan == NULL) {
		if (err != NULL && err->kind == ERR_KIND_NONE)
			*err = c->plan_err;
		return -1;
	}
	if (anew)
		return renew(c, deadline, err);
	if (c->cred.access_key == NULL ||
	    !cred_value_lasts(&c->cred, clock_now() + c->api.clock_offset,
	        FRESH_SECONDS))
		rc = cred_fetch(&c->cred, c->plan, &c->api, deadline, err);
	return rc;
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
	c->api.owner = (struct api_owner){ c, give_credentials };
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
