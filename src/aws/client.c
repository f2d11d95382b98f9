#include "aws/client.h"

#include <stdlib.h>
#include <string.h>

#include "aws/conf.h"
#include "aws/fault.h"
#include "aws/region.h"
#include "aws/retry.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

enum { FRESH_SECONDS = 60, LOCATE_MS = 10000, CALL_MS = 180000 };

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
	cred_free(&client->cred);
	cred_plan_free(client->plan);
	http_close(client->http);
	conf_free(client->conf);
	free(client);
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
	(void)endpoint_plain_region(client->api.region, client->region);
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
	    cred_fresh(&c->cred, clock_now() + c->api.clock_offset,
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
		cred_free(&c->cred);
		c->cred = old;
		return false;
	}
	changed = !same_text(old.access_key, c->cred.access_key) ||
	          !same_text(old.token, c->cred.token);
	cred_free(&old);
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
