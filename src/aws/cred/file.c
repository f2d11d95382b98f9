#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/err.h"

static const char *const names[CRED_VALUE_COUNT] = { "aws_access_key_id",
	"aws_secret_access_key", "aws_session_token" };

/* Static keys; all of them from the same file. */
static int
plan_file(struct cred_plan *plan, const struct cred_request *req,
    enum conf_file file, struct err *err)
{
	struct cred_values values = {
		.names = names,
		.blanks = true,
		.missing = ERR_KIND_PARTIAL_CREDENTIALS,
		.bad = ERR_KIND_INVALID_VALUE,
	};

	for (size_t i = 0; i < CRED_VALUE_COUNT; i++)
		values.texts[i] =
		    conf_file_value(req->conf, file, req->profile, names[i]);
	if (values.texts[CRED_VALUE_KEY] == NULL)
		return cred_skip(plan, "no aws_access_key_id there");
	if (cred_value_take(&plan->keys, &values, err) == 0)
		return 0;
	return cred_blame(file == CONF_CREDENTIALS ? "credentials file: profile"
	                                           : "config file: profile",
	    req->profile, err);
}

int
cred_file_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return plan_file(plan, req, CONF_CREDENTIALS, err);
}

int
cred_file_plan_config(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	return plan_file(plan, req, CONF_CONFIG, err);
}
