#include <stddef.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/err.h"
#include "base/slice.h"

/* Limits of AssumeRoleWithWebIdentity (STS API reference). */
enum { TOKEN_MIN = 4, TOKEN_MAX = 20000 };

static const char path_setting[] = "AWS_WEB_IDENTITY_TOKEN_FILE";

/* The variable, or the key of the same name without "AWS_". */
static const char *
setting(const struct cred_request *req, const char *variable)
{
	const char *value = NULL;

	if (req->env)
		value = env_get(conf_env(req->conf), variable);
	if (value == NULL)
		value = conf_value(req->conf, req->profile,
		    &variable[sizeof "AWS_" - 1]);
	return value;
}

/* Whose word the path of the token's file is; NULL = the environment's. */
static const struct owner *
path_owner(const struct cred_request *req)
{
	if (req->env && env_get(conf_env(req->conf), path_setting) != NULL)
		return NULL;
	return conf_owner(req->conf, req->profile,
	    &path_setting[sizeof "AWS_" - 1]);
}

/* The token without the blanks and line ends behind it. */
static int
read_token(char **out, const char *path, const struct owner *by,
    struct err *err)
{
	static const char what[] = "web identity token file";
	struct buf text = { 0 };
	int rc = -1;

	if (cred_value_file(&text, path, by, what, err) != 0)
		goto out;
	while (text.len > 0 &&
	       slice_has(slice_of(" \t\r\n"), text.data[text.len - 1]))
		buf_cut(&text, text.len - 1);
	if (text.len < TOKEN_MIN || text.len > TOKEN_MAX) {
		err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s %s holds %zu characters, not %d to %d", what, path,
		    text.len, TOKEN_MIN, TOKEN_MAX);
		goto out;
	}
	if (slice_has(slice_make(text.data, text.len), '\0')) {
		err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s %s holds a NUL byte", what, path);
		goto out;
	}
	*out = buf_take(&text);
	rc = *out != NULL ? 0 : err_memory(err);
out:
	buf_free(&text);
	return rc;
}

int
cred_web_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	const char *path = setting(req, path_setting);
	struct cred_hop web = {
		.profile = req->profile,
		.role_arn = setting(req, "AWS_ROLE_ARN"),
		.session_name = setting(req, "AWS_ROLE_SESSION_NAME"),
	};

	if (path == NULL)
		return cred_skip(plan, "no web identity token file is named");
	if (web.role_arn == NULL) {
		err_set(err, ERR_KIND_CONFIG,
		    "a web identity token file is configured but no role to "
		    "assume with it");
		err_fix(err, "Set AWS_ROLE_ARN, or role_arn in the profile.");
		return -1;
	}
	if (cred_role_check(&web, err) != 0 ||
	    read_token(&plan->token, path, path_owner(req), err) != 0)
		return -1;
	plan->web = web;
	plan->fetch = cred_web_fetch;
	return 0;
}

int
cred_web_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	return cred_role_assume(out, plan->token, &plan->web, api, deadline,
	    err);
}
