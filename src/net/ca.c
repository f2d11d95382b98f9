#include "net/ca.h"

#include <bearssl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "net/ca_roots.h"

/* A certificate or a name in one is far smaller. */
enum { CERT_MAX = 64 * 1024 };

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
	struct buf der;
	bool wanted;   /* this object is a certificate */
	size_t number; /* of certificates so far */
	const char *path;
};

static void
append_der(void *context, const void *data, size_t len)
{
	struct bundle *bundle = context;

	buf_add(&bundle->der, data, len);
}

/*
 * The names that OpenSSL takes, except "TRUSTED CERTIFICATE": what follows
 * the certificate in one of these can say that it is not to be trusted.
 */
static bool
is_certificate(const char *name)
{
	return slice_eq(slice_of(name), "CERTIFICATE") ||
	       slice_eq(slice_of(name), "X509 CERTIFICATE");
}

static int
end_object(struct bundle *bundle, bool broken, struct err *err)
{
	const char *why = "its PEM form is broken or too long";
	struct slice der = slice_make(bundle->der.data, bundle->der.len);

	if (!bundle->wanted)
		return 0;
	bundle->wanted = false;
	bundle->number++;
	if (bundle->number > CA_COUNT_MAX)
		return err_set(err, ERR_KIND_CONFIG,
		    "too many certificates in %s", bundle->path);
	if (!broken && buf_ok(&bundle->der) &&
	    add_der(bundle->ca, der, &why, err) != 0)
		return -1;
	if (why != NULL)
		log_debug("%s: certificate %zu is skipped: %s", bundle->path,
		    bundle->number, why);
	return 0;
}

static int
pem_event(struct bundle *bundle, br_pem_decoder_context *pem, struct err *err)
{
	int event = br_pem_decoder_event(pem);

	if (event == BR_PEM_BEGIN_OBJ) {
		buf_free(&bundle->der);
		bundle->wanted = is_certificate(br_pem_decoder_name(pem));
		br_pem_decoder_setdest(pem, bundle->wanted ? append_der : NULL,
		    bundle);
	} else if (event == BR_PEM_END_OBJ || event == BR_PEM_ERROR) {
		return end_object(bundle, event == BR_PEM_ERROR, err);
	}
	return 0;
}

/* The decoder takes a CR behind BEGIN as part of the name: skip those at
 * the front of rest and give what is before the next one. */
static struct slice
until_cr(struct slice *rest)
{
	struct slice part = { 0 }, tail = { 0 };

	while (slice_starts(*rest, "\r"))
		*rest = slice_skip(*rest, 1);
	return slice_split(*rest, '\r', &part, &tail) ? part : *rest;
}

static int
read_pem(struct bundle *bundle, struct slice text, struct err *err)
{
	br_pem_decoder_context pem;

	br_pem_decoder_init(&pem);
	/* Each turn takes a byte or reports an event, never two in a row
	 * without a byte in between. */
	while (text.len > 0) {
		struct slice part = until_cr(&text);
		size_t used = br_pem_decoder_push(&pem, part.ptr, part.len);

		text = slice_skip(text, used);
		if (pem_event(bundle, &pem, err) != 0)
			return -1;
	}
	return 0;
}

/* Read the file and see to it that its last line has an end, without which
 * the decoder does not see it. */
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
	text->max++;
	buf_putc(text, '\n');
	return buf_ok(text) ? 0 : no_memory(err);
}

static int
read_bundle(struct ca *ca, const char *path, struct err *err)
{
	struct bundle bundle = { .ca = ca, .path = path };
	struct buf text = { .max = CA_FILE_MAX };
	int rc = -1;

	bundle.der.max = CERT_MAX;
	if (read_text(path, &text, err) != 0)
		goto out;
	rc = read_pem(&bundle, slice_make(text.data, text.len), err);
	if (rc == 0 && ca->count == 0)
		rc = err_set(err, ERR_KIND_CONFIG, "no %scertificate in %s",
		    bundle.number == 0 ? "" : "usable ", path);
out:
	buf_free(&bundle.der);
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

int
ca_pem(struct buf *out, struct err *err)
{
	for (size_t i = 0; i < ca_roots_count; i++) {
		const struct ca_root *root = &ca_roots_table[i];
		size_t len = br_pem_encode(NULL, root->der, root->len,
		    "CERTIFICATE", BR_PEM_LINE64);
		char *room;

		buf_printf(out, "# %s\n", root->name);
		/* It writes a NUL behind, too. */
		room = buf_room(out, len + 1);
		if (room == NULL)
			return no_memory(err);
		(void)br_pem_encode(room, root->der, root->len, "CERTIFICATE",
		    BR_PEM_LINE64);
		buf_grew(out, len);
	}
	return buf_ok(out) ? 0 : no_memory(err);
}
