#include "aws/sts.h"

#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred/cred.h"
#include "aws/query.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
sts_credentials_free(struct sts_credentials *cred)
{
	wipe(cred->access_key);
	wipe(cred->secret_key);
	wipe(cred->token);
	free(cred->arn);
	*cred = (struct sts_credentials){ .expires = 0 };
}

/* Make the call and read its answer: *result, a part of *doc, which is to be
 * freed, holds the members. */
static int
call(struct api *api, struct api_request *req, struct json **doc,
    const struct json **result, struct err *err)
{
	struct api_reply reply = { .status = 0 };
	int rc;

	req->service = API_STS;
	req->for_credentials = true;
	rc = api_call(api, req, &reply, err);
	if (rc == 0)
		rc = xml_parse(doc, slice_make(reply.body.data, reply.body.len),
		    err);
	*result = query_result(*doc);
	api_reply_free(&reply);
	return rc;
}

/* A text of an answer as a string of its own; NULL when it is not there. */
static char *
copy(const struct json *from, const char *name)
{
	const char *text = json_text(from, name);

	return text != NULL && *text != '\0' ? slice_dup(slice_of(text)) : NULL;
}

static int
assume(struct api *api, struct api_request *req, const struct sts_role *role,
    struct sts_credentials *out, struct err *err)
{
	struct sts_credentials got = { .expires = 0 };
	struct buf form = { 0 };
	struct json *doc = NULL;
	const struct json *result, *keys;
	int rc = -1;

	query_add(&form, "RoleArn", role->role_arn);
	query_add(&form, "RoleSessionName", role->session_name);
	query_add(&form, "ExternalId", role->external_id);
	query_add(&form, "DurationSeconds", role->duration);
	if (req->signer.kind == SIGV4_NONE)
		query_add(&form, "WebIdentityToken", req->secret);
	req->body = buf_str(&form);
	req->role = role->role_arn;
	if (!buf_ok(&form)) {
		err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s: the parameters are too long", req->operation);
		goto out;
	}
	if (call(api, req, &doc, &result, err) != 0)
		goto out;
	keys = json_get(result, "Credentials");
	got = (struct sts_credentials){
		.access_key = copy(keys, "AccessKeyId"),
		.secret_key = copy(keys, "SecretAccessKey"),
		.token = copy(keys, "SessionToken"),
		.arn = copy(json_get(result, "AssumedRoleUser"), "Arn"),
	};
	if (got.access_key == NULL || got.secret_key == NULL ||
	    got.token == NULL ||
	    !clock_parse_iso(slice_of(json_text(keys, "Expiration")),
	        &got.expires)) {
		err_set(err, ERR_KIND_PARSE,
		    "%s: the answer of STS lacks what was asked for",
		    req->operation);
		goto out;
	}
	*out = got;
	got = (struct sts_credentials){ .expires = 0 };
	rc = 0;
out:
	sts_credentials_free(&got);
	json_free(doc);
	buf_free(&form);
	return rc;
}

int
sts_assume_role(struct api *api, const struct cred *base,
    const struct sts_role *role, int64_t deadline, struct sts_credentials *out,
    struct err *err)
{
	struct api_request req = { .operation = "AssumeRole",
		.signer = { .kind = SIGV4_HMAC, .cred = base },
		.secret = role->external_id,
		.deadline = deadline };

	return assume(api, &req, role, out, err);
}

int
sts_assume_role_with_web_identity(struct api *api, const struct sts_role *role,
    const char *token, int64_t deadline, struct sts_credentials *out,
    struct err *err)
{
	struct api_request req = { .operation = "AssumeRoleWithWebIdentity",
		.secret = token,
		.deadline = deadline };
	struct sts_role bare = { .role_arn = role->role_arn,
		.session_name = role->session_name };

	return assume(api, &req, &bare, out, err);
}
