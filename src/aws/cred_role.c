#include <string.h>

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Limits of AssumeRole (STS API reference). */
enum { EXTERNAL_ID_MAX = 1224, DURATION_MIN = 900, DURATION_DIGITS = 9 };

static int
check_text(const char *text, const char *what, const char *allowed, size_t max,
    struct err *err)
{
	struct slice s = slice_of(text);

	if (text == NULL)
		return 0;
	if (s.len < 2 || s.len > max || !slice_all_in(s, allowed)) {
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s must be 2 to %zu characters of letters, digits and "
		    "%s",
		    what, max, &allowed[sizeof LETTERS - 1]);
	}
	return 0;
}

int
cred_role_check(const struct cred_hop *hop, struct err *err)
{
	if (check_text(hop->session_name, "the role session name",
	        LETTERS "_+=,.@-", CRED_SESSION_MAX, err) != 0 ||
	    check_text(hop->external_id, "external_id", LETTERS "_+=,.@:/-",
	        EXTERNAL_ID_MAX, err) != 0)
		return -1;
	return 0;
}

/* A text that is no number is ignored, as the AWS CLI does. */
static int
read_duration(struct cred_hop *hop, const char *text, struct err *err)
{
	struct slice s = slice_of(text);
	uint64_t seconds = 0;

	if (!slice_all_in(s, "0123456789") || s.len > DURATION_DIGITS)
		return 0;
	if (slice_u64(s, UINT32_MAX, &seconds) && seconds < DURATION_MIN) {
		return err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "profile \"%.100s\": duration_seconds is below %d",
		    hop->profile, DURATION_MIN);
	}
	hop->duration = text;
	return 0;
}

/* Either way to get the credentials that the role is assumed with. */
struct origin {
	const char *profile; /* source_profile */
	const char *source;  /* credential_source */
};

static int
read_origin(struct origin *out, const struct cred_request *req, struct err *err)
{
	const char *who = req->profile;
	struct origin origin = {
		.profile = conf_value(req->conf, who, "source_profile"),
		.source = conf_value(req->conf, who, "credential_source"),
	};

	if (origin.profile != NULL && origin.source != NULL) {
		return err_set(err, ERR_KIND_CONFIG,
		    "profile \"%.100s\" has both source_profile and "
		    "credential_source",
		    who);
	}
	if (origin.profile == NULL && origin.source == NULL) {
		return err_set(err, ERR_KIND_PARTIAL_CREDENTIALS,
		    "profile \"%.100s\" has role_arn but neither "
		    "source_profile nor credential_source",
		    who);
	}
	if (origin.profile != NULL &&
	    !conf_has_profile(req->conf, origin.profile)) {
		return err_set(err, ERR_KIND_CONFIG,
		    "source_profile \"%.100s\" of profile \"%.100s\" does not "
		    "exist",
		    origin.profile, who);
	}
	*out = origin;
	return 0;
}

/* Add the role of the profile to the plan. */
static int
add_hop(struct cred_plan *plan, const struct cred_request *req, struct err *err)
{
	const struct conf *conf = req->conf;
	const char *who = req->profile;
	struct cred_hop hop = {
		.profile = who,
		.role_arn = conf_value(conf, who, "role_arn"),
		.session_name = conf_value(conf, who, "role_session_name"),
		.external_id = conf_value(conf, who, "external_id"),
	};

	if (plan->hop_count == CRED_HOPS_MAX) {
		return err_set(err, ERR_KIND_CONFIG,
		    "more than %d roles to assume one after the other",
		    CRED_HOPS_MAX);
	}
	if (conf_value(conf, who, "mfa_serial") != NULL) {
		return err_set(err, ERR_KIND_CONFIG,
		    "profile \"%.100s\" needs an MFA code; ssm-activate does "
		    "not support MFA",
		    who);
	}
	if (cred_role_check(&hop, err) != 0)
		return err_wrap(err, who);
	if (read_duration(&hop, conf_value(conf, who, "duration_seconds"),
	        err) != 0)
		return -1;
	plan->hops[plan->hop_count++] = hop;
	return 0;
}

static int
use_source(struct cred_plan *plan, const struct cred_request *req,
    const char *name, struct err *err)
{
	static const struct {
		const char *name, *method;
		int (*plan)(struct cred_plan *plan,
		    const struct cred_request *req, struct err *err);
	} sources[] = {
		{ "Environment", "env", cred_env_plan },
		{ "EcsContainer", "container-role", cred_container_plan },
		{ "Ec2InstanceMetadata", "iam-role", cred_imds_plan },
	};
	struct cred_request env = *req;

	env.env = true;
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		int rc;

		if (!slice_eq_nocase(slice_of(name), sources[i].name))
			continue;
		plan->base_method = sources[i].method;
		rc = sources[i].plan(plan, &env, err);
		if (rc == 1) {
			rc = err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
			    "no credentials in credential_source %s of "
			    "profile \"%.100s\"",
			    sources[i].name, req->profile);
		}
		return rc;
	}
	return err_set(err, ERR_KIND_CONFIG,
	    "credential_source of profile \"%.100s\" is none of Environment, "
	    "EcsContainer, Ec2InstanceMetadata",
	    req->profile);
}

static bool
has_static_keys(const struct conf *conf, const char *profile)
{
	return conf_value(conf, profile, "aws_access_key_id") != NULL ||
	       conf_value(conf, profile, "aws_secret_access_key") != NULL;
}

static bool
has_role(const struct conf *conf, const char *profile)
{
	return conf_value(conf, profile, "role_arn") != NULL &&
	       conf_value(conf, profile, "web_identity_token_file") == NULL;
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

/* A profile may name itself when it has static keys; no other one may come
 * twice. */
static int
check_loop(const struct cred_plan *plan, const struct cred_request *req,
    const char *source, struct err *err)
{
	if (!visited(plan, source))
		return 0;
	if (strcmp(source, req->profile) == 0 &&
	    has_static_keys(req->conf, source))
		return 0;
	return err_set(err, ERR_KIND_CONFIG,
	    "infinite loop: source_profile of \"%.100s\" leads back to "
	    "\"%.100s\"",
	    req->profile, source);
}

static int
use_profile(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	int rc = cred_profile_plan(plan, req, err);

	if (rc == 1) {
		rc = err_set(err, ERR_KIND_CONFIG,
		    "source_profile \"%.100s\" has no credentials",
		    req->profile);
	}
	return rc;
}

int
cred_role_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	struct cred_request at = *req;
	struct origin origin = { 0 };

	if (!has_role(req->conf, req->profile))
		return cred_skip(plan, "no role_arn in the profile");
	at.env = false;
	/* add_hop() ends this at the latest. */
	for (;;) {
		if (read_origin(&origin, &at, err) != 0 ||
		    add_hop(plan, &at, err) != 0)
			return -1;
		if (origin.profile == NULL)
			return use_source(plan, &at, origin.source, err);
		if (check_loop(plan, &at, origin.profile, err) != 0)
			return -1;
		at.profile = origin.profile;
		if (has_static_keys(at.conf, at.profile) ||
		    !has_role(at.conf, at.profile))
			return use_profile(plan, &at, err);
	}
}

void
cred_role_describe(struct sts_role *out, const struct cred_hop *hop,
    char session[static CRED_SESSION_MAX + 1])
{
	(void)format_text(session, CRED_SESSION_MAX + 1, "ssm-activate-%lld",
	    (long long)clock_now());
	*out = (struct sts_role){
		.role_arn = hop->role_arn,
		.session_name =
		    hop->session_name != NULL ? hop->session_name : session,
		.external_id = hop->external_id,
		.duration = hop->duration,
	};
}

int
cred_role_take(struct cred *out, const struct sts_credentials *got,
    struct err *err)
{
	const struct cred_values values = {
		.access_key = { "AccessKeyId", got->access_key },
		.secret_key = { "SecretAccessKey", got->secret_key },
		.token = { "SessionToken", got->token },
		.rule = CRED_VALUE_IN_SECRET,
		.kind = ERR_KIND_CREDENTIAL_RETRIEVAL,
	};

	if (cred_value_take(out, &values, err) != 0)
		return -1;
	out->expires = got->expires;
	return 0;
}

static int
assume(struct cred *cred, const struct cred_hop *hop, struct api *api,
    int64_t deadline, struct err *err)
{
	struct sts_credentials got = { 0 };
	struct sts_role role = { 0 };
	char session[CRED_SESSION_MAX + 1];
	int rc = -1;

	cred_role_describe(&role, hop, session);
	if (sts_assume_role(api, cred, &role, deadline, &got, err) == 0)
		rc = cred_role_take(cred, &got, err);
	sts_credentials_free(&got);
	return rc;
}

int
cred_role_fetch(struct cred *cred, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err)
{
	for (size_t i = plan->hop_count; i > 0; i--) {
		const struct cred_hop *hop = &plan->hops[i - 1];

		if (assume(cred, hop, api, deadline, err) != 0)
			return err_wrap(err, hop->role_arn);
	}
	return 0;
}
