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
ssm_call(const struct ssm *ssm, const char *operation, const struct buf *body,
    struct api_reply *reply, struct err *err)
{
	struct api_request req = {
		.service = API_SSM,
		.operation = operation,
		.body = buf_str(body),
		.role = ssm->role,
		.deadline = ssm->deadline,
		.max_attempts = ssm->max_attempts,
	};

	if (!buf_ok(body))
		return err_set(err, ERR_KIND_SYSTEM, "no memory for a request");
	if (ssm->as == NULL)
		return client_call(ssm->client, &req, reply, err);
	req.signer.kind = SIGV4_HMAC;
	req.signer.cred = ssm->as;
	return api_call(client_api(ssm->client), &req, reply, err);
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

/* Absent members are left out: null is not a value of theirs. */
static void
encode_activation(struct buf *out, const struct ssm_activation_in *in)
{
	const char *before = "";

	json_write(out, "{\"IamRole\":%", in->role);
	if (in->name != NULL)
		json_write(out, ",\"DefaultInstanceName\":%", in->name);
	if (in->description != NULL)
		json_write(out, ",\"Description\":%", in->description);
	json_write(out, ",\"RegistrationLimit\":1,\"ExpirationDate\":#",
	    (long long)in->expires);
	if (in->tag_count > 0)
		buf_puts(out, ",\"Tags\":[");
	for (size_t i = 0; i < in->tag_count; i++) {
		json_write(out, "@{\"Key\":%,\"Value\":%}", before,
		    in->tags[i].key, in->tags[i].value);
		before = ",";
	}
	buf_puts(out, in->tag_count > 0 ? "]}" : "}");
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
	struct ssm once = *ssm;
	int rc = -1;

	/* Who has to wait here is one of a crowd: whoever called repeats it,
	 * with pauses that suit that. */
	once.max_attempts = 1;
	*ambiguous = false;
	encode_activation(&body, in);
	rc = ssm_call(&once, "CreateActivation", &body, &reply, err);
	*ambiguous = reply.ambiguous;
	if (rc == 0 && decode_activation(out, &reply, err) != 0) {
		/* It was carried out, and its id is in the part that we
		 * could not read. */
		*ambiguous = true;
		rc = -1;
	}
	api_reply_free(&reply);
	buf_free(&body);
	return rc;
}

/* An operation whose answer is empty; gone lists the codes that mean that
 * there is nothing left to remove. */
static int
remove_one(const struct ssm *ssm, const char *operation, struct buf *body,
    const char *const *gone, struct err *err)
{
	struct err now = { 0 };
	int rc = -1;

	for (int try = 0; try < TOO_MANY_UPDATES_TRIES; try++) {
		struct api_reply reply = { 0 };

		err_clear(&now);
		rc = ssm_call(ssm, operation, body, &reply, &now);
		api_reply_free(&reply);
		if (rc == 0 || strcmp(now.peer_code, "TooManyUpdates") != 0)
			break;
	}
	buf_free(body);
	for (; rc != 0 && *gone != NULL; gone++) {
		if (strcmp(now.peer_code, *gone) == 0)
			rc = 0;
	}
	if (rc == 0)
		return 0;
	if (err != NULL)
		*err = now;
	return -1;
}

int
ssm_delete_activation(const struct ssm *ssm, const char *id, struct err *err)
{
	static const char *const gone[] = { "InvalidActivation",
		"InvalidActivationId", NULL };
	struct buf body = { 0 };

	json_write(&body, "{\"ActivationId\":%}", id);
	return remove_one(ssm, "DeleteActivation", &body, gone, err);
}

int
ssm_deregister(const struct ssm *ssm, const char *node, struct err *err)
{
	static const char *const gone[] = { "InvalidInstanceId", NULL };
	struct buf body = { 0 };

	json_write(&body, "{\"InstanceId\":%}", node);
	return remove_one(ssm, "DeregisterManagedInstance", &body, gone, err);
}

int
ssm_register(const struct ssm *ssm, const struct ssm_register_in *in,
    char node[static SSM_NODE_SIZE], bool *ambiguous, struct err *err)
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

	json_write(&body,
	    "{\"ActivationCode\":%,\"ActivationId\":%,\"Fingerprint\":%,"
	    "\"PublicKey\":%,\"PublicKeyType\":\"Rsa\"}",
	    in->activation->code, in->activation->id, in->fingerprint,
	    in->public_key);
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
	*ambiguous = reply.ambiguous;
	json_free(doc);
	api_reply_free(&reply);
	buf_free(&body);
	return rc;
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

	json_write(&body, "{\"Fingerprint\":%}", node->fingerprint);
	req.body = buf_str(&body);
	if (api_call(client_api(ssm->client), &req, &reply, err) == 0)
		rc = decode_token(out, &reply, err);
	api_reply_free(&reply);
	buf_free(&body);
	return rc;
}
