/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

static const char *const variables[CRED_VALUE_COUNT] = { "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
static const char expiration[] = "AWS_CREDENTIAL_EXPIRATION";

int
cred_keys_env_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct env env = conf_env(req->conf);
	struct cred_values values = {
		.names = variables,
		.missing = ERR_KIND_PARTIAL_CREDENTIALS,
		.bad = ERR_KIND_INVALID_VALUE,
	};
	const char *expires = env_get(env, expiration);

	for (size_t i = 0; i < CRED_VALUE_COUNT; i++)
		values.texts[i] = env_get(env, variables[i]);
	if (!req->env)
		return cred_skip(plan, "a profile is given by flag");
	if (values.texts[CRED_VALUE_KEY] == NULL)
		return cred_skip(plan, "AWS_ACCESS_KEY_ID is not set");
	if (cred_value_take(&plan->keys, &values, err) != 0)
		return -1;
	if (expires == NULL)
		return 0;
	if (!clock_parse_iso(slice_of(expires), &plan->keys.expires)) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s=%.64s: it must be a time in ISO 8601", expiration,
		    expires);
	}
	return cred_value_fresh(&plan->keys, clock_now(), "the environment",
	    err);
}

static const char *const settings[CRED_VALUE_COUNT] = { "aws_access_key_id",
	"aws_secret_access_key", "aws_session_token" };

static int
skip_file(struct cred_plan *plan, const struct conf *conf, enum conf_file file)
{
	bool found = false;
	const char *path = conf_path(conf, file, &found);
	struct buf text = { 0 };

	buf_printf(&text,
	    found ? "no aws_access_key_id in %.200s" : "there is no %.200s",
	    path);
	cred_skip(plan, buf_str(&text));
	buf_free(&text);
	return 1;
}

/* Static keys; all of them from the same file. */
static int
plan_file(struct cred_plan *plan, const struct cred_request *req,
    enum conf_file file, struct err *err)
{
	struct cred_values values = {
		.names = settings,
		.blanks = true,
		.missing = ERR_KIND_PARTIAL_CREDENTIALS,
		.bad = ERR_KIND_INVALID_VALUE,
	};

	for (size_t i = 0; i < CRED_VALUE_COUNT; i++)
		values.texts[i] =
		    conf_file_value(req->conf, file, req->profile, settings[i]);
	/* The older name, which is all that some tools write. */
	if (values.texts[CRED_VALUE_TOKEN] == NULL)
		values.texts[CRED_VALUE_TOKEN] = conf_file_value(req->conf,
		    file, req->profile, "aws_security_token");
	if (values.texts[CRED_VALUE_KEY] == NULL)
		return skip_file(plan, req->conf, file);
	if (cred_value_take(&plan->keys, &values, err) == 0)
		return 0;
	return cred_blame(file == CONF_CREDENTIALS ? "credentials file: profile"
	                                           : "config file: profile",
	    req->profile, err);
}

int
cred_keys_file_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return plan_file(plan, req, CONF_CREDENTIALS, err);
}

int
cred_keys_config_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return plan_file(plan, req, CONF_CONFIG, err);
}

/*
 * SSO and login sessions need a browser and a token cache, which a container
 * has not.  Asked after the static sources of the profile, so that a profile
 * with both works.
 */
int
cred_keys_sso_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	static const char *const keys[] = { "sso_role_name", "sso_account_id",
		"login_session" };
	size_t i = 0;

	while (conf_value(req->conf, req->profile, keys[i]) == NULL) {
		if (++i == sizeof keys / sizeof keys[0])
			return cred_skip(plan, "no SSO or login keys");
	}
	err_set(err, ERR_KIND_CONFIG,
	    "profile \"%.100s\" uses SSO or a login session, which "
	    "ssm-activate does not support",
	    req->profile);
	err_fix(err,
	    "Run `aws configure export-credentials --profile %.100s --format "
	    "env`, or set credential_process = aws configure "
	    "export-credentials --profile %.100s --format process.",
	    req->profile, req->profile);
	return -1;
}
