#include <stdlib.h>
#include <string.h>

#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"

/* Limits of AssumeRoleWithWebIdentity (STS API reference). */
enum { TOKEN_MIN = 4, TOKEN_MAX = 20000, FILE_MAX = 64 * 1024 };

static const char *
setting(const struct cred_request *req, const char *variable, const char *key)
{
	const char *value = NULL;

	if (req->env)
		value = env_get(conf_env(req->conf), variable);
	if (value == NULL)
		value = conf_value(req->conf, req->profile, key);
	return value;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The token without the blanks and line ends behind it. */
static int
check_token(struct slice *token, const char *path, struct err *err)
{
	while (token->len > 0 && is_blank(token->ptr[token->len - 1]))
		token->len--;
	if (token->len == 0)
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "web identity token file %s is empty", path);
	if (token->len < TOKEN_MIN || token->len > TOKEN_MAX) {
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "web identity token file %s holds %zu characters, not %d "
		    "to %d",
		    path, token->len, TOKEN_MIN, TOKEN_MAX);
	}
	if (slice_has(*token, '\0'))
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "web identity token file %s holds a NUL byte", path);
	return 0;
}

static int
read_file(struct buf *out, const char *path, struct err *err)
{
	struct err cause = { 0 };

	switch (file_read(path, out, &cause)) {
	case FILE_FOUND:
		return 0;
	case FILE_ABSENT:
		err_set(&cause, ERR_KIND_SYSTEM, "%s does not exist", path);
		break;
	case FILE_FAILED:
		break;
	}
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "web identity token file: %s", cause.msg);
}

static int
read_token(char **out, const char *path, struct err *err)
{
	struct buf text = { .max = FILE_MAX };
	struct slice token;
	int rc = -1;

	if (read_file(&text, path, err) != 0)
		goto out;
	token = slice_make(buf_str(&text), text.len);
	if (check_token(&token, path, err) != 0)
		goto out;
	*out = slice_dup(token);
	rc = 0;
	if (*out == NULL)
		rc = err_set(err, ERR_KIND_SYSTEM, "out of memory");
out:
	buf_free(&text);
	return rc;
}

int
cred_web_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	const char *path = setting(req, "AWS_WEB_IDENTITY_TOKEN_FILE",
	    "web_identity_token_file");
	struct cred_hop web = {
		.profile = req->profile,
		.role_arn = setting(req, "AWS_ROLE_ARN", "role_arn"),
		.session_name =
		    setting(req, "AWS_ROLE_SESSION_NAME", "role_session_name"),
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
	    read_token(&plan->token, path, err) != 0)
		return -1;
	plan->web = web;
	plan->kind = CRED_BASE_WEB;
	return 0;
}

int
cred_web_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct sts_credentials got = { 0 };
	struct sts_role role = { 0 };
	char session[CRED_SESSION_MAX + 1];
	int rc = -1;

	cred_role_describe(&role, &plan->web, session);
	if (sts_assume_role_with_web_identity(api, &role, plan->token, deadline,
	        &got, err) == 0)
		rc = cred_role_take(out, &got, err);
	sts_credentials_free(&got);
	return rc;
}
