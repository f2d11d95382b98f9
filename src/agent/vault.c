#include "agent/vault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { KEY_TEXT_MAX = 8192 };

void
vault_free(struct vault *vault)
{
	if (vault->private_key != NULL) {
		explicit_bzero(vault->private_key, strlen(vault->private_key));
		free(vault->private_key);
	}
	*vault = (struct vault){ 0 };
}

static bool
good_node(struct slice s)
{
	return s.len < VAULT_NODE_MAX && slice_starts(s, "mi-") &&
	       slice_all_in(slice_skip(s, 3), DIGITS LOWER);
}

static bool
good_region(struct slice s)
{
	return s.len < 64 && slice_all_in(s, DIGITS LOWER "-");
}

static bool
good_fingerprint(struct slice s)
{
	return s.len == VAULT_UUID_SIZE - 1 &&
	       slice_all_in(s, DIGITS "abcdefABCDEF-");
}

static bool
good_key(struct slice s)
{
	return s.len <= KEY_TEXT_MAX &&
	       slice_all_in(s, DIGITS LOWER UPPER "+/=");
}

int
vault_check(const struct vault *vault, struct err *err)
{
	if (!good_node(slice_of(vault->node)))
		return err_set(err, ERR_KIND_PARSE, "vault: bad node id");
	if (!good_region(slice_of(vault->region)))
		return err_set(err, ERR_KIND_PARSE, "vault: bad region");
	if (!good_fingerprint(slice_of(vault->fingerprint)))
		return err_set(err, ERR_KIND_PARSE, "vault: bad fingerprint");
	if (!good_key(slice_of(vault->private_key)))
		return err_set(err, ERR_KIND_PARSE, "vault: bad private key");
	return 0;
}

/* A folder of the vault, with exactly the mode that the agent sets itself. */
static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (file_mkdirs(path, mode, err) != 0)
		return -1;
	if (chmod(path, mode) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "chmod %s", path);
	return 0;
}

static int
make_folders(struct err *err)
{
	if (file_mkdirs("/var/lib", 0755, err) != 0 ||
	    file_mkdirs(PATHS_LIB, 0700, err) != 0)
		return -1;
	if (make_folder(PATHS_VAULT, 0600, err) != 0)
		return -1;
	return make_folder(PATHS_STORE, 0600, err);
}

static int
write_text(const char *path, struct buf *text, struct err *err)
{
	int rc = file_write(path, 0600, buf_str(text), text->len, err);

	buf_cut(text, 0);
	return rc;
}

static int
write_files(const struct vault *vault, int64_t when, struct err *err)
{
	struct buf text = { 0 };
	int rc = -1;

	if (vault_encode_key(&text, vault, when, err) != 0 ||
	    write_text(PATHS_KEY, &text, err) != 0)
		goto out;
	if (vault_encode_fingerprint(&text, vault, err) != 0 ||
	    write_text(PATHS_FINGERPRINT, &text, err) != 0)
		goto out;
	if (vault_encode_registration(&text, vault, err) != 0 ||
	    write_text(PATHS_REGISTRATION, &text, err) != 0)
		goto out;
	if (vault_encode_manifest(&text, err) != 0 ||
	    write_text(PATHS_MANIFEST, &text, err) != 0)
		goto out;
	rc = 0;
out:
	buf_free(&text);
	return rc;
}

int
vault_save(const struct vault *vault, int64_t when, struct err *err)
{
	if (vault_check(vault, err) != 0)
		return -1;
	/* Without its manifest an older identity counts for nothing, so no
	 * crash from here on leaves key and fingerprint of two nodes. */
	if (vault_remove(err) != 0)
		return err_wrap(err, "vault");
	if (make_folders(err) == 0 && write_files(vault, when, err) == 0)
		return 0;
	/* err is set, so what this reports stays out of it. */
	(void)vault_remove(err);
	return err_wrap(err, "vault");
}

/* Append the file; an absent one or an empty name leaves *text NULL. */
static int
read_text(const char **text, const char *path, struct buf *out, struct err *err)
{
	enum file_found found;

	*text = NULL;
	if (slice_eq(slice_of(path), ""))
		return 0;
	found = file_read(path, out, err);
	if (found == FILE_FAILED)
		return -1;
	if (found == FILE_FOUND)
		*text = buf_str(out);
	return 0;
}

static int
load_places(struct vault *out, const struct vault_places *places,
    struct err *err)
{
	struct buf key = { 0 }, fingerprint = { 0 };
	const char *key_text, *fingerprint_text;
	int rc = -1;

	if (read_text(&key_text, places->key, &key, err) != 0 ||
	    read_text(&fingerprint_text, places->fingerprint, &fingerprint,
	        err) != 0)
		goto out;
	rc = vault_decode(out, key_text, fingerprint_text, err);
out:
	buf_free(&key);
	buf_free(&fingerprint);
	return rc;
}

int
vault_load(struct vault *out, struct err *err)
{
	struct vault_places places = { 0 };
	struct vault new = { 0 };
	struct buf manifest = { 0 };
	const char *text;
	int rc = -1;

	if (read_text(&text, PATHS_MANIFEST, &manifest, err) != 0)
		goto out;
	rc = 1;
	if (text == NULL)
		goto out;
	rc = vault_decode_manifest(&places, text, err);
	if (rc == 0)
		rc = load_places(&new, &places, err);
	if (rc == 0 && new.private_key == NULL)
		rc = 1;
	if (rc != 0)
		goto out;
	vault_free(out);
	*out = new;
	new = (struct vault){ 0 };
out:
	vault_free(&new);
	buf_free(&manifest);
	return rc == -1 ? err_wrap(err, "vault") : rc;
}

int
vault_remove(struct err *err)
{
	/* The manifest first: without it the agent does not look further. */
	static const char *const files[] = { PATHS_MANIFEST, PATHS_KEY,
		PATHS_FINGERPRINT, PATHS_REGISTRATION, PATHS_IDENTITY };
	int rc = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (file_remove(files[i], err) != 0)
			rc = -1;
	return rc;
}
