/* SPDX-License-Identifier: MIT */
#include "ssm/ssm.h"

#include <string.h>

#include "aws/api.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"
#include "ssm/node.h"

enum {
	PAUSE_MS = 200, /* five a second are a known limit */
	PAUSE_MAX_MS = 25600,
	PAGE = 50, /* entries of a listing */
	PAGES_MAX = 200,
};

void
ssm_pace_begin(struct ssm_pace *pace)
{
	pace->until = clock_in(SSM_PATIENCE_MS);
	pace->pause_ms = PAUSE_MS;
}

/* Whether to repeat a call that is throttled even after the attempts of
 * aws/retry (see base/clock.h); err is empty after a success. */
static bool
wait_for_turn(const struct ssm *ssm, bool throttled, struct err *err)
{
	struct ssm_pace *pace = ssm->pace;
	int64_t next = 0;

	if (pace == NULL)
		return false;
	pace->slowed = throttled;
	if (err->retry != ERR_THROTTLED) {
		if (err->kind == ERR_KIND_NONE || err->kind == ERR_KIND_API)
			ssm_pace_begin(pace);
		return false;
	}
	next = clock_in(pace->pause_ms);
	if (next >= pace->until ||
	    (ssm->deadline != 0 && next >= ssm->deadline))
		return false;
	clock_sleep(next);
	pace->pause_ms = (int)clock_backoff(pace->pause_ms, PAUSE_MAX_MS, 2, 1);
	err_clear(err);
	return true;
}

int
ssm_exchange(const struct ssm *ssm, struct ssm_exchange *what, struct err *err)
{
	struct api_request req = {
		.service = what->service,
		.operation = what->operation,
		.body = buf_str(&what->body),
		.secret = what->secret,
		.role = ssm->role,
		.deadline = ssm->deadline,
		.max_attempts = what->max_attempts,
		.own = what->signer == NULL && ssm->as == NULL,
	};
	struct api_reply reply = { 0 };
	bool throttled = false;
	int rc = -1;

	if (what->signer != NULL) {
		req.signer = *what->signer;
	} else if (ssm->as != NULL) {
		req.signer.kind = SIGV4_HMAC;
		req.signer.cred = ssm->as;
	}
	do {
		api_reply_free(&reply);
		if (!buf_ok(&what->body))
			err_memory(err);
		else
			rc = api_call(client_api(ssm->client), &req, &reply,
			    err);
		throttled |= reply.throttled;
	} while (wait_for_turn(ssm, throttled, err));
	what->ambiguous = reply.ambiguous;
	if (rc == 0) {
		rc = api_reply_json(&reply, &what->doc, err);
		/* It was carried out, whatever the answer says. */
		what->ambiguous |= rc != 0;
	}
	api_reply_free(&reply);
	buf_free(&what->body);
	return rc;
}

void
ssm_activation_wipe(struct ssm_activation *activation)
{
	explicit_bzero(activation, sizeof *activation);
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
take_member(struct ssm_exchange *what, const char *key, char *out, size_t size,
    bool (*fits)(const char *text), struct err *err)
{
	const char *text = json_text(what->doc, key);

	if (text != NULL && *text != '\0' && (fits == NULL || fits(text)) &&
	    slice_copy(slice_of(text), out, size))
		return 0;
	what->ambiguous = true;
	return err_set(err, ERR_KIND_PARSE, "%s: the answer has no usable %s",
	    what->operation, key);
}

int
ssm_create_activation(const struct ssm *ssm, const struct ssm_activation_in *in,
    struct ssm_activation *out, bool *ambiguous, struct err *err)
{
	/* Not retried here: the keeper retries with longer pauses, because
	 * many containers start at once (base/clock.h). */
	struct ssm_exchange what = {
		.operation = "CreateActivation",
		.max_attempts = 1,
	};
	struct ssm_activation new = { 0 };
	int rc = -1;

	encode_activation(&what.body, in);
	if (ssm_exchange(ssm, &what, err) == 0 &&
	    take_member(&what, "ActivationId", new.id, sizeof new.id,
	        id_is_uuid, err) == 0 &&
	    take_member(&what, "ActivationCode", new.code, sizeof new.code,
	        NULL, err) == 0) {
		*out = new;
		rc = 0;
	}
	*ambiguous = what.ambiguous;
	json_free(what.doc);
	ssm_activation_wipe(&new);
	return rc;
}

/* An operation whose answer is empty; gone lists the codes that mean that
 * there is nothing left to remove. */
static int
remove_one(const struct ssm *ssm, const char *operation, const char *template,
    const char *id, const char *gone, struct err *err)
{
	struct ssm_exchange what = { .operation = operation };
	struct err now = { 0 };
	int rc = -1;

	json_write(&what.body, template, id);
	rc = ssm_exchange(ssm, &what, &now);
	json_free(what.doc);
	if (rc == 0 || slice_names(gone, now.peer_code))
		return 0;
	if (err != NULL)
		*err = now;
	return rc;
}

int
ssm_delete_activation(const struct ssm *ssm, const char *id, struct err *err)
{
	return remove_one(ssm, "DeleteActivation", "{\"ActivationId\":%}", id,
	    "InvalidActivation InvalidActivationId", err);
}

int
ssm_deregister(const struct ssm *ssm, const char *node, struct err *err)
{
	return remove_one(ssm, "DeregisterManagedInstance",
	    "{\"InstanceId\":%}", node, "InvalidInstanceId", err);
}

int
ssm_register(const struct ssm *ssm, const struct ssm_register_in *in,
    char node[static SSM_NODE_SIZE], bool *ambiguous, struct err *err)
{
	const struct sigv4_signer nobody = { .kind = SIGV4_NONE };
	struct ssm_exchange what = {
		.operation = "RegisterManagedInstance",
		.secret = in->activation->code,
		.signer = &nobody,
	};
	int rc = -1;

	json_write(&what.body,
	    "{\"ActivationCode\":%,\"ActivationId\":%,\"Fingerprint\":%,"
	    "\"PublicKey\":%,\"PublicKeyType\":\"Rsa\"}",
	    in->activation->code, in->activation->id, in->fingerprint,
	    in->public_key);
	if (ssm_exchange(ssm, &what, err) == 0)
		rc = take_member(&what, "InstanceId", node, SSM_NODE_SIZE,
		    id_is_node, err);
	*ambiguous = what.ambiguous;
	json_free(what.doc);
	return rc;
}

static int
decode_token(struct cred *out, const struct json *doc, struct err *err)
{
	struct cred new = { .method = "managed-node" };
	double expires = 0;

	new.access_key = slice_dup(slice_of(json_text(doc, "AccessKeyId")));
	new.secret_key = slice_dup(slice_of(json_text(doc, "SecretAccessKey")));
	new.token = slice_dup(slice_of(json_text(doc, "SessionToken")));
	if (new.access_key != NULL &&*new.access_key != '\0' &&
	    new.secret_key != NULL &&*new.secret_key != '\0' &&
	    new.token != NULL &&*new.token != '\0' &&
	    json_number(doc, "TokenExpirationDate", &expires) && expires > 0 &&
	    expires < 1e11) {
		new.expires = (int64_t)expires;
		cred_value_free(out);
		*out = new;
		return 0;
	}
	cred_value_free(&new);
	return err_set(err, ERR_KIND_PARSE,
	    "RequestManagedInstanceRoleToken: the answer is incomplete");
}

int
ssm_role_token(const struct ssm *ssm, const struct ssm_node *node,
    struct cred *out, bool *renew, struct err *err)
{
	const struct sigv4_signer itself = {
		.kind = SIGV4_RSA,
		.key = node->key,
		.remote = node->signer,
		.node = node->id,
	};
	const struct node_request body = { .kind = NODE_TOKEN,
		.fingerprint = node->fingerprint };
	struct ssm_exchange what = {
		.operation = "RequestManagedInstanceRoleToken",
		.signer = &itself,
	};
	int rc = -1;

	node_body(&body, &what.body);
	if (ssm_exchange(ssm, &what, err) == 0)
		rc = decode_token(out, what.doc, err);
	if (rc == 0 && renew != NULL &&
	    !json_bool(what.doc, "UpdateKeyPair", renew))
		*renew = false;
	json_free(what.doc);
	return rc;
}

int
ssm_update_key(const struct ssm *ssm, const struct ssm_node *node,
    const char *public_key, struct err *err)
{
	const struct sigv4_signer itself = {
		.kind = SIGV4_RSA,
		.key = node->key,
		.remote = node->signer,
		.node = node->id,
	};
	const struct node_request body = { .kind = NODE_NEW_KEY,
		.public_key = public_key };
	struct ssm_exchange what = {
		.operation = "UpdateManagedInstancePublicKey",
		.signer = &itself,
	};
	int rc;

	node_body(&body, &what.body);
	rc = ssm_exchange(ssm, &what, err);
	json_free(what.doc);
	return rc;
}

int
ssm_update_information(const struct ssm *ssm, const struct ssm_report *report,
    struct err *err)
{
	struct ssm_exchange what = { .operation = "UpdateInstanceInformation" };
	int rc;

	json_write(&what.body,
	    "{\"AgentName\":\"amazon-ssm-agent\",\"AgentStatus\":\"Active\","
	    "\"AgentVersion\":%,\"AvailabilityZone\":\"\","
	    "\"AvailabilityZoneId\":\"\",\"ComputerName\":%,\"IPAddress\":%,"
	    "\"InstanceId\":%,\"PlatformName\":%,\"PlatformType\":\"Linux\","
	    "\"PlatformVersion\":%,\"SSMConnectionChannel\":%}",
	    report->version, report->computer, report->address, report->node,
	    report->platform, report->platform_version,
	    report->connected ? "ssmmessages" : "");
	rc = ssm_exchange(ssm, &what, err);
	json_free(what.doc);
	return rc;
}

static int
decode_parameter(struct ssm_parameter *out, const struct json *doc,
    struct err *err)
{
	const struct json *found = json_get(doc, "Parameter");
	const char *value = json_text(found, "Value");
	double version = 0, written = 0;

	if (value == NULL || !json_number(found, "Version", &version) ||
	    !json_number(found, "LastModifiedDate", &written) || version < 1 ||
	    version > SSM_COUNT_MAX || written < 0 ||
	    written > (double)UINT32_MAX)
		return err_set(err, ERR_KIND_PARSE,
		    "GetParameter: the answer is incomplete");
	slice_copy(slice_of(value), out->value, sizeof out->value);
	out->version = (int64_t)version;
	out->written = (int64_t)(written * 1000);
	return 0;
}

int
ssm_get_parameter(const struct ssm *ssm, const char *name,
    struct ssm_parameter *out, struct err *err)
{
	/* The next time is soon: once more, for a clock that is wrong. */
	struct ssm_exchange what = {
		.operation = "GetParameter",
		.max_attempts = 2,
	};
	int rc;

	json_write(&what.body, "{\"Name\":%}", name);
	rc = ssm_exchange(ssm, &what, err);
	if (rc == 0)
		rc = decode_parameter(out, what.doc, err);
	json_free(what.doc);
	return rc;
}

/* One of the two listings, which differ in names only. */
struct listing {
	const char *operation;
	const char *filter; /* the template of the member */
	const char *list, *id;
	bool (*is_id)(const char *text);
	const char *key, *value; /* of the filter; no value: no filter */
	const char *text;        /* in the description; "" = any */
	const struct ssm_sink *sink;
};

static int
take_page(const struct listing *what, const struct json *doc, struct err *err)
{
	const struct json *item = json_first(json_get(doc, what->list));

	for (; item != NULL; item = json_next(item)) {
		const char *id = json_text(item, what->id);
		const char *description = json_text(item, "Description");

		if (id != NULL && what->is_id(id) &&
		    slice_find(slice_of(description), what->text) >= 0 &&
		    what->sink->found(what->sink->context, id, item, err) != 0)
			return -1;
	}
	return 0;
}

/* The next page's token replaces the one in next, "" at the end. */
static int
next_page(const struct json *doc, struct buf *next, struct err *err)
{
	const char *token = json_text(doc, "NextToken");

	if (token != NULL && *token != '\0' &&
	    strcmp(token, buf_str(next)) == 0)
		return err_set(err, ERR_KIND_PARSE,
		    "the listing repeats its NextToken");
	buf_cut(next, 0);
	buf_puts(next, token != NULL ? token : "");
	return buf_ok(next) ? 0
	                    : err_set(err, ERR_KIND_PARSE,
	                          "the listing's NextToken is too long");
}

static int
get_page(const struct listing *what, const struct ssm *ssm, struct buf *next,
    struct err *err)
{
	struct ssm_exchange page = { .operation = what->operation };
	int rc = -1;

	json_write(&page.body, "{\"MaxResults\":#", (long long)PAGE);
	if (what->value != NULL)
		json_write(&page.body, what->filter, what->key, what->value);
	if (next->len > 0)
		json_write(&page.body, ",\"NextToken\":%", buf_str(next));
	buf_putc(&page.body, '}');
	if (ssm_exchange(ssm, &page, err) == 0 &&
	    take_page(what, page.doc, err) == 0)
		rc = next_page(page.doc, next, err);
	json_free(page.doc);
	return rc;
}

static int
list_all(const struct listing *what, const struct ssm *ssm, struct err *err)
{
	struct buf next = { 0 };
	int rc = 0;

	for (int page = 0; page < PAGES_MAX && rc == 0; page++) {
		rc = get_page(what, ssm, &next, err);
		if (next.len == 0)
			break;
	}
	if (rc == 0 && next.len > 0)
		rc = err_set(err, ERR_KIND_PARSE, "%s: the listing has no end",
		    what->operation);
	buf_free(&next);
	return rc;
}

int
ssm_find_activations(const struct ssm *ssm, const char *role, const char *text,
    const struct ssm_sink *sink, struct err *err)
{
	const struct listing what = {
		.operation = "DescribeActivations",
		.filter = ",\"Filters\":[{\"FilterKey\":%,"
		          "\"FilterValues\":[%]}]",
		.list = "ActivationList",
		.id = "ActivationId",
		.is_id = id_is_uuid,
		.key = "IamRole",
		.value = role,
		.text = text,
		.sink = sink,
	};

	return list_all(&what, ssm, err);
}

int
ssm_find_nodes(const struct ssm *ssm, const char *key, const char *value,
    const struct ssm_sink *sink, struct err *err)
{
	const struct listing what = {
		.operation = "DescribeInstanceInformation",
		.filter = ",\"Filters\":[{\"Key\":%,\"Values\":[%]}]",
		.list = "InstanceInformationList",
		.id = "InstanceId",
		.is_id = id_is_node,
		.key = key,
		.value = value,
		.text = "",
		.sink = sink,
	};

	return list_all(&what, ssm, err);
}
