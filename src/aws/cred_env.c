#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

static int
read_expiry(struct cred *keys, struct env env, struct err *err)
{
	const char *text = env_get(env, "AWS_CREDENTIAL_EXPIRATION");

	if (text == NULL)
		return 0;
	if (!clock_parse_iso(slice_of(text), &keys->expires))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "AWS_CREDENTIAL_EXPIRATION is not a time in ISO 8601");
	return cred_value_fresh(keys, clock_now(), "the environment", err);
}

int
cred_env_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct env env = conf_env(req->conf);
	const struct cred_values values = {
		.access_key = { "AWS_ACCESS_KEY_ID",
		    env_get(env, "AWS_ACCESS_KEY_ID") },
		.secret_key = { "AWS_SECRET_ACCESS_KEY",
		    env_get(env, "AWS_SECRET_ACCESS_KEY") },
		.token = { "AWS_SESSION_TOKEN",
		    env_get(env, "AWS_SESSION_TOKEN") },
		.rule = CRED_VALUE_STRICT,
		.kind = ERR_KIND_INVALID_VALUE,
	};

	if (!req->env)
		return cred_skip(plan, "a profile is given by flag");
	if (values.access_key.text == NULL)
		return cred_skip(plan, "AWS_ACCESS_KEY_ID is not set");
	if (values.secret_key.text == NULL) {
		return err_set(err, ERR_KIND_PARTIAL_CREDENTIALS,
		    "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is "
		    "not");
	}
	plan->kind = CRED_BASE_KEYS;
	if (cred_value_take(&plan->keys, &values, err) != 0)
		return -1;
	return read_expiry(&plan->keys, env, err);
}
