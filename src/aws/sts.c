/* SPDX-License-Identifier: MIT */
#include "aws/sts.h"

#include "aws/api.h"
#include "aws/cred/cred.h"
#include "aws/cred/value.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

/* Append NAME=VALUE, after a '&' when the form has begun; nothing without a
 * value (NULL). */
static void
add_field(struct buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (form->len > 0)
		buf_putc(form, '&');
	sigv4_encode(form, slice_of(name));
	buf_putc(form, '=');
	sigv4_encode(form, slice_of(value));
}

/* <OperationResponse><OperationResult>…</OperationResult>…: the result, or
 * NULL. */
static const struct json *
find_result(const struct json *doc)
{
	const struct json *member = json_first(json_first(doc));

	while (member != NULL &&
	       !slice_ends(slice_of(json_name(member)), "Result"))
		member = json_next(member);
	return member;
}

int
sts_form(struct buf *form, const struct json *params, struct err *err)
{
	const struct json *member = json_first(params);

	for (; member != NULL; member = json_next(member)) {
		const char *name = json_name(member);
		const char *text = json_string(member);
		struct buf value = { 0 };

		if (json_is_object(member) || json_is_array(member) ||
		    json_is_null(member)) {
			return err_set(err, ERR_KIND_PARAM_VALIDATION,
			    "parameter %s: this service takes strings, "
			    "numbers and booleans only",
			    name);
		}
		if (text != NULL)
			buf_puts(&value, text);
		else
			json_print(&value, member);
		form->failed |= value.failed;
		add_field(form, name, buf_str(&value));
		buf_free(&value);
	}
	return buf_ok(form)
	           ? 0
	           : err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
}

int
sts_answer(const struct api_reply *reply, struct json **out, struct err *err)
{
	struct slice body = slice_make(reply->body.data, reply->body.len);
	struct json *doc = NULL, *root, *result;

	if (xml_parse(&doc, body, err) != 0)
		return -1;
	root = json_object_in(doc, json_name(json_first(doc)));
	result = json_detach(root, json_name(find_result(doc)));
	json_free(doc);
	if (!json_is_object(result)) {
		json_free(result);
		result = json_new('{', NULL);
	}
	*out = result;
	return result != NULL ? 0 : err_memory(err);
}

static void
add_role(struct buf *form, const struct sts_role *role)
{
	bool web = role->token != NULL;

	add_field(form, "RoleArn", role->role_arn);
	add_field(form, "RoleSessionName", role->session_name);
	add_field(form, "ExternalId", web ? NULL : role->external_id);
	add_field(form, "DurationSeconds", web ? NULL : role->duration);
	add_field(form, "WebIdentityToken", role->token);
}

int
sts_assume_role(struct api *api, const struct cred *base,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err)
{
	bool web = role->token != NULL;
	struct buf form = { 0 };
	struct api_request req = {
		.service = API_STS,
		.operation = web ? "AssumeRoleWithWebIdentity" : "AssumeRole",
		.signer = { .kind = web ? SIGV4_NONE : SIGV4_HMAC,
		    .cred = base },
		.deadline = deadline,
		.role = role->role_arn,
		.secret = web ? role->token : role->external_id,
		.for_credentials = true,
	};
	struct cred got = { .method = out->method };
	struct api_reply reply = { 0 };
	struct json *result = NULL;
	int rc = -1;

	add_role(&form, role);
	req.body = buf_str(&form);
	if (!buf_ok(&form)) {
		err_set(err, ERR_KIND_PARAM_VALIDATION,
		    "%s: the parameters are too long", req.operation);
		goto out;
	}
	if (api_call(api, &req, &reply, err) != 0 ||
	    sts_answer(&reply, &result, err) != 0)
		goto out;
	if (cred_value_json(&got, json_get(result, "Credentials"),
	        "SessionToken", NULL) != 0 ||
	    got.token == NULL || got.expires == 0) {
		err_set(err, ERR_KIND_PARSE,
		    "%s: the answer of STS lacks what was asked for",
		    req.operation);
		goto out;
	}
	cred_value_free(out);
	*out = got;
	got = (struct cred){ 0 };
	rc = 0;
out:
	cred_value_free(&got);
	json_free(result);
	api_reply_free(&reply);
	buf_free(&form);
	return rc;
}
