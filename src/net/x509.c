#include "net/x509.h"

#include <bearssl.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/ca.h"

/* BearSSL's own choice has a third implementation, for P-256; it takes more
 * room than these two together. */
static const br_ec_impl *
choose(int curve)
{
	return curve == BR_EC_curve25519 ? &br_ec_c25519_m31 : &br_ec_prime_i31;
}

static const unsigned char *
generator(int curve, size_t *len)
{
	return choose(curve)->generator(curve, len);
}

static const unsigned char *
order(int curve, size_t *len)
{
	return choose(curve)->order(curve, len);
}

static size_t
xoff(int curve, size_t *len)
{
	return choose(curve)->xoff(curve, len);
}

static uint32_t
mul(unsigned char *point, size_t point_len, const unsigned char *x, size_t len,
    int curve)
{
	return choose(curve)->mul(point, point_len, x, len, curve);
}

static size_t
mulgen(unsigned char *out, const unsigned char *x, size_t len, int curve)
{
	return choose(curve)->mulgen(out, x, len, curve);
}

/* The form is BearSSL's. NOLINTBEGIN(readability-function-size) */
static uint32_t
muladd(unsigned char *a, const unsigned char *b, size_t point_len,
    const unsigned char *x, size_t x_len, const unsigned char *y, size_t y_len,
    int curve)
{
	return choose(curve)->muladd(a, b, point_len, x, x_len, y, y_len,
	    curve);
}
/* NOLINTEND(readability-function-size) */

const void *
x509_curves(void)
{
	static const br_ec_impl curves = {
		.supported_curves = (uint32_t)1 << BR_EC_curve25519 |
		                    (uint32_t)1 << BR_EC_secp256r1 |
		                    (uint32_t)1 << BR_EC_secp384r1 |
		                    (uint32_t)1 << BR_EC_secp521r1,
		.generator = generator,
		.order = order,
		.xoff = xoff,
		.mul = mul,
		.mulgen = mulgen,
		.muladd = muladd,
	};

	return &curves;
}

enum step { TAG, LENGTH, MORE_LENGTH, VALUE };

/* Where an element is, by the number of elements around it. */
enum level {
	CERTIFICATE,
	TO_BE_SIGNED,
	FIELD,
	EXTENSIONS,
	EXTENSION,
	PART,
	USAGES,
	USAGE,
};

enum {
	OCTETS = 0x04,
	OBJECT_ID = 0x06,
	SEQUENCE = 0x30,
	EXTENSIONS_TAG = 0xA3,
	LONG = 0x80,
};

static const unsigned char extended_key_usage[] = { 0x55, 0x1D, 0x25 };
static const unsigned char any_usage[] = { 0x55, 0x1D, 0x25, 0x00 };
static const unsigned char server_auth[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07,
	0x03, 0x01 };

static bool
is_oid(const struct x509_purpose *p, const unsigned char *oid, size_t len)
{
	return p->oid_len == len && memcmp(p->oid, oid, len) == 0;
}

/* The elements that hold what we look for; others are skipped, above all
 * those behind the part that is signed. */
static bool
is_entered(const struct x509_purpose *p)
{
	switch (p->depth) {
	case TO_BE_SIGNED:
		return p->tag == SEQUENCE && !p->body;
	case FIELD:
		return p->tag == EXTENSIONS_TAG;
	case PART:
		return p->tag == OCTETS && p->usages;
	case USAGE:
		return false;
	default:
		return p->tag == SEQUENCE;
	}
}

static void
take_oid(struct x509_purpose *p)
{
	if (p->depth == PART) {
		p->usages =
		    is_oid(p, extended_key_usage, sizeof extended_key_usage);
		p->limited |= p->usages;
	} else if (p->depth == USAGE) {
		p->servers |= is_oid(p, server_auth, sizeof server_auth) ||
		              is_oid(p, any_usage, sizeof any_usage);
	}
}

static void
leave(struct x509_purpose *p)
{
	p->step = TAG;
	if (p->tag == OBJECT_ID)
		take_oid(p);
	while (p->depth > 0 && p->at >= p->end[p->depth - 1])
		p->depth--;
}

static void
enter(struct x509_purpose *p)
{
	p->oid_len = 0;
	p->value = p->length;
	p->step = VALUE;
	if (p->length > 0 && is_entered(p)) {
		p->body |= p->depth == TO_BE_SIGNED;
		if (p->depth == EXTENSION)
			p->usages = false;
		p->end[p->depth++] = p->at + p->length;
		p->step = TAG;
	} else if (p->length == 0) {
		leave(p);
	}
}

static void
read_length(struct x509_purpose *p, unsigned char byte)
{
	if (p->step == MORE_LENGTH) {
		p->length = p->length << 8 | byte;
		p->length_bytes--;
	} else {
		p->length_bytes = byte >= LONG ? byte - LONG : 0;
		p->length = byte >= LONG ? 0 : byte;
		p->step = MORE_LENGTH;
	}
	if (p->length_bytes == 0)
		enter(p);
}

static void
read_value(struct x509_purpose *p, unsigned char byte)
{
	if (p->oid_len < sizeof p->oid)
		p->oid[p->oid_len] = byte;
	p->oid_len++;
	if (--p->value == 0)
		leave(p);
}

void
x509_purpose_read(struct x509_purpose *p, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		p->at++;
		if (p->step == VALUE) {
			read_value(p, data[i]);
		} else if (p->step == TAG) {
			p->tag = data[i];
			p->step = LENGTH;
		} else {
			read_length(p, data[i]);
		}
	}
}

bool
x509_purpose_serves(const struct x509_purpose *p)
{
	return !p->limited || p->servers;
}

/* BearSSL counts days from year 0. */
enum { DAYS_BEFORE_1970 = 719528, SECONDS_A_DAY = 86400, RSA_MIN_BYTES = 256 };

/* The class is BearSSL's, with our look at dates and purposes in front of four
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

	br_x509_decoder_init(&x->decoder, NULL, NULL);
	x->purpose = (struct x509_purpose){ 0 };
	x->counts = x->minimal.err == 0;
	br_x509_minimal_vtable.start_cert(context, length);
}

static void
append(const br_x509_class **context, const unsigned char *data, size_t len)
{
	struct x509 *x = self(context);

	/* One that has failed would go on behind the check that failed. */
	if (x->decoder.err == 0)
		br_x509_decoder_push(&x->decoder, data, len);
	if (x->counts)
		x509_purpose_read(&x->purpose, data, len);
	br_x509_minimal_vtable.append(context, data, len);
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
	if (d->decoded && x->outdated == 0) {
		x->from = to_time(d->notbefore_days, d->notbefore_seconds);
		x->to = to_time(d->notafter_days, d->notafter_seconds);
		if (x->now < x->from || x->now > x->to)
			x->outdated = x->seen;
	}
	if (x->counts && x->misused == 0 && !x509_purpose_serves(&x->purpose))
		x->misused = x->seen;
	br_x509_minimal_vtable.end_cert(context);
}

static unsigned
end_chain(const br_x509_class **context)
{
	unsigned code = br_x509_minimal_vtable.end_chain(context);

	return code == 0 && self(context)->misused > 0
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
	br_x509_minimal_init(m, &br_sha256_vtable, ca_anchors(ca),
	    ca_count(ca));
	br_x509_minimal_set_hash(m, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(m, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(m, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_rsa(m, br_rsa_i62_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(m, x509_curves(), br_ecdsa_i31_vrfy_asn1);
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

static void
explain_purpose(const struct x509 *x, struct err *err)
{
	err_set(err, ERR_KIND_TLS,
	    "%s is for other purposes than servers (extended key usage)",
	    x->misused > 1 ? "one in its chain" : "it");
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
	if (code == BR_ERR_X509_FORBIDDEN_KEY_USAGE && x509->misused > 0)
		explain_purpose(x509, err);
	/* What is said already stays. */
	while (reasons[i].code != 0 && reasons[i].code != code)
		i++;
	err_set(err, ERR_KIND_TLS, "%s", reasons[i].text);
	err_fix(err, "%s", reasons[i].bundle ? bundle_advice : server_advice);
	return true;
}
