#include <string.h>

#include "aws/api.h"
#include "aws/cred_source.h"
#include "aws/cred_value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/format.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";

/* Characters of an IAM role's name (IAM API reference, RoleName). */
static const char role_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+=,.@_-";
enum { ROLE_MAX = 64 };

/* Credentials past their time may still work when EC2 renews them late; they
 * are read again after 17 to 25 minutes. */
enum { STALE_LIFE_S = 17 * 60, STALE_SPREAD_S = 8 * 60 };

int
cred_imds_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	if (imds_settings(&plan->imds, req->conf, err) != 0)
		return -1;
	if (plan->imds.disabled)
		return cred_skip(plan, "AWS_EC2_METADATA_DISABLED is true");
	plan->kind = CRED_BASE_IMDS;
	return 0;
}

/* Nothing there: no credentials, or for a role's source a failure. */
static int
none(const struct cred_plan *plan, const char *why, struct err *err)
{
	if (plan->hop_count > 0) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "no credentials in credential_source Ec2InstanceMetadata: "
		    "%s",
		    why);
	}
	return cred_none(plan, why, err);
}

/* The name of the role is the first line of the answer. */
static int
read_role(struct imds_talk *talk, const struct cred_plan *plan,
    struct buf *path, struct err *err)
{
	struct buf text = { .max = IMDS_BODY_MAX };
	struct slice rest, line = { 0 };
	int status = 0, rc = -1;

	if (imds_get(talk, role_path, false, &text, &status) != 0) {
		rc = none(plan,
		    status == 404 ? "the instance has no role" : talk->why,
		    err);
		goto out;
	}
	rest = slice_make(buf_str(&text), text.len);
	(void)slice_line(&rest, &line);
	line = slice_trim(line);
	if (line.len > ROLE_MAX || !slice_all_in(line, role_letters)) {
		rc = none(plan, "the role's name is not one", err);
		goto out;
	}
	buf_puts(path, role_path);
	buf_add(path, line.ptr, line.len);
	rc = buf_ok(path) ? 0 : err_set(err, ERR_KIND_SYSTEM, "out of memory");
out:
	buf_free(&text);
	return rc;
}

static int
decode(struct cred *out, const struct cred_plan *plan, const struct buf *text,
    struct err *err)
{
	struct json *doc = NULL;
	struct cred cred = { 0 };
	struct err cause = { 0 };
	char why[IMDS_WHY_MAX] = "the answer lacks Token or Expiration";
	const char *code;
	int rc = -1;

	if (json_parse(&doc, buf_str(text), text->len, err) != 0)
		return -1;
	if (cred_value_json(&cred, doc, "Token", &cause) == 0 &&
	    cred.token != NULL && cred.expires != 0) {
		cred_free(out);
		*out = cred;
		cred = (struct cred){ 0 };
		rc = 0;
		goto out;
	}
	if (cause.kind != ERR_KIND_NONE)
		(void)format_text(why, sizeof why, "%.200s", cause.msg);
	code = json_text(doc, "Code");
	if (code != NULL && strcmp(code, "Success") != 0) {
		(void)format_text(why, sizeof why, "%.60s: %.150s", code,
		    json_text(doc, "Message") != NULL
		        ? json_text(doc, "Message")
		        : "no message");
	}
	rc = none(plan, why, err);
out:
	cred_free(&cred);
	json_free(doc);
	return rc;
}

static void
accept_stale(struct cred *cred, int64_t now)
{
	char when[CLOCK_ISO_SIZE];

	if (cred_fresh(cred, now, 0))
		return;
	clock_iso(cred->expires, when);
	log_event(LOG_WARN, "credentials_stale",
	    "the instance's credentials expired at %s and are used all the "
	    "same",
	    when);
	cred->expires =
	    now + STALE_LIFE_S + (int64_t)(rng_unit() * STALE_SPREAD_S);
}

static int
talk_to(struct imds_talk *talk, struct cred *out, const struct cred_plan *plan,
    struct err *err)
{
	struct buf path = { 0 };
	struct buf text = { .max = IMDS_BODY_MAX };
	int status = 0, rc = -1;

	switch (imds_start(talk, err)) {
	case 0:
		break;
	case 1:
		return none(plan, talk->why, err);
	default:
		return -1;
	}
	if (read_role(talk, plan, &path, err) != 0)
		goto out;
	if (imds_get(talk, buf_str(&path), true, &text, &status) != 0)
		rc = none(plan, talk->why, err);
	else
		rc = decode(out, plan, &text, err);
out:
	buf_free(&text);
	buf_free(&path);
	return rc;
}

int
cred_imds_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct imds_talk talk = {
		.imds = &plan->imds, .api = api, .deadline = deadline
	};
	int rc = talk_to(&talk, out, plan, err);

	if (rc == 0)
		accept_stale(out, clock_now() + api->clock_offset);
	imds_stop(&talk);
	return rc;
}
