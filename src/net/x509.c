/* SPDX-License-Identifier: MIT */
#include "net/x509.h"

#include <bearssl.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/cert.h"

/* BearSSL counts days from year 0. */
enum { DAYS_BEFORE_1970 = 719528, SECONDS_A_DAY = 86400, RSA_MIN_BYTES = 256 };

/* The class is BearSSL's, with our look at each certificate in front of four
 * of its functions. */
static struct x509 *
self(const br_x509_class **context)
{
	return (struct x509 *)(void *)context;
}

static void
start_cert(const br_x509_class **context, uint32_t length)
{
	struct x509 *x = self(context);

	buf_cut(&x->der, 0);
	x->counts = x->minimal.err == 0;
	br_x509_minimal_vtable.start_cert(context, length);
}

static void
append(const br_x509_class **context, const unsigned char *data, size_t len)
{
	struct x509 *x = self(context);

	if (x->counts)
		buf_add(&x->der, data, len);
}

static void
note_fault(struct x509 *x, const char *fault)
{
	if (fault == NULL || x->fault != NULL)
		return;
	x->faulty = x->seen;
	x->fault = fault;
}

static void
look_at_dates(struct x509 *x, const struct cert *cert)
{
	if (x->outdated != 0 || cert_fault_date(cert, x->now) == NULL)
		return;
	x->outdated = x->seen;
	x->from = cert->from;
	x->to = cert->to;
}

static struct slice
host_of(const struct x509 *x)
{
	return slice_of(x->minimal.server_name);
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
	                     : cert_fault_names(anchor, names_of(x), host_of(x),
	                           &x->comparisons);
}

/* BearSSL only reads what its pointers lead to. */
static unsigned char *
bytes_of(struct slice s)
{
	unsigned char *bytes;

	memcpy(&bytes, &s.ptr, sizeof bytes);
	return bytes;
}

static void
add_anchor(struct x509 *x, const struct cert *cert, unsigned flags)
{
	br_x509_trust_anchor anchor = {
		.dn = { bytes_of(cert->subject), cert->subject.len },
		.flags = flags,
	};

	if (cert->curve == 0) {
		anchor.pkey.key_type = BR_KEYTYPE_RSA;
		anchor.pkey.key.rsa =
		    (br_rsa_public_key){ bytes_of(cert->modulus),
			    cert->modulus.len, bytes_of(cert->exponent),
			    cert->exponent.len };
	} else {
		anchor.pkey.key_type = BR_KEYTYPE_EC;
		anchor.pkey.key.ec = (br_ec_public_key){ (int)cert->curve,
			bytes_of(cert->point), cert->point.len };
	}
	buf_add(&x->anchors, &anchor, sizeof anchor);
}

static void
add_issuer(struct x509 *x, const struct cert *anchor)
{
	const char *fault = anchor_fault(x, anchor);

	if (fault == NULL) {
		add_anchor(x, anchor, BR_X509_TA_CA);
	} else if (x->root == NULL) {
		x->root = anchor;
		x->root_fault = fault;
	}
}

/* Anchors that may have issued the certificate, or are it.  One that is no
 * authority's is trusted as itself only. */
static void
choose_anchors(struct x509 *x, const struct cert *cert)
{
	buf_cut(&x->anchors, 0);
	for (size_t i = 0; i < ca_count(x->ca); i++) {
		const struct cert *anchor = ca_at(x->ca, i);

		if (slice_same(anchor->subject, cert->issuer))
			add_issuer(x, anchor);
		if (x->seen == 1 && !cert_signs(anchor) &&
		    slice_same(anchor->subject, cert->subject))
			add_anchor(x, anchor, 0);
	}
	x->minimal.trust_anchors = (const void *)x->anchors.data;
	x->minimal.trust_anchors_num =
	    x->anchors.len / sizeof(br_x509_trust_anchor);
}

/* The certificate is whole: read it, then let BearSSL check it. */
static int
check(struct x509 *x, struct slice der)
{
	const br_x509_class **context = &x->minimal.vtable;
	struct cert cert;

	if (!buf_ok(&x->der) || cert_read(&cert, der) != 0)
		return -1;
	look_at_dates(x, &cert);
	if (x->seen == 1) {
		note_fault(x, cert_fault_server(&cert));
	} else {
		note_fault(x, cert_fault_issuer(&cert, x->seen - 2));
		note_fault(x, cert_fault_names(&cert, names_of(x), host_of(x),
		                  &x->comparisons));
	}
	buf_add(&x->names, cert.names.ptr, cert.names.len);
	choose_anchors(x, &cert);
	if (!buf_ok(&x->names) || !buf_ok(&x->anchors))
		return -1;
	br_x509_minimal_vtable.append(context, bytes_of(der), der.len);
	if (x->minimal.err != BR_ERR_X509_OK && x->minimal.err != 0) {
		note_fault(x, cert.key_fault);
		note_fault(x, cert.signature_fault);
	}
	return 0;
}

static void
end_cert(const br_x509_class **context)
{
	struct x509 *x = self(context);

	x->seen++;
	if (x->counts && x->minimal.err == 0 &&
	    check(x, slice_make(x->der.data, x->der.len)) != 0)
		x->minimal.err = BR_ERR_X509_UNEXPECTED;
	br_x509_minimal_vtable.end_cert(context);
}

static unsigned
end_chain(const br_x509_class **context)
{
	unsigned code = br_x509_minimal_vtable.end_chain(context);

	return code == 0 && self(context)->fault != NULL
	           ? BR_ERR_X509_FORBIDDEN_KEY_USAGE
	           : code;
}

/* BearSSL's own notation: a dNSName of the subjectAltName extension. */
static const unsigned char dns_name[] = { 0, 2 };

void
x509_init(struct x509 *x, const struct ca *ca, int64_t now)
{
	br_x509_minimal_context *m = &x->minimal;

	x->now = now > 0 ? now : 0;
	x->ca = ca;
	x->comparisons = CERT_COMPARISONS_MAX;
	x->der.max = x->names.max = CERT_MAX;
	br_x509_minimal_init(m, &br_sha256_vtable, NULL, 0);
	br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(m, br_rsa_i62_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(m, &br_ec_all_m31, br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(m, RSA_MIN_BYTES);
	br_x509_minimal_set_time(m,
	    (uint32_t)(x->now / SECONDS_A_DAY + DAYS_BEFORE_1970),
	    (uint32_t)(x->now % SECONDS_A_DAY));
	x->name = (br_name_element){
		.oid = dns_name, .buf = x->name_text, .len = sizeof x->name_text
	};
	br_x509_minimal_set_name_elements(m, &x->name, 1);
	x->class = br_x509_minimal_vtable;
	x->class.start_cert = start_cert;
	x->class.append = append;
	x->class.end_cert = end_cert;
	x->class.end_chain = end_chain;
	m->vtable = &x->class;
}

void
x509_free(struct x509 *x)
{
	buf_free(&x->der);
	buf_free(&x->names);
	buf_free(&x->anchors);
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
	{ BR_ERR_X509_CRITICAL_EXTENSION, false,
	    "it has an unknown critical extension" },
	{ BR_ERR_X509_NOT_CA, false,
	    "one in its chain does not belong to an authority" },
	{ BR_ERR_X509_FORBIDDEN_KEY_USAGE, false, "its key is for other uses" },
	{ BR_ERR_X509_WEAK_PUBLIC_KEY, false,
	    "a key is too weak (RSA below 2048 bits)" },
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
	bool known = x->name.status == 1;

	err_set(err, ERR_KIND_TLS, "it is for another name%s%s",
	    known ? ", such as " : "", known ? x->name_text : "");
	err_fix(err, "check the endpoint and the proxy: another server "
	             "answers in its place");
}

/* Codes for which a fault that was found is the better text. */
static bool
is_of_fault(int code)
{
	return code == BR_ERR_X509_UNSUPPORTED ||
	       code == BR_ERR_X509_LIMIT_EXCEEDED ||
	       code == BR_ERR_X509_WEAK_PUBLIC_KEY ||
	       code == BR_ERR_X509_NOT_CA ||
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
