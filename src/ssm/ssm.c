#include "ssm/ssm.h"

#include <string.h>

#include "aws/api.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

enum { TOO_MANY_UPDATES_TRIES = 3 };

int
ssm_call(const struct ssm *ssm, const char *operation, const char *body,
    struct api_reply *reply, struct err *err)
{
	struct api_request req = {
		.service = API_SSM,
		.operation = operation,
		.body = body,
		.role = ssm->role,
		.deadline = ssm->deadline,
	};

	if (ssm->as == NULL)
		return client_call(ssm->client, &req, reply, err);
	req.signer.kind = SIGV4_HMAC;
	req.signer.cred = ssm->as;
	return api_call(client_api(ssm->client), &req, reply, err);
}

/* {"KEY":"VALUE"}, the whole of most requests. */
static int
one_member(struct buf *out, const char *key, const char *value, struct err *err)
{
	struct json *doc = json_new_object();
	int rc = -1;

	if (json_add_text(doc, key, value) == 0 && json_print(out, doc) == 0 &&
	    buf_ok(out))
		rc = 0;
	else
		err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
	json_free(doc);
	return rc;
}

bool
ssm_is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == '-'
		        ? text[i] != '-'
		        : strchr("0123456789abcdef", text[i]) == NULL)
			return false;
	}
	return true;
}

bool
ssm_is_node(const char *text)
{
	struct slice s = slice_of(text);

	return slice_starts(s, "mi-") && s.len >= 10 && s.len < SSM_NODE_SIZE &&
	       slice_all_in(slice_skip(s, 3), "0123456789abcdef");
}

void
ssm_activation_wipe(struct ssm_activation *activation)
{
	explicit_bzero(activation, sizeof(*activation));
}

static struct json *
tags_array(const struct ssm_activation_in *in)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < in->tag_count; i++) {
		struct json *tag = json_new_object();

		if (json_add_text(tag, "Key", in->tags[i].key) != 0 ||
		    json_add_text(tag, "Value", in->tags[i].value) != 0) {
			json_free(tag);
			goto fail;
		}
		if (json_add(list, NULL, tag) != 0)
			goto fail;
	}
	return list;
fail:
	json_free(list);
	return NULL;
}

static int
encode_activation(struct buf *out, const struct ssm_activation_in *in,
    struct err *err)
{
	struct json *doc = json_new_object();
	bool ok = true;

	ok = ok && json_add_text(doc, "IamRole", in->role) == 0;
	if (in->name != NULL)
		ok = ok &&
		     json_add_text(doc, "DefaultInstanceName", in->name) == 0;
	if (in->description != NULL)
		ok = ok &&
		     json_add_text(doc, "Description", in->description) == 0;
	ok = ok && json_add_number(doc, "RegistrationLimit", 1) == 0;
	ok = ok &&
	     json_add_number(doc, "ExpirationDate", (double)in->expires) == 0;
	if (in->tag_count > 0)
		ok = ok && json_add(doc, "Tags", tags_array(in)) == 0;
	ok = ok && json_print(out, doc) == 0 && buf_ok(out);
	json_free(doc);
	return ok ? 0
	          : err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
}

/* A member of an answer, checked and copied. */
static int
take_text(const struct json *doc, const char *key, char *out, size_t size,
    struct err *err)
{
	const char *text = json_text(doc, key);

	if (text == NULL || *text == '\0' ||
	    !slice_copy(slice_of(text), out, size))
		return err_set(err, ERR_KIND_PARSE,
		    "the answer has no usable %s", key);
	return 0;
}

static int
decode_activation(struct ssm_activation *out, struct api_reply *reply,
    struct err *err)
{
	struct ssm_activation new = { 0 };
	struct json *doc = NULL;
	int rc = -1;

	if (api_reply_json(reply, &doc, err) != 0 ||
	    take_text(doc, "ActivationId", new.id, sizeof(new.id), err) != 0 ||
	    take_text(doc, "ActivationCode", new.code, sizeof(new.code), err) !=
	        0)
		goto out;
	if (!ssm_is_uuid(new.id)) {
		err_set(err, ERR_KIND_PARSE, "the ActivationId is no UUID");
		goto out;
	}
	*out = new;
	rc = 0;
out:
	json_free(doc);
	ssm_activation_wipe(&new);
	return rc;
}

int
ssm_create_activation(const struct ssm *ssm, const struct ssm_activation_in *in,
    struct ssm_activation *out, bool *ambiguous, struct err *err)
{
	struct buf body = { 0 };
	struct api_reply reply = { 0 };
	int rc = -1;

	*ambiguous = false;
	if (encode_activation(&body, in, err) != 0)
		goto out;
	rc = ssm_call(ssm, "CreateActivation", buf_str(&body), &reply, err);
	*ambiguous = reply.ambiguous;
	if (rc == 0 && decode_activation(out, &reply, err) != 0) {
		/* It was carried out, and its id is in the part that we
		 * could not read. */
		*ambiguous = true;
		rc = -1;
	}
out:
	api_reply_free(&reply);
	buf_free(&body);
	return rc == 0 ? 0 : err_wrap(err, "CreateActivation");
}

/* An operation with one member and an empty answer; gone lists the codes
 * that mean that there is nothing left to remove. */
static int
remove_one(const struct ssm *ssm, const char *operation, const char *body,
    const char *const *gone, struct err *err)
{
	for (int try = 1;; try++) {
		struct api_reply reply = { 0 };
		struct err now = { 0 };
		int rc = ssm_call(ssm, operation, body, &reply, &now);

		api_reply_free(&reply);
		if (rc == 0)
			return 0;
		for (const char *const *code = gone; *code != NULL; code++) {
			if (strcmp(now.peer_code, *code) == 0)
				return 0;
		}
		if (strcmp(now.peer_code, "TooManyUpdates") != 0 ||
		    try >= TOO_MANY_UPDATES_TRIES) {
			if (err != NULL)
				*err = now;
			return err_wrap(err, operation);
		}
	}
}

int
ssm_delete_activation(const struct ssm *ssm, const char *id, struct err *err)
{
	static const char *const gone[] = { "InvalidActivation",
		"InvalidActivationId", NULL };
	struct buf body = { 0 };
	int rc = -1;

	if (one_member(&body, "ActivationId", id, err) == 0)
		rc = remove_one(ssm, "DeleteActivation", buf_str(&body), gone,
		    err);
	buf_free(&body);
	return rc;
}

int
ssm_deregister(const struct ssm *ssm, const char *node, struct err *err)
{
	static const char *const gone[] = { "InvalidInstanceId", NULL };
	struct buf body = { 0 };
	int rc = -1;

	if (one_member(&body, "InstanceId", node, err) == 0)
		rc = remove_one(ssm, "DeregisterManagedInstance",
		    buf_str(&body), gone, err);
	buf_free(&body);
	return rc;
}

static int
encode_register(struct buf *out, const struct ssm_register_in *in,
    struct err *err)
{
	struct json *doc = json_new_object();
	bool ok = true;

	ok = ok &&
	     json_add_text(doc, "ActivationCode", in->activation->code) == 0;
	ok = ok && json_add_text(doc, "ActivationId", in->activation->id) == 0;
	ok = ok && json_add_text(doc, "Fingerprint", in->fingerprint) == 0;
	ok = ok && json_add_text(doc, "PublicKey", in->public_key) == 0;
	ok = ok && json_add_text(doc, "PublicKeyType", "Rsa") == 0;
	ok = ok && json_print(out, doc) == 0 && buf_ok(out);
	json_free(doc);
	return ok ? 0
	          : err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
}

int
ssm_register(const struct ssm *ssm, const struct ssm_register_in *in,
    char node[static SSM_NODE_SIZE], struct err *err)
{
	struct api_request req = {
		.service = API_SSM,
		.operation = "RegisterManagedInstance",
		.secret = in->activation->code,
		.signer = { .kind = SIGV4_NONE },
		.deadline = ssm->deadline,
	};
	struct api_reply reply = { 0 };
	struct buf body = { 0 };
	struct json *doc = NULL;
	char id[SSM_NODE_SIZE];
	int rc = -1;

	if (encode_register(&body, in, err) != 0)
		goto out;
	req.body = buf_str(&body);
	if (api_call(client_api(ssm->client), &req, &reply, err) != 0 ||
	    api_reply_json(&reply, &doc, err) != 0 ||
	    take_text(doc, "InstanceId", id, sizeof(id), err) != 0)
		goto out;
	if (!ssm_is_node(id)) {
		err_set(err, ERR_KIND_PARSE, "the InstanceId is no node id");
		goto out;
	}
	memcpy(node, id, sizeof(id));
	rc = 0;
out:
	json_free(doc);
	api_reply_free(&reply);
	buf_free(&body);
	return rc == 0 ? 0 : err_wrap(err, "RegisterManagedInstance");
}

static int
decode_token(struct cred *out, struct api_reply *reply, struct err *err)
{
	struct cred new = { .method = "managed-node" };
	struct json *doc = NULL;
	double expires = 0;
	int rc = -1;

	if (api_reply_json(reply, &doc, err) != 0)
		goto out;
	if (json_text(doc, "AccessKeyId") == NULL ||
	    json_text(doc, "SecretAccessKey") == NULL ||
	    json_text(doc, "SessionToken") == NULL ||
	    !json_number(doc, "TokenExpirationDate", &expires)) {
		err_set(err, ERR_KIND_PARSE, "the answer is incomplete");
		goto out;
	}
	new.access_key = strdup(json_text(doc, "AccessKeyId"));
	new.secret_key = strdup(json_text(doc, "SecretAccessKey"));
	new.token = strdup(json_text(doc, "SessionToken"));
	if (expires > 0 && expires < 1e11)
		new.expires = (int64_t)expires;
	if (new.access_key == NULL || new.secret_key == NULL ||
	    new.token == NULL) {
		err_set(err, ERR_KIND_SYSTEM, "no memory for credentials");
		goto out;
	}
	cred_free(out);
	*out = new;
	new = (struct cred){ 0 };
	rc = 0;
out:
	cred_free(&new);
	json_free(doc);
	return rc;
}

int
ssm_role_token(const struct ssm *ssm, const struct ssm_node *node,
    struct cred *out, struct err *err)
{
	struct api_request req = {
		.service = API_SSM,
		.operation = "RequestManagedInstanceRoleToken",
		.signer = { .kind = SIGV4_RSA,
		    .key = node->key,
		    .node = node->id },
		.deadline = ssm->deadline,
	};
	struct api_reply reply = { 0 };
	struct buf body = { 0 };
	int rc = -1;

	if (one_member(&body, "Fingerprint", node->fingerprint, err) != 0)
		goto out;
	req.body = buf_str(&body);
	if (api_call(client_api(ssm->client), &req, &reply, err) == 0)
		rc = decode_token(out, &reply, err);
out:
	api_reply_free(&reply);
	buf_free(&body);
	return rc == 0 ? 0 : err_wrap(err, "RequestManagedInstanceRoleToken");
}
