/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "standin.h"

#define DIGITS "0123456789"

void
identity_free(struct identity *id)
{
	rsa_free(id->key);
	*id = (struct identity){ 0 };
}

static int
bad(struct err *err, const char *what)
{
	return err_set(err, ERR_KIND_PARSE, "vault: %s", what);
}

/* The agent makes it so at every start, or takes it for unregistered. */
static int
harden(const char *path, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	if ((st.st_uid != 0 || st.st_gid != 0) && lchown(path, 0, 0) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "chown %s", path);
	if ((st.st_mode & 07777) != 0600 && chmod(path, 0600) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "chmod %s", path);
	return 0;
}

static int
read_object(struct json **out, const char *path, struct err *err)
{
	struct buf text = { 0 };
	struct json *doc = NULL;
	int rc = -1;

	switch (file_read(path, &text, err)) {
	case FILE_FOUND:
		if (slice_has(slice_make(text.data, text.len), '\n'))
			(void)bad(err, "a newline in the file");
		else if (json_parse(&doc, text.data, text.len, err) == 0)
			rc = 0;
		break;
	case FILE_ABSENT:
		(void)err_set(err, ERR_KIND_SYSTEM, "%s is missing", path);
		break;
	case FILE_FAILED:
		break;
	}
	buf_free(&text);
	if (rc == 0)
		*out = doc;
	return rc;
}

/* "2006-01-02 15:04:05[.999999999] -0700 MST" */
static bool
is_date(struct slice text)
{
	struct slice day, time, seconds, fraction, offset;

	if (!slice_split(text, ' ', &day, &text) ||
	    !slice_split(text, ' ', &time, &text) ||
	    !slice_split(text, ' ', &offset, &text))
		return false;
	if (slice_split(time, '.', &seconds, &fraction) &&
	    (fraction.len > 9 || !slice_all_in(fraction, DIGITS) ||
	        slice_ends(fraction, "0")))
		return false;
	time = slice_head(time, 8);
	return day.len == 10 && slice_all_in(day, DIGITS "-") &&
	       time.len == 8 && slice_all_in(time, DIGITS ":") &&
	       offset.len == 5 && slice_all_in(offset, DIGITS "+-") &&
	       slice_all_in(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

static int
take_key(struct identity *out, const char *text, struct err *err)
{
	struct buf der = { 0 };
	int rc = -1;

	if (digest_base64_decode(&der, slice_of(text)) != 0)
		(void)bad(err, "privateKey is not base64");
	else
		rc = rsa_parse(&out->key, der.data, der.len, err);
	buf_free(&der);
	return rc;
}

static bool
is_empty(const struct json *doc, const char *name)
{
	const char *text = json_text(doc, name);

	return text != NULL && text[0] == '\0';
}

static int
take_registration(struct identity *out, const struct json *doc, struct err *err)
{
	struct slice node = slice_of(json_text(doc, "instanceID"));
	struct slice region = slice_of(json_text(doc, "region"));
	const char *key = json_text(doc, "privateKey");

	if (node.len == 0 || region.len == 0 || key == NULL || key[0] == '\0')
		return bad(err, "not registered");
	if (!slice_starts(node, "mi-") ||
	    !slice_all_in(slice_skip(node, 3), DIGITS "abcdef") ||
	    node.len != 20 || !slice_copy(node, out->node, sizeof(out->node)))
		return bad(err, "instanceID");
	if (!slice_copy(region, out->region, sizeof(out->region)))
		return bad(err, "region");
	if (!is_empty(doc, "instanceType") ||
	    !is_empty(doc, "availabilityZone") || !is_empty(doc, "publicKey"))
		return bad(err,
		    "instanceType, availabilityZone or publicKey is not \"\"");
	if (!slice_eq(slice_of(json_text(doc, "privateKeyType")), "Rsa"))
		return bad(err, "privateKeyType");
	if (!is_date(slice_of(json_text(doc, "privateKeyCreatedDate"))))
		return bad(err, "privateKeyCreatedDate");
	return take_key(out, key, err);
}

/* Without hardware to compare the agent takes the machine for another one. */
static int
take_fingerprint(struct identity *out, const struct json *doc, struct err *err)
{
	struct slice text = slice_of(json_text(doc, "fingerprint"));
	const struct json *hash = json_get(doc, "hardwareHash");
	double threshold = 0;

	if (text.len != 36 || !slice_all_in(text, DIGITS "abcdef-") ||
	    !slice_copy(text, out->fingerprint, sizeof(out->fingerprint)))
		return bad(err, "fingerprint");
	if (!json_is_object(hash))
		return bad(err, "hardwareHash");
	(void)json_number(doc, "similarityThreshold", &threshold);
	if (threshold < 0 || (threshold >= 1 && json_first(hash) != NULL))
		return 0;
	agentlog_line("WARN", "the fingerprint is made anew: nothing to "
	                      "compare hardware with");
	return rng_uuid(out->fingerprint, err);
}

static int
load_files(struct identity *out, const struct json *manifest, struct err *err)
{
	const char *key = json_text(manifest, "RegistrationKey");
	const char *fingerprint = json_text(manifest, "InstanceFingerprint");
	struct json *key_doc = NULL, *fingerprint_doc = NULL;
	int rc = -1;

	if (key == NULL || fingerprint == NULL)
		return bad(err, "the manifest names too little");
	if (read_object(&key_doc, key, err) == 0 &&
	    read_object(&fingerprint_doc, fingerprint, err) == 0 &&
	    take_registration(out, key_doc, err) == 0 &&
	    take_fingerprint(out, fingerprint_doc, err) == 0)
		rc = 0;
	json_free(key_doc);
	json_free(fingerprint_doc);
	return rc;
}

int
identity_load(struct identity *out, struct err *err)
{
	static const char *const paths[] = { PATHS_VAULT, PATHS_STORE,
		PATHS_MANIFEST, PATHS_KEY, PATHS_FINGERPRINT };
	struct identity new = { 0 };
	struct json *manifest = NULL;
	int rc = -1;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (harden(paths[i], err) != 0)
			return -1;
	if (read_object(&manifest, PATHS_MANIFEST, err) == 0)
		rc = load_files(&new, manifest, err);
	json_free(manifest);
	if (rc == 0)
		*out = new;
	else
		identity_free(&new);
	return rc;
}
