#include "aws/cred.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/log.h"

enum { REASON_MAX = 160 };

/*
 * The sources in the order in which they are asked; the first one that is
 * configured is the one, even if it fails.  of_profile: it is also asked for
 * the source_profile of a role.
 */
static const struct source {
	const char *method;
	int (*plan)(struct cred_plan *plan, const struct cred_request *req,
	    struct err *err);
	bool of_profile;
} sources[] = {
	{ "env", cred_env_plan, false },
	{ "assume-role", cred_role_plan, false },
	{ "assume-role-with-web-identity", cred_web_plan, true },
	{ "shared-credentials-file", cred_file_plan, true },
	{ "custom-process", cred_process_plan, true },
	{ "config-file", cred_file_plan_config, true },
	{ "sso", cred_sso_plan, true },
	{ "container-role", cred_container_plan, false },
	{ "iam-role", cred_imds_plan, false },
};
enum { SOURCE_COUNT = sizeof sources / sizeof sources[0] };

static void
wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void
cred_free(struct cred *cred)
{
	wipe(&cred->access_key);
	wipe(&cred->secret_key);
	wipe(&cred->token);
	*cred = (struct cred){ 0 };
}

bool
cred_fresh(const struct cred *cred, int64_t now, int64_t margin)
{
	return cred->expires == 0 || cred->expires - now >= margin;
}

int
cred_skip(struct cred_plan *plan, const char *format, ...)
{
	char reason[REASON_MAX];
	va_list args;

	va_start(args, format);
	(void)format_args(reason, sizeof reason, format, args);
	va_end(args);
	buf_printf(&plan->skipped, "%s%s: %s",
	    plan->skipped.len > 0 ? "; " : "", plan->base_method, reason);
	return 1;
}

/* Ask the sources in turn; 1: none is configured. */
static int
search(struct cred_plan *plan, const struct cred_request *req, bool of_profile,
    struct err *err)
{
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		int rc;

		if (of_profile && !sources[i].of_profile)
			continue;
		plan->base_method = sources[i].method;
		rc = sources[i].plan(plan, req, err);
		if (rc == 1)
			continue;
		/* A role has set the source of its first credentials. */
		if (!of_profile)
			plan->method = sources[i].method;
		return rc;
	}
	return 1;
}

int
cred_profile_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return search(plan, req, true, err);
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
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	plan->conf = conf;
	/* A wrong setting is told even when another source would win. */
	if (imds_settings(&plan->imds, conf, err) != 0)
		goto out;
	rc = search(plan, &req, false, err);
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
	cred_free(&plan->keys);
	wipe(&plan->token);
	buf_free(&plan->skipped);
	free(plan);
}

const char *
cred_plan_method(const struct cred_plan *plan)
{
	return plan->method;
}

static int
fetch_keys(struct cred *out, const struct cred_plan *plan, struct err *err)
{
	const struct cred_values values = {
		.access_key = { "access key", plan->keys.access_key },
		.secret_key = { "secret key", plan->keys.secret_key },
		.token = { "token", plan->keys.token },
		.rule = CRED_VALUE_IN_SECRET,
		.kind = ERR_KIND_INVALID_VALUE,
	};

	if (cred_value_take(out, &values, err) != 0)
		return -1;
	out->expires = plan->keys.expires;
	return 0;
}

static int
fetch_base(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	switch (plan->kind) {
	case CRED_BASE_KEYS:
		return fetch_keys(out, plan, err);
	case CRED_BASE_WEB:
		return cred_web_fetch(out, plan, api, deadline, err);
	case CRED_BASE_CONTAINER:
		return cred_container_fetch(out, plan, api, deadline, err);
	case CRED_BASE_IMDS:
		break;
	}
	return cred_imds_fetch(out, plan, api, deadline, err);
}

/* Out of date already: their source or our clock is wrong.  What the instance
 * gives was looked at by cred_imds.c. */
static int
check_fresh(const struct cred *cred, const struct cred_plan *plan,
    const struct api *api, struct err *err)
{
	return cred_value_fresh(cred, clock_now() + api->clock_offset,
	    cred_plan_method(plan), err);
}

int
cred_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct cred cred = { 0 };
	int rc = -1;

	if (fetch_base(&cred, plan, api, deadline, err) != 0 ||
	    check_fresh(&cred, plan, api, err) != 0 ||
	    cred_role_fetch(&cred, plan, api, deadline, err) != 0 ||
	    check_fresh(&cred, plan, api, err) != 0)
		goto out;
	cred.method = plan->method;
	cred_free(out);
	*out = cred;
	cred = (struct cred){ 0 };
	rc = 0;
out:
	cred_free(&cred);
	return rc;
}
