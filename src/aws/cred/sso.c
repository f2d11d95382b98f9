#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "base/err.h"

/*
 * SSO and login sessions need a browser and a token cache, which a container
 * has not.  Asked after the static sources of the profile, so that a profile
 * with both works.
 */
int
cred_sso_plan(struct cred_plan *plan, const struct cred_request *req,
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
