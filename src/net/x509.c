#include "net/x509.h"

#include <bearssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/ec.h"

/* BearSSL counts days from year 0. */
enum { DAYS_BEFORE_1970 = 719528, SECONDS_A_DAY = 86400, RSA_MIN_BYTES = 256 };

/* Seconds since 1970. */
struct validity {
	int64_t from, to;
};

struct x509 {
	const br_x509_class *vtable; /* first: this is what the engine has */
	br_x509_minimal_context minimal;
	br_x509_decoder_context decoder; /* of the certificate at hand */
	br_name_element name;
	char name_text[256]; /* the first name in the leaf */
	int64_t now;
	size_t seen;   /* certificates so far */
	bool outdated; /* bad is that of the first such one */
	struct validity bad;
	size_t bad_number;
};

static struct x509 *
self(const br_x509_class **context)
{
	return (struct x509 *)(void *)context;
}

static void
start_chain(const br_x509_class **context, const char *server_name)
{
	struct x509 *x = self(context);

	x->seen = 0;
	x->outdated = false;
	x->minimal.vtable->start_chain(&x->minimal.vtable, server_name);
}

static void
start_cert(const br_x509_class **context, uint32_t length)
{
	struct x509 *x = self(context);

	br_x509_decoder_init(&x->decoder, NULL, NULL);
	x->minimal.vtable->start_cert(&x->minimal.vtable, length);
}

static void
append(const br_x509_class **context, const unsigned char *data, size_t len)
{
	struct x509 *x = self(context);

	br_x509_decoder_push(&x->decoder, data, len);
	x->minimal.vtable->append(&x->minimal.vtable, data, len);
}

static int64_t
to_time(uint32_t days, uint32_t seconds)
{
	return ((int64_t)days - DAYS_BEFORE_1970) * SECONDS_A_DAY + seconds;
}

static void
end_cert(const br_x509_class **context)
{
	struct x509 *x = self(context);
	const br_x509_decoder_context *d = &x->decoder;

	x->seen++;
	if (d->decoded && !x->outdated) {
		x->bad.from = to_time(d->notbefore_days, d->notbefore_seconds);
		x->bad.to = to_time(d->notafter_days, d->notafter_seconds);
		x->outdated = x->now < x->bad.from || x->now > x->bad.to;
		x->bad_number = x->seen;
	}
	x->minimal.vtable->end_cert(&x->minimal.vtable);
}

static unsigned
end_chain(const br_x509_class **context)
{
	struct x509 *x = self(context);

	return x->minimal.vtable->end_chain(&x->minimal.vtable);
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *context, unsigned *usages)
{
	const struct x509 *x = (const struct x509 *)(const void *)context;

	return x->minimal.vtable->get_pkey(&x->minimal.vtable, usages);
}

static const br_x509_class class = {
	.context_size = sizeof(struct x509),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

/* BearSSL's own notation: a dNSName of the subjectAltName extension. */
static const unsigned char dns_name[] = { 0, 2 };

static void
set_up(struct x509 *x, const struct ca *ca)
{
	br_x509_minimal_context *m = &x->minimal;

	br_x509_minimal_init(m, &br_sha256_vtable, ca_anchors(ca),
	    ca_count(ca));
	br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(m, br_rsa_i62_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(m, ec_curves(), br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_minrsa(m, RSA_MIN_BYTES);
	br_x509_minimal_set_time(m,
	    (uint32_t)(x->now / SECONDS_A_DAY + DAYS_BEFORE_1970),
	    (uint32_t)(x->now % SECONDS_A_DAY));
	x->name = (br_name_element){
		.oid = dns_name, .buf = x->name_text, .len = sizeof x->name_text
	};
	br_x509_minimal_set_name_elements(m, &x->name, 1);
}

int
x509_new(struct x509 **out, const struct ca *ca, int64_t now, struct err *err)
{
	struct x509 *x = calloc(1, sizeof *x);

	if (x == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	x->vtable = &class;
	x->now = now > 0 ? now : 0;
	set_up(x, ca);
	*out = x;
	return 0;
}

void
x509_free(struct x509 *x509)
{
	free(x509);
}

void *
x509_engine(struct x509 *x509)
{
	return &x509->vtable;
}

static const char bundle_advice[] =
    "if a company proxy inspects TLS, or the server has a private "
    "certificate authority, name its certificate in AWS_CA_BUNDLE";
static const char server_advice[] =
    "the server's certificates have to be corrected";

struct reason {
	int code;
	const char *text;
	const char *advice;
};

static const struct reason reasons[] = {
	{ BR_ERR_X509_EMPTY_CHAIN, "the server sent none", server_advice },
	{ BR_ERR_X509_UNSUPPORTED,
	    "its kind of key or signature (such as SHA-1) is not supported",
	    server_advice },
	{ BR_ERR_X509_LIMIT_EXCEEDED, "a key in it is too large",
	    server_advice },
	{ BR_ERR_X509_WRONG_KEY_TYPE,
	    "its signature does not fit the issuer's kind of key",
	    server_advice },
	{ BR_ERR_X509_BAD_SIGNATURE, "a signature in its chain is wrong",
	    bundle_advice },
	{ BR_ERR_X509_DN_MISMATCH, "the server sent its chain in wrong order",
	    server_advice },
	{ BR_ERR_X509_CRITICAL_EXTENSION,
	    "it has a critical extension that is not supported",
	    server_advice },
	{ BR_ERR_X509_NOT_CA,
	    "a certificate in its chain does not belong to an authority",
	    server_advice },
	{ BR_ERR_X509_FORBIDDEN_KEY_USAGE,
	    "its key may not be used for this purpose", server_advice },
	{ BR_ERR_X509_WEAK_PUBLIC_KEY,
	    "a key in its chain is too weak (RSA below 2048 bits)",
	    server_advice },
	{ BR_ERR_X509_NOT_TRUSTED,
	    "it is not trusted: no known authority "
	    "issued it",
	    bundle_advice },
};

static int
refuse(struct err *err, const char *host, const char *why)
{
	return err_set(err, ERR_KIND_TLS, "certificate of %s: %s", host, why);
}

/* The peer's clock and ours disagree: show both sides. */
static void
explain_dates(const struct x509 *x, const char *host, struct err *err)
{
	char now[CLOCK_ISO_SIZE], from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
	bool early = x->now < x->bad.from;

	if (!x->outdated) {
		(void)refuse(err, host, "it is not valid today");
		return;
	}
	clock_iso(x->now, now);
	clock_iso(x->bad.from, from);
	clock_iso(x->bad.to, to);
	(void)err_set(err, ERR_KIND_TLS,
	    "certificate of %s: %s%s: valid from %s to %s, and the clock "
	    "here says %s",
	    host, x->bad_number > 1 ? "one in its chain " : "it ",
	    early ? "is not valid yet" : "has expired", from, to, now);
	err_fix(err, early ? "check the clock of this machine"
	                   : "check the clock of this machine; if it is "
	                     "right, the server needs a new certificate");
}

static void
explain_name(const struct x509 *x, const char *host, struct err *err)
{
	char name[sizeof x->name_text] = "";

	err_clean(name, sizeof name, x->name_text,
	    strnlen(x->name_text, sizeof x->name_text));
	(void)err_set(err, ERR_KIND_TLS,
	    "certificate of %s: it is for another name%s%s", host,
	    x->name.status == 1 ? ", such as " : "",
	    x->name.status == 1 ? name : "");
	err_fix(err, "check the endpoint and the proxy: another server "
	             "answers in its place");
}

bool
x509_explain(const struct x509 *x509, int code, const char *host,
    struct err *err)
{
	if (code <= BR_ERR_X509_OK || code > BR_ERR_X509_NOT_TRUSTED)
		return false;
	if (code == BR_ERR_X509_EXPIRED) {
		explain_dates(x509, host, err);
		return true;
	}
	if (code == BR_ERR_X509_BAD_SERVER_NAME) {
		explain_name(x509, host, err);
		return true;
	}
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		if (reasons[i].code == code) {
			(void)refuse(err, host, reasons[i].text);
			err_fix(err, "%s", reasons[i].advice);
			return true;
		}
	}
	(void)refuse(err, host, "it is malformed");
	err_fix(err, "%s", server_advice);
	return true;
}
