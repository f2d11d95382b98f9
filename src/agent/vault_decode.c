#include "agent/vault.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

/* The object of the file called what; NULL if it is none. */
static struct json *
parse_object(const char *text, const char *what, struct err *err)
{
	struct slice whole = slice_of(text);
	struct json *doc = NULL;

	if (text == NULL)
		err_set(err, ERR_KIND_PARSE, "missing");
	else if (json_parse(&doc, text, whole.len, err) == 0 &&
	         !json_is_object(doc)) {
		err_set(err, ERR_KIND_PARSE, "not an object");
		json_free(doc);
		doc = NULL;
	}
	if (doc == NULL)
		err_wrap(err, what);
	return doc;
}

/* A member that is missing, empty or no text gives the empty slice. */
static struct slice
member(const struct json *doc, const char *name)
{
	return slice_of(json_text(doc, name));
}

/* What is too long becomes empty, which vault_check() refuses. */
static int
decode(struct vault *out, const struct json *key,
    const struct json *fingerprint, struct err *err)
{
	(void)slice_copy(member(key, "instanceID"), out->node,
	    sizeof(out->node));
	(void)slice_copy(member(key, "region"), out->region,
	    sizeof(out->region));
	(void)slice_copy(member(fingerprint, "fingerprint"), out->fingerprint,
	    sizeof(out->fingerprint));
	out->private_key = slice_dup(member(key, "privateKey"));
	if (out->private_key == NULL)
		return err_memory(err);
	return vault_check(out, err);
}

/* The agent's own test whether it is registered
 * (registration.HasManagedInstancesCredentials). */
static bool
has_identity(const struct json *key)
{
	return member(key, "instanceID").len > 0 &&
	       member(key, "region").len > 0 &&
	       member(key, "privateKey").len > 0;
}

int
vault_decode(struct vault *out, const char *key_text,
    const char *fingerprint_text, struct err *err)
{
	struct json *key, *fingerprint = NULL;
	struct vault new = { 0 };
	int rc = -1;

	if (key_text == NULL)
		return 1;
	key = parse_object(key_text, "RegistrationKey", err);
	if (key != NULL && !has_identity(key))
		rc = 1;
	else if (key != NULL)
		fingerprint =
		    parse_object(fingerprint_text, "InstanceFingerprint", err);
	if (fingerprint != NULL)
		rc = decode(&new, key, fingerprint, err);
	if (rc == 0) {
		vault_free(out);
		*out = new;
	} else {
		vault_free(&new);
	}
	json_free(fingerprint);
	json_free(key);
	return rc;
}

static bool
decode_place(char out[static VAULT_PATH_MAX], const struct json *doc,
    const char *name)
{
	struct slice path = member(doc, name);

	return path.len == 0 || (slice_starts(path, "/") &&
	                            slice_copy(path, out, VAULT_PATH_MAX));
}

int
vault_decode_manifest(struct vault_places *out, const char *text,
    struct err *err)
{
	struct vault_places new = { 0 };
	struct json *doc = parse_object(text, "Manifest", err);
	int rc = 0;

	if (doc == NULL)
		return -1;
	if (decode_place(new.key, doc, "RegistrationKey") &&
	    decode_place(new.fingerprint, doc, "InstanceFingerprint"))
		*out = new;
	else
		rc = err_set(err, ERR_KIND_PARSE, "Manifest: bad path");
	json_free(doc);
	return rc;
}
