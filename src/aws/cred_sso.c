#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred_source.h"
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
	static const struct {
		const char *key, *what;
	} keys[] = {
		{ "sso_role_name", "SSO" },
		{ "sso_account_id", "SSO" },
		{ "login_session", "a login session" },
	};
	const char *what = NULL;

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		if (what == NULL &&
		    conf_value(req->conf, req->profile, keys[i].key) != NULL)
			what = keys[i].what;
	}
	if (what == NULL)
		return cred_skip(plan, "no SSO or login keys");
	err_set(err, ERR_KIND_CONFIG,
	    "profile \"%.100s\" uses %s, which ssm-activate does not support",
	    req->profile, what);
	err_fix(err,
	    "Run `aws configure export-credentials --profile %.100s --format "
	    "env`, or set credential_process = aws configure "
	    "export-credentials --profile %.100s --format process.",
	    req->profile, req->profile);
	return -1;
}
