#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "base/err.h"

/* Static keys; all of them from the same file. */
static int
plan_file(struct cred_plan *plan, const struct cred_request *req,
    enum conf_file file, struct err *err)
{
	const struct conf *conf = req->conf;
	const char *who = req->profile;
	const char *name = file == CONF_CREDENTIALS ? "credentials" : "config";
	const struct cred_values values = {
		.access_key = { "aws_access_key_id",
		    conf_file_value(conf, file, who, "aws_access_key_id") },
		.secret_key = { "aws_secret_access_key",
		    conf_file_value(conf, file, who, "aws_secret_access_key") },
		.token = { "aws_session_token",
		    conf_file_value(conf, file, who, "aws_session_token") },
		.rule = CRED_VALUE_IN_SECRET,
		.kind = ERR_KIND_INVALID_VALUE,
	};

	if (values.access_key.text == NULL)
		return cred_skip(plan, "no aws_access_key_id there");
	if (values.secret_key.text == NULL) {
		return err_set(err, ERR_KIND_PARTIAL_CREDENTIALS,
		    "profile \"%.100s\" in the %s file has aws_access_key_id "
		    "but no aws_secret_access_key",
		    who, name);
	}
	plan->kind = CRED_BASE_KEYS;
	return cred_value_take(&plan->keys, &values, err);
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
