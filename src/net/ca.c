#include "net/ca.h"

#include <bearssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "net/ca_roots.h"

enum {
	/* A certificate or a name in one is far smaller. */
	CERT_MAX = 64 * 1024,
	PEM_LINE_BYTES = 48,
};

struct ca {
	br_x509_trust_anchor *anchors;
	size_t count;
	size_t cap;
};

static void
drop_anchor(br_x509_trust_anchor *anchor)
{
	free(anchor->dn.data);
	if (anchor->pkey.key_type == BR_KEYTYPE_RSA) {
		free(anchor->pkey.key.rsa.n);
		free(anchor->pkey.key.rsa.e);
	} else if (anchor->pkey.key_type == BR_KEYTYPE_EC) {
		free(anchor->pkey.key.ec.q);
	}
}

static int
no_memory(struct err *err)
{
	return err_set(err, ERR_KIND_SYSTEM, "out of memory");
}

/* Copy len bytes into a block of its own; an empty one is a failure. */
static int
copy_bytes(unsigned char **out, const void *data, size_t len)
{
	*out = len > 0 ? malloc(len) : NULL;
	if (*out == NULL)
		return -1;
	memcpy(*out, data, len);
	return 0;
}

static int
copy_key(br_x509_pkey *out, const br_x509_pkey *key)
{
	out->key_type = key->key_type;
	if (key->key_type == BR_KEYTYPE_RSA) {
		out->key.rsa.nlen = key->key.rsa.nlen;
		out->key.rsa.elen = key->key.rsa.elen;
		if (copy_bytes(&out->key.rsa.n, key->key.rsa.n,
		        key->key.rsa.nlen) != 0)
			return -1;
		return copy_bytes(&out->key.rsa.e, key->key.rsa.e,
		    key->key.rsa.elen);
	}
	out->key.ec.curve = key->key.ec.curve;
	out->key.ec.qlen = key->key.ec.qlen;
	return copy_bytes(&out->key.ec.q, key->key.ec.q, key->key.ec.qlen);
}

static bool
usable_key(const br_x509_pkey *key)
{
	if (key->key_type == BR_KEYTYPE_RSA)
		return key->key.rsa.nlen > 0 && key->key.rsa.elen > 0;
	return key->key_type == BR_KEYTYPE_EC && key->key.ec.qlen > 0 &&
	       (key->key.ec.curve == BR_EC_secp256r1 ||
	           key->key.ec.curve == BR_EC_secp384r1 ||
	           key->key.ec.curve == BR_EC_secp521r1);
}

static void
append_dn(void *context, const void *data, size_t len)
{
	buf_add(context, data, len);
}

/* Room for one more anchor. */
static int
grow(struct ca *ca, struct err *err)
{
	size_t cap = ca->cap == 0 ? 8 : ca->cap * 2;
	br_x509_trust_anchor *anchors;

	if (ca->count < ca->cap)
		return 0;
	anchors = reallocarray(ca->anchors, cap, sizeof *anchors);
	if (anchors == NULL)
		return no_memory(err);
	ca->anchors = anchors;
	ca->cap = cap;
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
	br_x509_trust_anchor anchor = { 0 };
	struct buf dn = { .max = CERT_MAX };
	const br_x509_pkey *key;
	int rc = -1;

	br_x509_decoder_init(&decoder, append_dn, &dn);
	br_x509_decoder_push(&decoder, der.ptr, der.len);
	key = br_x509_decoder_get_pkey(&decoder);
	*why = NULL;
	if (key == NULL)
		*why = "it is malformed or has a key of an unknown kind";
	else if (!usable_key(key))
		*why = "it has a key of an unknown kind";
	if (*why != NULL) {
		rc = 0;
		goto out;
	}
	if (grow(ca, err) != 0)
		goto out;
	if (br_x509_decoder_isCA(&decoder))
		anchor.flags = BR_X509_TA_CA;
	anchor.dn.len = dn.len;
	if (!buf_ok(&dn) || copy_bytes(&anchor.dn.data, dn.data, dn.len) != 0 ||
	    copy_key(&anchor.pkey, key) != 0) {
		drop_anchor(&anchor);
		(void)no_memory(err);
		goto out;
	}
	ca->anchors[ca->count++] = anchor;
	rc = 0;
out:
	buf_free(&dn);
	return rc;
}

static int
new_ca(struct ca **out, struct err *err)
{
	*out = calloc(1, sizeof **out);
	return *out != NULL ? 0 : no_memory(err);
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
	struct ca *ca = NULL;
	bool china = in_china(host);

	if (new_ca(&ca, err) != 0)
		return -1;
	for (size_t i = 0; i < ca_roots_count; i++) {
		const struct ca_root *root = &ca_roots_table[i];
		const char *why = NULL;

		if (root->china && !china)
			continue;
		if (add_der(ca, slice_make((const char *)root->der, root->len),
		        &why, err) != 0)
			goto fail;
		if (why != NULL) {
			(void)err_set(err, ERR_KIND_SYSTEM,
			    "built-in root %s: %s", root->name, why);
			goto fail;
		}
	}
	*out = ca;
	return 0;
fail:
	ca_free(ca);
	return -1;
}

/* What goes on while the objects of a PEM file are read. */
struct bundle {
	struct ca *ca;
	size_t number; /* of certificates so far */
	const char *path;
};

/* What stands between a BEGIN line and the line that ends it (RFC 7468). */
struct object {
	struct slice name;
	struct slice body;
	bool broken; /* by a line that is no END */
};

/*
 * The names that OpenSSL takes, except "TRUSTED CERTIFICATE": what follows
 * the certificate in one of these can say that it is not to be trusted.
 */
static bool
is_certificate(struct slice name)
{
	return slice_eq(name, "CERTIFICATE") ||
	       slice_eq(name, "X509 CERTIFICATE");
}

static bool
is_begin(struct slice line, struct slice *name)
{
	static const char begin[] = "-----BEGIN ";
	static const char end[] = "-----";
	struct slice rest = slice_trim(slice_skip(line, sizeof begin - 1));

	if (!slice_starts(line, begin) || !slice_ends(rest, end))
		return false;
	*name = slice_head(rest, rest.len - (sizeof end - 1));
	return true;
}

/* Cut the next object off text; false when there is none.  An object that
 * has no end before the text has is none. */
static bool
next_object(struct slice *text, struct object *object)
{
	struct slice line, before;

	do {
		if (!slice_line(text, &line))
			return false;
	} while (!is_begin(line, &object->name));
	before = *text;
	object->body = before;
	while (slice_line(text, &line)) {
		if (slice_starts(line, "-----")) {
			object->broken = !slice_starts(line, "-----END ");
			object->body = slice_head(object->body,
			    object->body.len - before.len);
			if (object->broken)
				*text = before;
			return true;
		}
		before = *text;
	}
	return false;
}

static int
add_object(struct bundle *bundle, const struct object *object, struct err *err)
{
	const char *why = "its PEM form is broken or too long";
	struct buf der = { .max = CERT_MAX };
	int rc = 0;

	if (++bundle->number > CA_COUNT_MAX)
		return err_set(err, ERR_KIND_CONFIG,
		    "too many certificates in %s", bundle->path);
	if (!object->broken && digest_base64_decode(&der, object->body) == 0)
		rc = add_der(bundle->ca, slice_make(der.data, der.len), &why,
		    err);
	if (rc == 0 && why != NULL)
		log_debug("%s: certificate %zu is skipped: %s", bundle->path,
		    bundle->number, why);
	buf_free(&der);
	return rc;
}

static int
read_pem(struct bundle *bundle, struct slice text, struct err *err)
{
	struct object object;

	while (next_object(&text, &object)) {
		if (is_certificate(object.name) &&
		    add_object(bundle, &object, err) != 0)
			return -1;
	}
	return 0;
}

static int
read_text(const char *path, struct buf *text, struct err *err)
{
	struct err why = { 0 };
	enum file_found found = file_read(path, text, &why);

	if (found == FILE_ABSENT)
		return err_set(err, ERR_KIND_CONFIG,
		    "there is no such file: %s", path);
	if (found != FILE_FOUND)
		return err_set(err, ERR_KIND_CONFIG, "%s", why.msg);
	return 0;
}

static int
read_bundle(struct ca *ca, const char *path, struct err *err)
{
	struct bundle bundle = { .ca = ca, .path = path };
	struct buf text = { .max = CA_FILE_MAX };
	int rc = -1;

	if (read_text(path, &text, err) != 0)
		goto out;
	rc = read_pem(&bundle, slice_make(text.data, text.len), err);
	if (rc == 0 && ca->count == 0)
		rc = err_set(err, ERR_KIND_CONFIG, "no %scertificate in %s",
		    bundle.number == 0 ? "" : "usable ", path);
out:
	buf_free(&text);
	return rc;
}

int
ca_load(struct ca **out, const char *path, const char *what, struct err *err)
{
	struct ca *ca = NULL;

	if (new_ca(&ca, err) != 0)
		return -1;
	if (read_bundle(ca, path, err) != 0) {
		ca_free(ca);
		return err_wrap(err, what);
	}
	log_debug("%s: %zu trust anchors from %s", what, ca->count, path);
	*out = ca;
	return 0;
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < ca->count; i++)
		drop_anchor(&ca->anchors[i]);
	free(ca->anchors);
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
	return ca->anchors;
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
	return buf_ok(out) ? 0 : no_memory(err);
}
