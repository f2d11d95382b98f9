/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "aws/api.h"
#include "aws/cred/source.h"
#include "aws/cred/value.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";
enum { ROLE_MAX = 64 }; /* characters of an IAM role's name */

/* Credentials past their time may still work when EC2 renews them late; they
 * are read again after 17 to 25 minutes. */
enum { STALE_LIFE_S = 17 * 60, STALE_SPREAD_S = 8 * 60 };

int
cred_imds_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err)
{
	(void)req;
	(void)err;
	if (plan->imds.disabled)
		return cred_skip(plan, "AWS_EC2_METADATA_DISABLED is true");
	plan->fetch = cred_imds_fetch;
	return 0;
}

/* Nothing there, see why: no credentials, or for a role's source a failure. */
static int
no_keys(const struct cred_plan *plan, const struct err *why, struct err *err)
{
	if (plan->hop_count > 0) {
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "no credentials in credential_source Ec2InstanceMetadata: "
		    "%s",
		    why->msg);
	}
	return cred_none(plan, why->msg, err);
}

/* Say that of the service instead of what was said. */
static int
blame_service(struct imds_talk *talk, const char *what, const char *more)
{
	err_clear(&talk->why);
	err_set(&talk->why, ERR_KIND_API, "%.60s%s%.150s", what,
	    more[0] != '\0' ? ": " : "", more);
	return 1;
}

/* Append the path of the role's keys: its name is the answer's first line. */
static int
find_instance_role(struct imds_talk *talk, struct buf *path)
{
	struct slice line;

	if (imds_line(talk, role_path, &line) != 0) {
		return talk->why.http_status == 404
		           ? blame_service(talk, "the instance has no role", "")
		           : 1;
	}
	if (line.len > ROLE_MAX || !slice_all_in(line, CRED_ROLE_LETTERS))
		return blame_service(talk, "the role's name is not one", "");
	buf_puts(path, role_path);
	buf_add(path, line.ptr, line.len);
	return buf_ok(path) ? 0 : blame_service(talk, "out of memory", "");
}

/* All of the document has to be there; it may say why it is not. */
static int
decode_keys(struct cred *out, struct imds_talk *talk)
{
	const struct json *doc = talk->ask.doc;
	const char *code = json_text(doc, "Code");
	const char *text = json_text(doc, "Message");
	struct cred cred = { 0 };

	if (cred_value_json(&cred, doc, "Token", &talk->why) == 0 &&
	    cred.token != NULL && cred.expires != 0) {
		cred_value_free(out);
		*out = cred;
		return 0;
	}
	cred_value_free(&cred);
	if (code != NULL && strcmp(code, "Success") != 0)
		return blame_service(talk, code, text != NULL ? text : "");
	err_set(&talk->why, ERR_KIND_PARSE,
	    "the answer lacks Token or Expiration");
	return 1;
}

static void
accept_stale(struct cred *cred, int64_t now)
{
	char when[CLOCK_ISO_SIZE];

	if (cred_value_lasts(cred, now, 0))
		return;
	clock_iso(cred->expires, when);
	log_event(LOG_WARN, "credentials_stale",
	    "the instance's credentials expired at %s and are used all the "
	    "same",
	    when);
	cred->expires =
	    now + STALE_LIFE_S + (int64_t)(rng_unit() * STALE_SPREAD_S);
}

int
cred_imds_fetch(struct cred *out, const struct cred_plan *plan, struct api *api,
    int64_t deadline, struct err *err)
{
	struct imds_talk talk;
	struct buf path = { 0 };
	int rc = imds_start(&talk, &plan->imds, api, deadline, err);

	if (rc == 0)
		rc = find_instance_role(&talk, &path);
	if (rc == 0)
		rc = imds_get(&talk, buf_str(&path), true);
	if (rc == 0)
		rc = decode_keys(out, &talk);
	if (rc == 0)
		accept_stale(out, clock_now() + api->clock_offset);
	if (rc == 1)
		rc = no_keys(plan, &talk.why, err);
	buf_free(&path);
	imds_stop(&talk);
	return rc;
}
