/* SPDX-License-Identifier: MIT */
#include "agent/vault.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/volume.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/slice.h"

#define HEXADECIMAL "ABCDEF0123456789abcdef"
#define LOWER       "0123456789abcdefghijklmnopqrstuvwxyz"
#define UPPER       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { KEY_TEXT_MAX = 8192 };

/* The files as enum vault_file has them.  They
 * are written in this order and removed in the other one, so that whenever
 * there is a manifest, everything else is there, too. */
static const char *const paths[] = { PATHS_KEY, PATHS_FINGERPRINT,
	PATHS_REGISTRATION, PATHS_MANIFEST };

void
vault_free(struct vault *vault)
{
	slice_drop(&vault->private_key);
	*vault = (struct vault){ 0 };
}

/* The start, and behind it at least one character, all of the set. */
static bool
is_good(const char *text, size_t max, const char *start, const char *set)
{
	struct slice s = slice_of(text);

	return s.len <= max && slice_starts(s, start) &&
	       slice_all_in(slice_skip(s, slice_of(start).len), set);
}

int
vault_check(const struct vault *vault, struct err *err)
{
	const char *bad = NULL;

	if (!is_good(vault->private_key, KEY_TEXT_MAX, "", "+/=" UPPER LOWER))
		bad = "private key";
	if (slice_of(vault->fingerprint).len != VAULT_UUID_SIZE - 1 ||
	    !is_good(vault->fingerprint, VAULT_UUID_SIZE, "", "-" HEXADECIMAL))
		bad = "fingerprint";
	if (!is_good(vault->region, sizeof vault->region - 1, "", "-" LOWER))
		bad = "region";
	if (!is_good(vault->node, VAULT_NODE_MAX - 1, "mi-", LOWER))
		bad = "node id";
	if (bad == NULL)
		return 0;
	return err_set(err, ERR_KIND_PARSE, "bad %s", bad);
}

/* Those of the vault with exactly the mode that the agent sets itself. */
static int
make_folders(struct err *err)
{
	int lib = volume_open(VOLUME_LIB, err);
	int vault = -1, store = -1;
	int rc = -1;

	if (lib >= 0)
		vault = file_folder_below(lib, "Vault", 0600, err);
	if (vault >= 0)
		store = file_folder_below(vault, "Store", 0600, err);
	if (store < 0)
		goto out;
	rc = file_chmod(vault, 0600) == 0 ? file_chmod(store, 0600) : -1;
	if (rc != 0)
		err_sys(err, ERR_KIND_SYSTEM, "chmod " PATHS_VAULT);
out:
	file_close(&store);
	file_close(&vault);
	file_close(&lib);
	return rc;
}

static int
write_files(const struct vault *vault, int64_t when, struct err *err)
{
	struct buf text = { 0 };
	int rc = 0;

	for (int i = VAULT_KEY; i <= VAULT_MANIFEST && rc == 0; i++) {
		vault_encode(&text, (enum vault_file)i, vault, when);
		rc = buf_ok(&text) ? file_write_own(paths[i], 0600,
		                         slice_make(text.data, text.len), err)
		                   : err_memory(err);
		buf_free(&text);
	}
	return rc;
}

int
vault_save(const struct vault *vault, int64_t when, struct err *err)
{
	/* Without its manifest an older identity counts for nothing, so no
	 * crash from here on leaves key and fingerprint of two nodes. */
	if (vault_check(vault, err) == 0 && vault_remove(err) == 0) {
		if (make_folders(err) == 0 &&
		    write_files(vault, when, err) == 0)
			return 0;
		/* err is set already, so that the error of the removal does not
		 * replace it. */
		vault_remove(err);
	}
	return err_wrap(err, "vault");
}

static const char *
text_of(enum file_found found, const struct buf *text)
{
	return found == FILE_FOUND ? buf_str(text) : NULL;
}

static int
load_places(struct vault *out, const struct vault_places *places,
    struct err *err)
{
	struct buf key = { 0 }, fingerprint = { 0 };
	enum file_found has_key = file_read_own(places->key, &key, err);
	enum file_found has_fingerprint =
	    file_read_own(places->fingerprint, &fingerprint, err);
	int rc = -1;

	if (has_key != FILE_FAILED && has_fingerprint != FILE_FAILED)
		rc = vault_decode(out, text_of(has_key, &key),
		    text_of(has_fingerprint, &fingerprint), err);
	buf_free(&key);
	buf_free(&fingerprint);
	return rc;
}

int
vault_load(struct vault *out, struct err *err)
{
	struct vault_places places = { 0 };
	struct buf manifest = { 0 };
	enum file_found found = file_read_own(PATHS_MANIFEST, &manifest, err);
	int rc = found == FILE_ABSENT ? 1 : -1;

	if (found == FILE_FOUND)
		rc = vault_decode_manifest(&places, buf_str(&manifest), err);
	if (rc == 0)
		rc = load_places(out, &places, err);
	buf_free(&manifest);
	return rc == -1 ? err_wrap(err, "vault") : rc;
}

int
vault_remove(struct err *err)
{
	int rc = 0;

	for (int i = VAULT_MANIFEST; i >= VAULT_KEY; i--)
		rc |= file_remove_own(paths[i], err);
	return rc | file_remove_own(PATHS_IDENTITY, err);
}

int
vault_remove_data(const char *node, struct err *err)
{
	int dir = -1;
	int rc = 0;

	switch (file_folder_find(&dir, PATHS_LIB, 0700, err)) {
	case FILE_FAILED:
		return -1;
	case FILE_ABSENT:
		return 0;
	case FILE_FOUND:
		break;
	}
	rc = file_tree_remove(dir, node, err);
	close(dir);
	return rc == 0 ? 0 : err_wrap(err, PATHS_LIB);
}

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
	slice_copy(member(key, "instanceID"), out->node, sizeof out->node);
	slice_copy(member(key, "region"), out->region, sizeof out->region);
	slice_copy(member(fingerprint, "fingerprint"), out->fingerprint,
	    sizeof out->fingerprint);
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

static void
encode_key(struct buf *out, const struct vault *vault, int64_t when)
{
	char date[CLOCK_ISO_SIZE];

	/* Go's "2006-01-02 15:04:05.999999999 -0700 MST" of a full second. */
	clock_iso(when, date);
	date[10] = ' ';
	date[19] = '\0';
	json_write(out,
	    "{\"instanceID\":%,\"region\":%,\"instanceType\":\"\","
	    "\"availabilityZone\":\"\",\"privateKey\":%,\"publicKey\":\"\","
	    "\"privateKeyType\":\"Rsa\","
	    "\"privateKeyCreatedDate\":\"@ +0000 UTC\"}",
	    vault->node, vault->region, vault->private_key, date);
}

void
vault_encode(struct buf *out, enum vault_file file, const struct vault *vault,
    int64_t when)
{
	switch (file) {
	case VAULT_KEY:
		encode_key(out, vault, when);
		break;
	case VAULT_FINGERPRINT:
		/* With the threshold -1 the agent compares no hardware: a
		 * container's host name or address may change, and no empty
		 * map invalidates the fingerprint. */
		json_write(out,
		    "{\"fingerprint\":%,\"hardwareHash\":{},"
		    "\"similarityThreshold\":-1}",
		    vault->fingerprint);
		break;
	case VAULT_REGISTRATION:
		json_write(out, "{\"ManagedInstanceID\":%,\"Region\":%}",
		    vault->node, vault->region);
		break;
	case VAULT_MANIFEST:
		buf_puts(out,
		    "{\"InstanceFingerprint\":\"" PATHS_FINGERPRINT "\","
		    "\"RegistrationKey\":\"" PATHS_KEY "\"}");
		break;
	}
}
