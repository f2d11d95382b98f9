/* SPDX-License-Identifier: MIT */
#include "work/certs.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/env.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/trust.h"
#include "net/ca.h"
#include "settings/config.h"

/* Where Go looks for the system's store on Linux (crypto/x509/root_linux.go).
 */
static const char *const stores[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

enum { STORES = sizeof stores / sizeof stores[0] };

void
certs_path(char out[static WORK_PATH_MAX], const struct config *cfg)
{
	work_path(out, cfg, "ca.pem");
}

bool
certs_exist(const struct config *cfg)
{
	char path[WORK_PATH_MAX];

	certs_path(path, cfg);
	return access(path, R_OK) == 0;
}

/* Append the system's store; false without one. */
static bool
add_store(struct buf *out)
{
	for (size_t i = 0; i < STORES; i++) {
		struct err err = { 0 };

		if (file_read(stores[i], out, &err) == FILE_FOUND) {
			buf_putc(out, '\n');
			return true;
		}
	}
	return false;
}

/* Go finds a certificate at the beginning of a line only, and takes the mark
 * that editors put in front of UTF-8 for text. */
static void
blank_marks(struct buf *out, size_t from)
{
	static const char mark[] = "\xEF\xBB\xBF";
	enum { MARK = sizeof mark - 1 };

	for (size_t i = from; i + MARK <= out->len; i++) {
		if (memcmp(&out->data[i], mark, MARK) == 0)
			memset(&out->data[i], '\n', MARK);
	}
}

static int
add_bundle(struct buf *out, const char *bundle, struct err *err)
{
	struct trust_file file = { .path = bundle };
	size_t from = out->len;

	if (trust_read(&file, out, err) == FILE_FOUND) {
		blank_marks(out, from);
		buf_putc(out, '\n');
		return 0;
	}
	return err_set(err, ERR_KIND_CONFIG, "AWS_CA_BUNDLE: no file %s",
	    bundle);
}

int
certs_install(const struct config *cfg, struct err *err)
{
	const char *bundle = env_get(cfg->env, "AWS_CA_BUNDLE");
	struct buf text = { .max = (size_t)4 * CA_FILE_MAX };
	char path[WORK_PATH_MAX];
	bool store = false;
	int rc = -1;

	certs_path(path, cfg);
	/* The user chose the certificates himself, or the system's store is
	 * enough. */
	store = add_store(&text);
	if (env_get(cfg->env, "SSL_CERT_FILE") != NULL ||
	    (store && bundle == NULL)) {
		rc = file_remove_own(path, err);
		goto out;
	}
	if (bundle != NULL && add_bundle(&text, bundle, err) != 0)
		goto out;
	if (!store && bundle == NULL && ca_pem(&text, err) != 0)
		goto out;
	if (!buf_ok(&text))
		err_set(err, ERR_KIND_SYSTEM, "the certificates are too large");
	else
		rc = file_write_own(path, 0644, slice_make(text.data, text.len),
		    err);
out:
	buf_free(&text);
	return rc;
}
