#include "aws/sts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aws/api.h"
#include "aws/cred.h"
#include "aws/query.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
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

void
sts_identity_free(struct sts_identity *identity)
{
	free(identity->account);
	free(identity->arn);
	*identity = (struct sts_identity){ .account = NULL };
}

/* The text of OperationResponse/OperationResult/PATH as a string of its own;
 * NULL when it is not there. */
static int
take(const struct api_reply *reply, const char *operation, const char *path,
    char **out, struct err *err)
{
	struct slice doc = slice_make(reply->body.data, reply->body.len);
	struct buf where = { 0 }, text = { 0 };
	int rc;

	buf_printf(&where, "%sResponse/%sResult/%s", operation, operation,
	    path);
	rc = xml_find(doc, buf_str(&where), &text, err);
	if (rc == 0 && text.len > 0) {
		*out = slice_dup(slice_make(text.data, text.len));
		if (*out == NULL)
			rc = err_set(err, ERR_KIND_SYSTEM, "no memory");
	}
	buf_free(&where);
	buf_free(&text);
	return rc < 0 ? -1 : 0;
}

static int
lacks(const char *operation, struct err *err)
{
	return err_set(err, ERR_KIND_PARSE,
	    "%s: the answer of STS lacks what was asked for", operation);
}

static int
decode_credentials(const struct api_reply *reply, const char *operation,
    struct sts_credentials *out, struct err *err)
{
	struct sts_credentials got = { .expires = 0 };
	char *expires = NULL;
	int rc = -1;

	if (take(reply, operation, "Credentials/AccessKeyId", &got.access_key,
	        err) != 0 ||
	    take(reply, operation, "Credentials/SecretAccessKey",
	        &got.secret_key, err) != 0 ||
	    take(reply, operation, "Credentials/SessionToken", &got.token,
	        err) != 0 ||
	    take(reply, operation, "Credentials/Expiration", &expires, err) !=
	        0 ||
	    take(reply, operation, "AssumedRoleUser/Arn", &got.arn, err) != 0)
		goto out;
	if (got.access_key == NULL || got.secret_key == NULL ||
	    got.token == NULL || expires == NULL ||
	    !clock_parse_iso(slice_of(expires), &got.expires)) {
		lacks(operation, err);
		goto out;
	}
	*out = got;
	got = (struct sts_credentials){ .expires = 0 };
	rc = 0;
out:
	sts_credentials_free(&got);
	free(expires);
	return rc;
}

static int
call_for_credentials(struct api *api, struct api_request *req,
    const struct buf *form, struct sts_credentials *out, struct err *err)
{
	struct api_reply reply = { .status = 0 };
	int rc = -1;

	if (!buf_ok(form)) {
		err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s: the parameters are too long", req->operation);
		goto out;
	}
	req->service = API_STS;
	req->body = buf_str(form);
	req->for_credentials = true;
	if (api_call(api, req, &reply, err) == 0)
		rc = decode_credentials(&reply, req->operation, out, err);
out:
	api_reply_free(&reply);
	return rc;
}

int
sts_assume_role(struct api *api, const struct cred *base,
    const struct sts_role *role, int64_t deadline, struct sts_credentials *out,
    struct err *err)
{
	struct api_request req = { .operation = "AssumeRole",
		.signer = { .kind = SIGV4_HMAC, .cred = base },
		.role = role->role_arn,
		.secret = role->external_id,
		.deadline = deadline };
	struct buf form = { 0 };
	int rc;

	query_add(&form, "RoleArn", role->role_arn);
	query_add(&form, "RoleSessionName", role->session_name);
	query_add(&form, "ExternalId", role->external_id);
	query_add(&form, "DurationSeconds", role->duration);
	rc = call_for_credentials(api, &req, &form, out, err);
	buf_free(&form);
	return rc;
}

int
sts_assume_role_with_web_identity(struct api *api, const struct sts_role *role,
    const char *token, int64_t deadline, struct sts_credentials *out,
    struct err *err)
{
	struct api_request req = { .operation = "AssumeRoleWithWebIdentity",
		.role = role->role_arn,
		.secret = token,
		.deadline = deadline };
	struct buf form = { 0 };
	int rc;

	query_add(&form, "RoleArn", role->role_arn);
	query_add(&form, "RoleSessionName", role->session_name);
	query_add(&form, "WebIdentityToken", token);
	rc = call_for_credentials(api, &req, &form, out, err);
	buf_free(&form);
	return rc;
}

int
sts_caller_identity(struct api *api, const struct cred *cred, int64_t deadline,
    struct sts_identity *out, struct err *err)
{
	static const char operation[] = "GetCallerIdentity";
	struct api_request req = { .service = API_STS,
		.operation = operation,
		.signer = { .kind = SIGV4_HMAC, .cred = cred },
		.for_credentials = true,
		.deadline = deadline };
	struct api_reply reply = { .status = 0 };
	struct sts_identity got = { .account = NULL };
	int rc = -1;

	if (api_call(api, &req, &reply, err) != 0 ||
	    take(&reply, operation, "Account", &got.account, err) != 0 ||
	    take(&reply, operation, "Arn", &got.arn, err) != 0)
		goto out;
	if (got.account == NULL || got.arn == NULL) {
		lacks(operation, err);
		goto out;
	}
	*out = got;
	got = (struct sts_identity){ .account = NULL };
	rc = 0;
out:
	sts_identity_free(&got);
	api_reply_free(&reply);
	return rc;
}
