/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "aws/conf.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

/* Limits of AssumeRole and AssumeRoleWithWebIdentity (STS API reference). */
enum {
	ROLE_ARN_MIN = 20,
	EXTERNAL_ID_MAX = 1224,
	SESSION_MAX = 64,
	DURATION_MIN = 900,
	DURATION_DIGITS = 9,
	TOKEN_MIN = 4,
	TOKEN_MAX = 20000,
};

static int
check_text(const char *text, const char *what, bool external, struct err *err)
{
	static const char allowed[] = ":/" CRED_ROLE_LETTERS;
	size_t max = external ? EXTERNAL_ID_MAX : SESSION_MAX;
	struct slice s = slice_of(text);

	if (text == NULL || (s.len >= 2 && s.len <= max &&
	                        slice_all_in(s, &allowed[external ? 0 : 2])))
		return 0;
	return err_set(err, ERR_KIND_PARAM_VALIDATION,
	    "%s %.*s must be 2 to %zu characters of letters, digits and "
	    "_+=,.@-%s",
	    what, err_shown(s), text, max, external ? ":/" : "");
}

/* The session name and external id are as STS wants them. */
static int
check_role(const struct cred_hop *hop, struct err *err)
{
	if (strlen(hop->role_arn) < ROLE_ARN_MIN) {
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s is no ARN of a role", hop->role_arn);
	}
	if (check_text(hop->session_name, "the role session name", false,
	        err) != 0)
		return -1;
	return check_text(hop->external_id, "external_id", true, err);
}

/* A text that is no number is ignored, as the AWS CLI does; one below zero is
 * a number. */
static int
read_duration(struct cred_hop *hop, const char *text, struct err *err)
{
	struct slice s = slice_of(text);
	bool minus = slice_starts(s, "-");
	uint64_t seconds = 0;

	if (s.len == 0 || s.len > DURATION_DIGITS ||
	    !slice_u64(slice_skip(s, minus), UINT32_MAX, &seconds))
		return 0;
	if (minus || seconds < DURATION_MIN)
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "duration_seconds %s is below %d", text, DURATION_MIN);
	hop->duration = text;
	return 0;
}

static const char *
profile_value(const struct cred_request *req, const char *key)
{
	return conf_value(req->conf, req->profile, key);
}

static bool
has_static_keys(const struct cred_request *req)
{
	return profile_value(req, "aws_access_key_id") != NULL ||
	       profile_value(req, "aws_secret_access_key") != NULL;
}

static bool
has_role(const struct cred_request *req)
{
	return profile_value(req, "role_arn") != NULL &&
	       profile_value(req, "web_identity_token_file") == NULL;
}

/* Add the role of the profile to the plan. */
static int
add_hop(struct cred_plan *plan, const struct cred_request *req, struct err *err)
{
	struct cred_hop hop = {
		.profile = req->profile,
		.role_arn = profile_value(req, "role_arn"),
		.session_name = profile_value(req, "role_session_name"),
		.external_id = profile_value(req, "external_id"),
	};

	if (plan->hop_count == CRED_HOPS_MAX) {
		return err_set(err, ERR_KIND_CONFIG,
		    "more than %d roles to assume one after the other",
		    CRED_HOPS_MAX);
	}
	if (profile_value(req, "mfa_serial") != NULL)
		return err_set(err, ERR_KIND_CONFIG,
		    "needs an MFA code; ssm-activate does not support MFA");
	if (check_role(&hop, err) != 0 ||
	    read_duration(&hop, profile_value(req, "duration_seconds"), err) !=
	        0)
		return -1;
	plan->hops[plan->hop_count++] = hop;
	return 0;
}

static bool
visited(const struct cred_plan *plan, const char *profile)
{
	for (size_t i = 0; i < plan->hop_count; i++) {
		if (strcmp(plan->hops[i].profile, profile) == 0)
			return true;
	}
	return false;
}

/* Go on to source_profile.  A profile may name itself when it has static
 * keys; no other one may come twice. */
static int
follow_profile(struct cred_request *req, const struct cred_plan *plan,
    const char *source, struct err *err)
{
	if (!conf_has_profile(req->conf, source))
		return err_set(err, ERR_KIND_CONFIG,
		    "source_profile \"%.100s\" does not exist", source);
	if (visited(plan, source) &&
	    (strcmp(source, req->profile) != 0 || !has_static_keys(req))) {
		return err_set(err, ERR_KIND_CONFIG,
		    "infinite loop: source_profile leads back to \"%.100s\"",
		    source);
	}
	req->profile = source;
	return 0;
}

/* Take the role of the profile and go on to where its credentials come from:
 * 1 = the next profile, 0 = a source that is no profile. */
static int
take_role(struct cred_plan *plan, struct cred_request *at, struct err *err)
{
	const char *profile = profile_value(at, "source_profile");
	const char *source = profile_value(at, "credential_source");

	if (profile != NULL && source != NULL)
		return err_set(err, ERR_KIND_CONFIG,
		    "has both source_profile and credential_source");
	if (profile == NULL && source == NULL) {
		return err_set(err, ERR_KIND_PARTIAL_CREDENTIALS,
		    "has role_arn but neither source_profile nor "
		    "credential_source");
	}
	if (add_hop(plan, at, err) != 0)
		return -1;
	if (profile == NULL)
		return cred_named_plan(plan, at, source, err);
	return follow_profile(at, plan, profile, err) == 0 ? 1 : -1;
}

int
cred_role_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct cred_request at = *req;
	int rc;

	if (!has_role(req))
		return cred_skip(plan, "no role_arn in the profile");
	at.env = false;
	/* add_hop() ends this at the latest. */
	do {
		rc = take_role(plan, &at, err);
		if (rc < 0)
			return cred_blame("profile", at.profile, err);
	} while (rc == 1 && has_role(&at) && !has_static_keys(&at));
	if (rc == 0)
		return 0;
	rc = cred_profile_plan(plan, &at, err);
	if (rc == 1)
		rc = err_set(err, ERR_KIND_CONFIG,
		    "source_profile \"%.100s\" has no credentials", at.profile);
	return rc;
}

int
cred_role_assume(struct cred *cred, const char *token,
    const struct cred_hop *hop, struct api *api, int64_t deadline,
    struct err *err)
{
	char session[SESSION_MAX + 1];
	const struct sts_role role = {
		.role_arn = hop->role_arn,
		.session_name =
		    hop->session_name != NULL ? hop->session_name : session,
		.external_id = hop->external_id,
		.duration = hop->duration,
		.token = token,
	};

	snprintf(session, sizeof session, "ssm-activate-%lld",
	    (long long)clock_now());
	if (sts_assume_role(api, cred, &role, deadline, cred, err) == 0)
		return 0;
	return err_wrap(err, hop->role_arn);
}

static const char token_file[] = "AWS_WEB_IDENTITY_TOKEN_FILE";

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
	if (req->env && env_get(conf_env(req->conf), token_file) != NULL)
		return NULL;
	return conf_owner(req->conf, req->profile,
	    &token_file[sizeof "AWS_" - 1]);
}

/* The token without the blanks and line ends behind it. */
static int
read_web_token(char **out, const char *path, const struct owner *by,
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

static int
fetch_web(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	return cred_role_assume(out, plan->token, &plan->web, api, deadline,
	    err);
}

int
cred_role_web_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	const char *path = setting(req, token_file);
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
	if (check_role(&web, err) != 0 ||
	    read_web_token(&plan->token, path, path_owner(req), err) != 0)
		return -1;
	plan->web = web;
	plan->fetch = fetch_web;
	return 0;
}
