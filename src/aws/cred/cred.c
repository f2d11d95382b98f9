/* SPDX-License-Identifier: MIT */
#include "aws/cred/cred.h"

#include <stdlib.h>
#include <strings.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

/*
 * The sources in the order in which they are asked; the first one that is
 * configured is the one, even if it fails.  For the source_profile of a role
 * those from PROFILE_FIRST to before PROFILE_END are asked.
 */
static const struct source {
	const char *method;
	int (*plan)(struct cred_plan *plan, const struct cred_request *req,
	    struct err *err);
	const char *name; /* as a credential_source, NULL = it is none */
} sources[] = {
	{ "env", cred_keys_env_plan, "Environment" },
	{ "assume-role", cred_role_plan, NULL },
	{ "assume-role-with-web-identity", cred_role_web_plan, NULL },
	{ "shared-credentials-file", cred_keys_file_plan, NULL },
	{ "custom-process", cred_process_plan, NULL },
	{ "config-file", cred_keys_config_plan, NULL },
	{ "sso", cred_keys_sso_plan, NULL },
	{ "container-role", cred_container_plan, "EcsContainer" },
	{ "iam-role", cred_imds_plan, "Ec2InstanceMetadata" },
};
enum {
	PROFILE_FIRST = 2,
	PROFILE_END = 7,
	SOURCE_COUNT = sizeof sources / sizeof sources[0],
};

int
cred_skip(struct cred_plan *plan, const char *reason)
{
	buf_printf(&plan->skipped, "%s%s: %s",
	    plan->skipped.len > 0 ? "; " : "", plan->base_method, reason);
	return 1;
}

int
cred_blame(const char *what, const char *profile, struct err *err)
{
	struct buf name = { 0 };

	buf_printf(&name, "%s \"%.100s\"", what, profile);
	err_wrap(err, buf_str(&name));
	buf_free(&name);
	return -1;
}

/* Ask the sources in turn, up to one before end; 1: none is configured. */
static int
ask_sources(struct cred_plan *plan, const struct cred_request *req,
    size_t first, size_t end, struct err *err)
{
	int rc = 1;

	for (size_t i = first; rc == 1 && i < end; i++) {
		plan->base_method = sources[i].method;
		rc = sources[i].plan(plan, req, err);
		/* A role's plan has set base_method to the source of its
		 * first credentials; the role itself gives the last ones. */
		plan->method = sources[i].method;
	}
	return rc;
}

int
cred_profile_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return ask_sources(plan, req, PROFILE_FIRST, PROFILE_END, err);
}

int
cred_named_plan(struct cred_plan *plan, const struct cred_request *req,
    const char *name, struct err *err)
{
	struct cred_request any = *req;

	any.env = true;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		if (sources[i].name == NULL ||
		    strcasecmp(sources[i].name, name) != 0)
			continue;
		plan->base_method = sources[i].method;
		if (sources[i].plan(plan, &any, err) == 0)
			return 0;
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "no credentials in credential_source %s", sources[i].name);
	}
	return conf_refuse(req->conf,
	    &(struct conf_wrong){ ERR_KIND_CONFIG, req->profile, NULL,
	        "credential_source",
	        "Environment, EcsContainer or Ec2InstanceMetadata" },
	    err);
}

int
cred_none(const struct cred_plan *plan, const char *why, struct err *err)
{
	err_set(err, ERR_KIND_NO_CREDENTIALS, "no AWS credentials: %s%s%s",
	    buf_str(&plan->skipped), why[0] != '\0' ? "; iam-role: " : "", why);
	err_fix(err, "Give the task or instance a role, or set "
	             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.");
	return -1;
}

int
cred_plan(struct cred_plan **out, const struct conf *conf, struct err *err)
{
	struct cred_plan *plan = calloc(1, sizeof *plan);
	const struct cred_request req = {
		.conf = conf,
		.profile = conf_profile(conf),
		.env = !conf_profile_flag(conf),
	};
	int rc = -1;

	if (plan == NULL)
		return err_memory(err);
	plan->conf = conf;
	/* A wrong setting is told even when another source would win. */
	if (imds_settings(&plan->imds, conf, err) != 0)
		goto out;
	rc = ask_sources(plan, &req, 0, SOURCE_COUNT, err);
	if (rc == 1)
		rc = cred_none(plan, "", err);
	if (rc != 0)
		goto out;
	log_debug("credentials: %s", plan->method);
	*out = plan;
	plan = NULL;
out:
	cred_plan_free(plan);
	return rc;
}

void
cred_plan_free(struct cred_plan *plan)
{
	if (plan == NULL)
		return;
	cred_value_free(&plan->keys);
	slice_drop(&plan->token);
	buf_free(&plan->skipped);
	free(plan);
}

const char *
cred_plan_method(const struct cred_plan *plan)
{
	return plan->method;
}

/* The first credentials, then the roles.  Credentials that are out of date
 * already mean that their source or our clock is wrong; those of the instance
 * have got a later date from cred/imds.c. */
static int
fetch_chain(struct cred *cred, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	int rc = plan->fetch != NULL
	             ? plan->fetch(cred, plan, api, deadline, err)
	             : cred_value_copy(cred, &plan->keys, err);
	size_t left = plan->hop_count;

	while (rc == 0) {
		rc = cred_value_fresh(cred, clock_now() + api->clock_offset,
		    plan->method, err);
		if (rc != 0 || left == 0)
			break;
		left--;
		rc = cred_role_assume(cred, NULL, &plan->hops[left], api,
		    deadline, err);
	}
	return rc;
}

int
cred_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct cred cred = { 0 };
	int rc = fetch_chain(&cred, plan, api, deadline, err);

	if (rc == 0) {
		cred_value_free(out);
		*out = cred;
		out->method = plan->method;
		cred = (struct cred){ 0 };
	}
	cred_value_free(&cred);
	return rc;
}
