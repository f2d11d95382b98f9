#include <string.h>

#include "agent/vault.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

static int
parse_object(struct json **out, const char *text, const char *what,
    struct err *err)
{
	struct json *doc = NULL;

	if (json_parse(&doc, text, strlen(text), err) != 0)
		return err_wrap(err, what);
	if (!json_is_object(doc)) {
		json_free(doc);
		return err_set(err, ERR_KIND_PARSE, "%s: not an object", what);
	}
	*out = doc;
	return 0;
}

/* A member that is missing, empty or no text gives the empty slice. */
static struct slice
member(const struct json *doc, const char *name)
{
	return slice_of(json_text(doc, name));
}

static int
decode_key(struct vault *out, const struct json *doc, struct err *err)
{
	struct slice node = member(doc, "instanceID");
	struct slice region = member(doc, "region");
	struct slice key = member(doc, "privateKey");

	/* The agent's own test whether it is registered
	 * (registration.HasManagedInstancesCredentials). */
	if (node.len == 0 || region.len == 0 || key.len == 0)
		return 0;
	if (!slice_copy(node, out->node, sizeof(out->node)) ||
	    !slice_copy(region, out->region, sizeof(out->region)))
		return err_set(err, ERR_KIND_PARSE,
		    "RegistrationKey: too long");
	out->private_key = slice_dup(key);
	if (out->private_key == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	return 0;
}

static int
decode_fingerprint(struct vault *out, const char *text, struct err *err)
{
	struct json *doc = NULL;
	struct slice value;
	int rc = -1;

	if (text == NULL)
		return err_set(err, ERR_KIND_PARSE,
		    "InstanceFingerprint: missing");
	if (parse_object(&doc, text, "InstanceFingerprint", err) != 0)
		goto out;
	value = member(doc, "fingerprint");
	if (slice_copy(value, out->fingerprint, sizeof(out->fingerprint)))
		rc = 0;
	else
		err_set(err, ERR_KIND_PARSE, "InstanceFingerprint: too long");
out:
	json_free(doc);
	return rc;
}

int
vault_decode(struct vault *out, const char *key_text,
    const char *fingerprint_text, struct err *err)
{
	struct vault new = { 0 };
	struct json *doc = NULL;
	int rc = -1;

	if (key_text != NULL &&
	    (parse_object(&doc, key_text, "RegistrationKey", err) != 0 ||
	        decode_key(&new, doc, err) != 0))
		goto out;
	if (new.private_key != NULL &&
	    (decode_fingerprint(&new, fingerprint_text, err) != 0 ||
	        vault_check(&new, err) != 0))
		goto out;
	vault_free(out);
	*out = new;
	new = (struct vault){ 0 };
	rc = 0;
out:
	vault_free(&new);
	json_free(doc);
	return rc;
}

static int
decode_place(char *out, size_t size, const struct json *doc, const char *name,
    struct err *err)
{
	struct slice path = member(doc, name);

	if (path.len == 0)
		return 0;
	if (!slice_starts(path, "/") || !slice_copy(path, out, size))
		return err_set(err, ERR_KIND_PARSE, "Manifest: bad path of %s",
		    name);
	return 0;
}

int
vault_decode_manifest(struct vault_places *out, const char *text,
    struct err *err)
{
	struct vault_places new = { 0 };
	struct json *doc = NULL;
	int rc = -1;

	if (parse_object(&doc, text, "Manifest", err) != 0)
		goto out;
	if (decode_place(new.key, sizeof(new.key), doc, "RegistrationKey",
	        err) != 0)
		goto out;
	if (decode_place(new.fingerprint, sizeof(new.fingerprint), doc,
	        "InstanceFingerprint", err) != 0)
		goto out;
	*out = new;
	rc = 0;
out:
	json_free(doc);
	return rc;
}
