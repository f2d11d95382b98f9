#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

static const char *const names[CRED_VALUE_COUNT] = { "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
static const char expiration[] = "AWS_CREDENTIAL_EXPIRATION";

int
cred_env_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct env env = conf_env(req->conf);
	struct cred_values values = {
		.names = names,
		.missing = ERR_KIND_PARTIAL_CREDENTIALS,
		.bad = ERR_KIND_INVALID_VALUE,
	};
	const char *expires = env_get(env, expiration);

	for (size_t i = 0; i < CRED_VALUE_COUNT; i++)
		values.texts[i] = env_get(env, names[i]);
	if (!req->env)
		return cred_skip(plan, "a profile is given by flag");
	if (values.texts[CRED_VALUE_KEY] == NULL)
		return cred_skip(plan, "AWS_ACCESS_KEY_ID is not set");
	if (cred_value_take(&plan->keys, &values, err) != 0)
		return -1;
	if (expires == NULL)
		return 0;
	if (!clock_parse_iso(slice_of(expires), &plan->keys.expires))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "%s is not a time in ISO 8601", expiration);
	return cred_value_fresh(&plan->keys, clock_now(), "the environment",
	    err);
}
