#include "net/ca.h"

#include <bearssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/trust.h"
#include "net/ca_roots.h"

enum {
	/* A certificate or a name in one is far smaller. */
	CERT_MAX = 64 * 1024,
	PEM_LINE_BYTES = 48,
};

struct ca {
	/* br_x509_trust_anchor each; the block of dn.data holds the bytes of
	 * the key, too. */
	struct buf anchors;
	size_t count;
};

static void
append(void *context, const void *data, size_t len)
{
	buf_add(context, data, len);
}

/* Add an anchor for a name, which is in bytes, and the key. */
static int
add_anchor(struct ca *ca, struct buf *bytes, const br_x509_pkey *key,
    unsigned flags, struct err *err)
{
	br_x509_trust_anchor anchor = {
		.dn.len = bytes->len, .flags = flags, .pkey = *key
	};
	br_rsa_public_key *rsa = &anchor.pkey.key.rsa;
	br_ec_public_key *ec = &anchor.pkey.key.ec;
	bool is_rsa = key->key_type == BR_KEYTYPE_RSA;
	unsigned char *data;

	if (is_rsa) {
		buf_add(bytes, rsa->n, rsa->nlen);
		buf_add(bytes, rsa->e, rsa->elen);
	} else {
		buf_add(bytes, ec->q, ec->qlen);
	}
	data = (unsigned char *)buf_take(bytes);
	anchor.dn.data = data;
	if (data != NULL && is_rsa) {
		rsa->n = &data[anchor.dn.len];
		rsa->e = &rsa->n[rsa->nlen];
	} else if (data != NULL) {
		ec->q = &data[anchor.dn.len];
	}
	buf_add(&ca->anchors, &anchor, sizeof anchor);
	if (data == NULL || !buf_ok(&ca->anchors)) {
		free(data);
		return err_memory(err);
	}
	ca->count++;
	return 0;
}

/*
 * Add the certificate as an anchor.  *why is the reason when it cannot be
 * one, NULL when it was added; -1 is for other failures.
 */
static int
add_der(struct ca *ca, struct slice der, const char **why, struct err *err)
{
	br_x509_decoder_context decoder;
	struct buf bytes = { .max = CERT_MAX };
	const br_x509_pkey *key;
	int rc = 0;

	br_x509_decoder_init(&decoder, append, &bytes);
	br_x509_decoder_push(&decoder, der.ptr, der.len);
	key = br_x509_decoder_get_pkey(&decoder);
	*why = key == NULL ? "it is malformed or has a key of an unknown kind"
	                   : NULL;
	if (key != NULL)
		rc = add_anchor(ca, &bytes, key,
		    br_x509_decoder_isCA(&decoder) ? BR_X509_TA_CA : 0, err);
	buf_free(&bytes);
	return rc;
}

static struct ca *
new_ca(struct err *err)
{
	struct ca *ca = calloc(1, sizeof *ca);

	if (ca == NULL)
		err_memory(err);
	else
		ca->anchors.max = CA_COUNT_MAX * sizeof(br_x509_trust_anchor);
	return ca;
}

/* host is below the name, which begins with a dot. */
static bool
is_below(const char *host, const char *name)
{
	struct slice all = slice_of(host), end = slice_of(name);

	return all.len > end.len &&
	       slice_eq_nocase(slice_skip(all, all.len - end.len), name);
}

static bool
in_china(const char *host)
{
	return is_below(host, ".amazonaws.com.cn") ||
	       is_below(host, ".api.amazonwebservices.com.cn");
}

int
ca_builtin(struct ca **out, const char *host, struct err *err)
{
	struct ca *ca = new_ca(err);
	bool china = in_china(host);
	int rc = ca != NULL ? 0 : -1;

	for (size_t i = 0; i < ca_roots_count && rc == 0; i++) {
		const struct ca_root *root = &ca_roots_table[i];
		const char *why = NULL;

		if (root->china && !china)
			continue;
		rc = add_der(ca, slice_make((const char *)root->der, root->len),
		    &why, err);
		if (why != NULL)
			rc = err_set(err, ERR_KIND_SYSTEM,
			    "built-in root %s: %s", root->name, why);
	}
	if (rc == 0)
		*out = ca;
	else
		ca_free(ca);
	return rc;
}

/*
 * A certificate begins here.  OpenSSL takes "TRUSTED CERTIFICATE", too: what
 * follows the certificate in one of these can say that it is not to be
 * trusted.
 */
static bool
is_begin(struct slice line)
{
	line = slice_trim(line);
	return slice_eq(line, "-----BEGIN CERTIFICATE-----") ||
	       slice_eq(line, "-----BEGIN X509 CERTIFICATE-----");
}

/* Add what a BEGIN and an END line were around, or say why not. */
static int
add_pem(struct ca *ca, struct slice body, size_t number, const char *path,
    struct err *err)
{
	const char *why = "its PEM form is broken or too long";
	struct buf der = { .max = CERT_MAX };
	int rc = 0;

	if (number > CA_COUNT_MAX)
		return err_set(err, ERR_KIND_CONFIG,
		    "too many certificates in %s", path);
	if (digest_base64_decode(&der, body) == 0)
		rc = add_der(ca, slice_make(der.data, der.len), &why, err);
	if (rc == 0 && why != NULL)
		log_debug("%s: certificate %zu is skipped: %s", path, number,
		    why);
	buf_free(&der);
	return rc;
}

/* Text between certificates, objects of other kinds and what has no END line
 * (RFC 7468) do not matter. */
static int
read_pem(struct ca *ca, struct slice text, const char *path, struct err *err)
{
	struct slice line, body = text, here = text;
	bool open = false;
	size_t number = 0;
	int rc = 0;

	for (; rc == 0 && slice_line(&text, &line); here = text) {
		if (!slice_starts(line, "-----"))
			continue;
		body = slice_head(body, body.len - here.len);
		if (open && slice_starts(line, "-----END "))
			rc = add_pem(ca, body, ++number, path, err);
		open = is_begin(line);
		body = text;
	}
	if (rc == 0 && ca->count == 0)
		return err_set(err, ERR_KIND_CONFIG, "no %scertificate in %s",
		    number == 0 ? "" : "usable ", path);
	return rc;
}

static int
read_bundle(struct ca *ca, const char *path, const struct owner *by,
    struct err *err)
{
	struct trust_file file = { .path = path, .by = by };
	struct buf text = { .max = CA_FILE_MAX };
	struct err why = { 0 };
	enum file_found found = trust_read(&file, &text, &why);
	int rc;

	if (found == FILE_FOUND)
		rc = read_pem(ca, slice_make(text.data, text.len), path, err);
	else if (found == FILE_ABSENT)
		rc = err_set(err, ERR_KIND_CONFIG, "there is no file %s", path);
	else
		rc = err_set(err, ERR_KIND_CONFIG, "%s", why.msg);
	buf_free(&text);
	return rc;
}

int
ca_load(struct ca **out, const char *path, const struct owner *by,
    const char *what, struct err *err)
{
	struct ca *ca = new_ca(err);

	if (ca == NULL)
		return -1;
	if (read_bundle(ca, path, by, err) != 0) {
		ca_free(ca);
		/* To AWS SDKs this is a failure of TLS; our exit status says
		 * that a setting is wrong. */
		if (err != NULL && err->kind == ERR_KIND_CONFIG)
			err->kind = ERR_KIND_TLS;
		return err_wrap(err, what);
	}
	log_debug("%s: %zu trust anchors from %s", what, ca->count, path);
	*out = ca;
	return 0;
}

void
ca_free(struct ca *ca)
{
	const br_x509_trust_anchor *anchors;

	if (ca == NULL)
		return;
	anchors = ca_anchors(ca);
	for (size_t i = 0; i < ca->count; i++)
		free(anchors[i].dn.data);
	buf_free(&ca->anchors);
	free(ca);
}

size_t
ca_count(const struct ca *ca)
{
	return ca->count;
}

const void *
ca_anchors(const struct ca *ca)
{
	return ca->anchors.data;
}

/* The form of RFC 7468, with lines of 64 characters. */
static void
put_pem(struct buf *out, const struct ca_root *root)
{
	struct slice rest = slice_make((const char *)root->der, root->len);

	buf_printf(out, "# %s\n-----BEGIN CERTIFICATE-----\n", root->name);
	for (; rest.len > 0; rest = slice_skip(rest, PEM_LINE_BYTES)) {
		struct slice part = slice_head(rest, PEM_LINE_BYTES);

		buf_base64(out, part.ptr, part.len);
		buf_putc(out, '\n');
	}
	buf_puts(out, "-----END CERTIFICATE-----\n");
}

int
ca_pem(struct buf *out, struct err *err)
{
	for (size_t i = 0; i < ca_roots_count; i++)
		put_pem(out, &ca_roots_table[i]);
	return buf_ok(out) ? 0 : err_memory(err);
}
