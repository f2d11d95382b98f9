/* SPDX-License-Identifier: MIT */
#include "net/x509.h"

#include <bearssl.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/cert.h"

static struct x509 *
self(const br_x509_class **context)
{
	return (struct x509 *)(void *)context;
}

/* The first fault is the one to tell; true if there is one at hand. */
static bool
note_fault(struct x509 *x, const char *fault)
{
	if (fault != NULL && x->fault == NULL) {
		x->faulty = x->seen;
		x->fault = fault;
	}
	return fault != NULL;
}

/* BearSSL only reads what its pointers lead to. */
static unsigned char *
bytes_of(struct slice s)
{
	unsigned char *bytes;

	memcpy(&bytes, &s.ptr, sizeof bytes);
	return bytes;
}

static br_x509_pkey
key_of(const struct cert *cert)
{
	br_x509_pkey key = { .key_type = BR_KEYTYPE_RSA };

	if (cert->curve == 0) {
		key.key.rsa = (br_rsa_public_key){ bytes_of(cert->modulus),
			cert->modulus.len, bytes_of(cert->exponent),
			cert->exponent.len };
	} else {
		key.key_type = BR_KEYTYPE_EC;
		key.key.ec = (br_ec_public_key){ (int)cert->curve,
			bytes_of(cert->point), cert->point.len };
	}
	return key;
}

static const struct hash {
	unsigned number; /* in TLS */
	const br_hash_class *class;
	const unsigned char *oid; /* in signatures by RSA */
	size_t len;
} hashes[] = {
	{ br_sha256_ID, &br_sha256_vtable, BR_HASH_OID_SHA256, br_sha256_SIZE },
	{ br_sha384_ID, &br_sha384_vtable, BR_HASH_OID_SHA384, br_sha384_SIZE },
	{ br_sha512_ID, &br_sha512_vtable, BR_HASH_OID_SHA512, br_sha512_SIZE },
};

static const struct hash *
find_hash(unsigned number)
{
	for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
		if (hashes[i].number == number)
			return &hashes[i];
	}
	return NULL;
}

/* The certificate's signature is by the key of the other one. */
static bool
is_signed_by(const struct cert *cert, const struct cert *issuer)
{
	const struct hash *hash = find_hash(cert->hash);
	unsigned char made[br_sha512_SIZE], found[br_sha512_SIZE];
	const unsigned char *signature = bytes_of(cert->signature);
	br_x509_pkey key = key_of(issuer);
	br_hash_compat_context context;
	bool rsa = key.key_type == BR_KEYTYPE_RSA;

	if (hash == NULL || rsa != cert->signed_by_rsa)
		return false;
	hash->class->init(&context.vtable);
	hash->class->update(&context.vtable, cert->body.ptr, cert->body.len);
	hash->class->out(&context.vtable, made);
	if (!rsa) {
		return br_ecdsa_i31_vrfy_asn1(&br_ec_all_m31, made, hash->len,
		           &key.key.ec, signature, cert->signature.len) == 1;
	}
	return br_rsa_i62_pkcs1_vrfy(signature, cert->signature.len, hash->oid,
	           hash->len, &key.key.rsa, found) == 1 &&
	       memcmp(made, found, hash->len) == 0;
}

static struct slice
names_of(const struct x509 *x)
{
	return slice_make(x->names.data, x->names.len);
}

/* Why the anchor must not vouch for the chain so far. */
static const char *
anchor_fault(struct x509 *x, const struct cert *anchor)
{
	const char *fault = anchor->key_fault;

	if (fault == NULL)
		fault = cert_fault_date(anchor, x->now);
	if (fault == NULL)
		fault = cert_fault_issuer(anchor, x->seen - 1);
	return fault != NULL ? fault
	                     : cert_fault_names(anchor, names_of(x),
	                           slice_of(x->host), &x->comparisons);
}

/* An anchor that may vouch for it has signed the certificate. */
static bool
is_vouched_for(struct x509 *x, const struct cert *cert)
{
	for (size_t i = 0; i < ca_count(x->ca); i++) {
		const struct cert *anchor = ca_at(x->ca, i);
		const char *fault;

		if (!slice_same(anchor->subject, cert->issuer))
			continue;
		fault = anchor_fault(x, anchor);
		if (fault == NULL && is_signed_by(cert, anchor))
			return true;
		if (fault != NULL && x->root == NULL) {
			x->root = anchor;
			x->root_fault = fault;
		}
	}
	return false;
}

/* An anchor that is no authority's is trusted as itself only. */
static bool
is_anchor(const struct x509 *x, const struct cert *cert)
{
	for (size_t i = 0; i < ca_count(x->ca); i++) {
		const struct cert *anchor = ca_at(x->ca, i);

		if (!cert_signs(anchor) &&
		    slice_same(anchor->subject, cert->subject) &&
		    anchor->curve == cert->curve &&
		    slice_same(anchor->modulus, cert->modulus) &&
		    slice_same(anchor->exponent, cert->exponent) &&
		    slice_same(anchor->point, cert->point))
			return true;
	}
	return false;
}

static int
judge_leaf(struct x509 *x, const struct cert *cert)
{
	x->key = key_of(cert);
	note_fault(x, cert_fault_server(cert));
	cert_name_first(cert, x->first_host, sizeof x->first_host);
	if (!cert_name_fits(cert, x->host))
		return BR_ERR_X509_BAD_SERVER_NAME;
	return is_anchor(x, cert) ? BR_ERR_X509_OK : 0;
}

/* An authority in a chain has to say that it is one; of anchors, that their
 * owner has chosen, less is asked. */
static int
judge_issuer(struct x509 *x, const struct cert *cert)
{
	if (!slice_same(cert->subject, x->last.issuer))
		return BR_ERR_X509_DN_MISMATCH;
	if (!is_signed_by(&x->last, cert))
		return BR_ERR_X509_BAD_SIGNATURE;
	if (note_fault(x, cert_fault_issuer(cert, x->seen - 2)))
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	if (!cert->authority)
		return BR_ERR_X509_NOT_CA;
	note_fault(x, cert_fault_names(cert, names_of(x), slice_of(x->host),
	                  &x->comparisons));
	return 0;
}

static int
judge(struct x509 *x, const struct cert *cert)
{
	int code;

	if (cert_fault_date(cert, x->now) != NULL) {
		x->outdated = x->seen;
		x->from = cert->from;
		x->to = cert->to;
		return BR_ERR_X509_EXPIRED;
	}
	if (note_fault(x, cert->key_fault))
		return BR_ERR_X509_UNSUPPORTED;
	code = x->seen == 1 ? judge_leaf(x, cert) : judge_issuer(x, cert);
	if (code != 0 && code != BR_ERR_X509_OK)
		return code;
	if (cert->unknown) {
		note_fault(x, "has an unknown critical extension");
		return BR_ERR_X509_CRITICAL_EXTENSION;
	}
	if (code == BR_ERR_X509_OK)
		return code;
	if (note_fault(x, cert->signature_fault))
		return BR_ERR_X509_UNSUPPORTED;
	buf_add(&x->names, cert->names.ptr, cert->names.len);
	if (!buf_ok(&x->names))
		return BR_ERR_X509_LIMIT_EXCEEDED;
	return is_vouched_for(x, cert) ? BR_ERR_X509_OK : 0;
}

/* The certificate stays where its slices lead. */
static void
keep(struct x509 *x, const struct cert *cert)
{
	struct buf *place = x->seen == 1 ? &x->leaf : &x->below;

	buf_free(place);
	*place = x->der;
	x->der = (struct buf){ .max = CERT_MAX };
	x->last = *cert;
}

static void
start_chain(const br_x509_class **context, const char *host)
{
	self(context)->host = host != NULL ? host : "";
}

static void
start_cert(const br_x509_class **context, uint32_t length)
{
	(void)length;
	buf_cut(&self(context)->der, 0);
}

static void
append(const br_x509_class **context, const unsigned char *data, size_t len)
{
	struct x509 *x = self(context);

	if (x->code == 0)
		buf_add(&x->der, data, len);
}

static void
end_cert(const br_x509_class **context)
{
	struct x509 *x = self(context);
	struct cert cert;

	x->seen++;
	if (x->code != 0)
		return;
	if (buf_ok(&x->der) &&
	    cert_read(&cert, slice_make(x->der.data, x->der.len)) == 0) {
		x->code = judge(x, &cert);
		keep(x, &cert);
	} else {
		x->code = BR_ERR_X509_UNEXPECTED;
	}
}

static unsigned
end_chain(const br_x509_class **context)
{
	struct x509 *x = self(context);

	if (x->code == 0)
		x->code = x->seen == 0 ? BR_ERR_X509_EMPTY_CHAIN
		                       : BR_ERR_X509_NOT_TRUSTED;
	if (x->code == BR_ERR_X509_OK && x->fault != NULL)
		x->code = BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	return x->code == BR_ERR_X509_OK ? 0 : (unsigned)x->code;
}

static const br_x509_pkey *
get_key(const br_x509_class *const *context, unsigned *usages)
{
	const struct x509 *x = (const struct x509 *)(const void *)context;

	if (x->code != BR_ERR_X509_OK)
		return NULL;
	/* The one use in our cipher suites. */
	if (usages != NULL)
		*usages = BR_KEYTYPE_SIGN;
	return &x->key;
}

void
x509_init(struct x509 *x, const struct ca *ca, int64_t now)
{
	static const br_x509_class class = {
		.context_size = sizeof(struct x509),
		.start_chain = start_chain,
		.start_cert = start_cert,
		.append = append,
		.end_cert = end_cert,
		.end_chain = end_chain,
		.get_pkey = get_key,
	};

	x->vtable = &class;
	x->host = "";
	x->now = now > 0 ? now : 0;
	x->ca = ca;
	x->comparisons = CERT_COMPARISONS_MAX;
	x->der.max = x->names.max = CERT_MAX;
}

void
x509_free(struct x509 *x)
{
	buf_free(&x->der);
	buf_free(&x->leaf);
	buf_free(&x->below);
	buf_free(&x->names);
}

struct reason {
	int code;
	bool bundle; /* further authorities would help */
	const char *text;
};

static const struct reason reasons[] = {
	{ BR_ERR_X509_EMPTY_CHAIN, false, "the server sent none" },
	{ BR_ERR_X509_UNSUPPORTED, false,
	    "its kind of key or signature (like SHA-1) is not supported" },
	{ BR_ERR_X509_EXPIRED, false, "it is not valid today" },
	{ BR_ERR_X509_BAD_SIGNATURE, true,
	    "a signature of its chain is wrong" },
	{ BR_ERR_X509_DN_MISMATCH, false, "its chain is in wrong order" },
	{ BR_ERR_X509_NOT_CA, false,
	    "one in its chain does not belong to an authority" },
	{ BR_ERR_X509_FORBIDDEN_KEY_USAGE, false, "its key is for other uses" },
	{ BR_ERR_X509_NOT_TRUSTED, true,
	    "it is not trusted: no known authority issued it" },
	{ 0, false, "it is malformed" },
};

static const char bundle_advice[] =
    "name the authority of a company proxy or a private server in "
    "AWS_CA_BUNDLE";
static const char server_advice[] = "the server needs other certificates";

/* The peer's clock and ours disagree: show both sides. */
static void
explain_dates(const struct x509 *x, struct err *err)
{
	char now[CLOCK_ISO_SIZE], from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];

	clock_iso(x->now, now);
	clock_iso(x->from, from);
	clock_iso(x->to, to);
	err_set(err, ERR_KIND_TLS,
	    "%s %s: valid from %s to %s, and the clock here says %s",
	    x->outdated > 1 ? "one in its chain" : "it",
	    x->now < x->from ? "is not valid yet" : "has expired", from, to,
	    now);
	err_fix(err, "check the clock of this machine; if it is right, %s",
	    server_advice);
}

static void
explain_name(const struct x509 *x, struct err *err)
{
	bool known = x->first_host[0] != '\0';

	err_set(err, ERR_KIND_TLS, "it is for another name%s%s",
	    known ? ", such as " : "", known ? x->first_host : "");
	err_fix(err, "check the endpoint and the proxy: another server "
	             "answers in its place");
}

/* Codes for which a fault that was found is the better text. */
static bool
is_of_fault(int code)
{
	return code == BR_ERR_X509_UNSUPPORTED ||
	       code == BR_ERR_X509_CRITICAL_EXTENSION ||
	       code == BR_ERR_X509_FORBIDDEN_KEY_USAGE;
}

/* An authority of that name is known, but must not be used. */
static void
explain_root(const struct x509 *x, struct err *err)
{
	char name[CERT_NAME_SIZE], now[CLOCK_ISO_SIZE], from[CLOCK_ISO_SIZE],
	    to[CLOCK_ISO_SIZE];

	cert_name(x->root, name);
	clock_iso(x->now, now);
	clock_iso(x->root->from, from);
	clock_iso(x->root->to, to);
	if (cert_fault_date(x->root, x->now) != NULL) {
		err_set(err, ERR_KIND_TLS,
		    "it is not trusted: the authority \"%s\" %s: valid from "
		    "%s to %s, and the clock here says %s",
		    name, x->root_fault, from, to, now);
		err_fix(err, "check the clock of this machine; if it is right, "
		             "AWS_CA_BUNDLE needs a newer root");
	}
	/* What is said already stays. */
	err_set(err, ERR_KIND_TLS, "it is not trusted: the authority \"%s\" %s",
	    name, x->root_fault);
	err_fix(err, "the server needs a certificate of another authority, or "
	             "AWS_CA_BUNDLE another root");
}

bool
x509_has(int code)
{
	return code > BR_ERR_X509_OK && code <= BR_ERR_X509_NOT_TRUSTED;
}

bool
x509_explain(const struct x509 *x509, int code, struct err *err)
{
	size_t i = 0;

	if (!x509_has(code))
		return false;
	if (code == BR_ERR_X509_EXPIRED && x509->outdated > 0)
		explain_dates(x509, err);
	if (code == BR_ERR_X509_BAD_SERVER_NAME)
		explain_name(x509, err);
	if (is_of_fault(code) && x509->fault != NULL)
		err_set(err, ERR_KIND_TLS, "%s %s",
		    x509->faulty > 1 ? "one in its chain" : "it", x509->fault);
	if (code == BR_ERR_X509_NOT_TRUSTED && x509->root != NULL)
		explain_root(x509, err);
	/* What is said already stays. */
	while (reasons[i].code != 0 && reasons[i].code != code)
		i++;
	err_set(err, ERR_KIND_TLS, "%s", reasons[i].text);
	err_fix(err, "%s", reasons[i].bundle ? bundle_advice : server_advice);
	return true;
}
