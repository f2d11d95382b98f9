/* SPDX-License-Identifier: MIT */
#include "net/cert.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/der.h"

enum {
	BOOLEAN = 0x01,
	INTEGER = 0x02,
	BIT_STRING = 0x03,
	OCTETS = 0x04,
	UTC_TIME = 0x17,
	TIME = 0x18,
	SET = 0x31,
	VERSION = 0xA0,
	UNIQUE_ID = 0x81, /* and 0x82 */
	CONSTRUCTED = 0x20,
	EXTENSIONS = 0xA3,
};

enum {
	NEGATIVE = 0x80,
	RSA_MIN_BYTES = 256,
	RSA_MAX_BYTES = 512,
	RSA_EXPONENT_MAX_BYTES = 8,
};

/* UTCTime or GeneralizedTime, up to the second and with a Z (RFC 5280,
 * 4.1.2.5). */
static bool
take_date(struct slice *rest, int64_t *when)
{
	enum { DAY = 8 };
	char text[CLOCK_BASIC_SIZE + 1] = "";
	struct der date;
	size_t century = 0;

	if (!der_take(rest, DER_ANY, &date) ||
	    (date.tag != UTC_TIME && date.tag != TIME))
		return false;
	if (date.tag == UTC_TIME)
		century = 2;
	if (date.value.len + century != CLOCK_BASIC_SIZE - 2)
		return false;
	memcpy(text, date.value.ptr[0] >= '5' ? "19" : "20", century);
	memcpy(&text[century], date.value.ptr, DAY - century);
	text[DAY] = 'T';
	memcpy(&text[DAY + 1], &date.value.ptr[DAY - century],
	    date.value.len - (DAY - century));
	return clock_parse_iso(slice_of(text), when);
}

static struct slice
without_zeros(struct slice number)
{
	while (number.len > 0 && number.ptr[0] == 0)
		number = slice_skip(number, 1);
	return number;
}

static bool
read_rsa(struct cert *cert, struct slice key)
{
	struct der both, modulus, exponent;

	if (!der_only(key, DER_SEQUENCE, &both) ||
	    !der_take(&both.value, INTEGER, &modulus) ||
	    !der_only(both.value, INTEGER, &exponent))
		return false;
	cert->modulus = without_zeros(modulus.value);
	cert->exponent = without_zeros(exponent.value);
	if (cert->modulus.len < RSA_MIN_BYTES) {
		cert->key_fault =
		    "has a key that is too weak (RSA below 2048 bits)";
	} else if (cert->modulus.len > RSA_MAX_BYTES) {
		cert->key_fault = "has an RSA key above 4096 bits, which is "
		                  "not supported";
	} else if (cert->exponent.len == 0 ||
	           cert->exponent.len > RSA_EXPONENT_MAX_BYTES) {
		cert->key_fault = "has an RSA key with an odd exponent, which "
		                  "is not supported";
	}
	return true;
}

static void
read_point(struct cert *cert, struct slice parameters, struct slice key)
{
	static const struct {
		struct slice oid;
		unsigned curve; /* RFC 8422, 5.1.1 */
		size_t len;
	} curves[] = {
		{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x03\x01\x07"), 23, 65 },
		{ DER_BYTES("\x2B\x81\x04\x00\x22"), 24, 97 },
		{ DER_BYTES("\x2B\x81\x04\x00\x23"), 25, 133 },
	};
	struct der oid;

	cert->point = key;
	cert->key_fault = "has a key on an elliptic curve that is not "
	                  "supported (P-256, P-384 and P-521 are)";
	if (!der_only(parameters, DER_OID, &oid))
		return;
	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
		if (slice_same(oid.value, curves[i].oid) &&
		    key.len == curves[i].len) {
			cert->curve = curves[i].curve;
			cert->key_fault = NULL;
		}
	}
}

enum kind { UNKNOWN, RSA, EC, GOOD };

/* What keys and signatures are made by, and what to say of it. */
struct algorithm {
	struct slice oid;
	enum kind kind;
	const char *key, *signature;
};

static const struct algorithm algorithms[] = {
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"), RSA, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x02\x01"), EC, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x02"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x03"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x04"), GOOD, NULL, NULL },
	{ DER_BYTES("\x2B\x65\x70"), UNKNOWN,
	    "has an Ed25519 key, which is not supported",
	    "is signed with Ed25519, which is not supported" },
	{ DER_BYTES("\x2B\x65\x71"), UNKNOWN,
	    "has an Ed448 key, which is not supported",
	    "is signed with Ed448, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"), UNKNOWN,
	    "has an RSA-PSS key, which is not supported",
	    "is signed with RSA-PSS, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05"), UNKNOWN, NULL,
	    "is signed with SHA-1, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x01"), UNKNOWN, NULL,
	    "is signed with SHA-1, which is not supported" },
};

static const struct algorithm *
find_algorithm(struct slice oid)
{
	static const struct algorithm other = { .kind = UNKNOWN };

	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (slice_same(algorithms[i].oid, oid))
			return &algorithms[i];
	}
	return &other;
}

/* An AlgorithmIdentifier: the name is cut off its parameters. */
static bool
take_algorithm(struct slice *rest, const struct algorithm **out,
    struct slice *parameters)
{
	struct der both, oid;

	if (!der_take(rest, DER_SEQUENCE, &both) ||
	    !der_take(&both.value, DER_OID, &oid))
		return false;
	*out = find_algorithm(oid.value);
	*parameters = both.value;
	return true;
}

/* A BIT STRING of whole bytes. */
static bool
take_bits(struct slice *rest, struct slice *out)
{
	struct der bits;

	if (!der_take(rest, BIT_STRING, &bits) || bits.value.len == 0 ||
	    bits.value.ptr[0] != 0)
		return false;
	*out = slice_skip(bits.value, 1);
	return true;
}

static bool
read_key(struct cert *cert, struct slice info)
{
	const struct algorithm *algorithm;
	struct slice parameters, key;

	if (!take_algorithm(&info, &algorithm, &parameters) ||
	    !take_bits(&info, &key) || info.len > 0)
		return false;
	if (algorithm->kind == RSA)
		return read_rsa(cert, key);
	cert->key_fault = algorithm->key != NULL
	                      ? algorithm->key
	                      : "has a key of a kind that is not supported";
	if (algorithm->kind == EC)
		read_point(cert, parameters, key);
	return true;
}

static bool
read_signature(struct cert *cert, struct slice rest)
{
	const struct algorithm *algorithm;
	struct slice parameters, signature;

	if (!take_algorithm(&rest, &algorithm, &parameters) ||
	    !take_bits(&rest, &signature) || rest.len > 0)
		return false;
	if (algorithm->kind != GOOD) {
		cert->signature_fault =
		    algorithm->signature != NULL
		        ? algorithm->signature
		        : "has a signature of a kind that is not supported";
	} else if (signature.len > RSA_MAX_BYTES) {
		cert->signature_fault = "is signed with an RSA key above 4096 "
		                        "bits, which is not supported";
	}
	return true;
}

static bool
read_basic(struct cert *cert, struct slice value)
{
	struct der all, flag, number;

	if (!der_only(value, DER_SEQUENCE, &all))
		return false;
	if (der_optional(&all.value, BOOLEAN, &flag)) {
		if (flag.value.len != 1)
			return false;
		cert->authority = flag.value.ptr[0] != 0;
	}
	if (der_optional(&all.value, INTEGER, &number)) {
		if (number.value.len == 0 ||
		    (number.value.ptr[0] & NEGATIVE) != 0)
			return false;
		number.value = without_zeros(number.value);
		cert->path_max = number.value.len == 0
		                     ? 0
		                     : (unsigned char)number.value.ptr[0];
		/* No chain is as long as that. */
		if (number.value.len > 1)
			cert->path_max = UINT64_MAX;
	}
	return all.value.len == 0;
}

static bool
read_usage(struct cert *cert, struct slice value)
{
	struct der bits;

	if (!der_only(value, BIT_STRING, &bits) || bits.value.len == 0)
		return false;
	cert->usage = bits.value.len > 1 ? (unsigned char)bits.value.ptr[1] : 0;
	return true;
}

static bool
read_purposes(struct cert *cert, struct slice value)
{
	static const struct slice server =
	    DER_BYTES("\x2B\x06\x01\x05\x05\x07\x03\x01");
	static const struct slice any = DER_BYTES("\x55\x1D\x25\x00");
	struct der all, oid;

	if (!der_only(value, DER_SEQUENCE, &all))
		return false;
	while (all.value.len > 0) {
		if (!der_take(&all.value, DER_OID, &oid))
			return false;
		cert->servers |=
		    slice_same(oid.value, server) || slice_same(oid.value, any);
	}
	return true;
}

static bool
read_names(struct cert *cert, struct slice value)
{
	struct der all, name;

	if (!der_only(value, DER_SEQUENCE, &all))
		return false;
	cert->names = all.value;
	while (all.value.len > 0) {
		if (!der_take(&all.value, DER_ANY, &name))
			return false;
	}
	return true;
}

static bool
read_constraints(struct cert *cert, struct slice value)
{
	struct der all;

	if (!der_only(value, DER_SEQUENCE, &all))
		return false;
	cert->constraints = all.value;
	return true;
}

bool
cert_has(const struct cert *cert, enum cert_extension kind)
{
	return (cert->extensions >> kind & 1) != 0;
}

static bool
read_extension(struct cert *cert, struct slice extension)
{
	static const struct {
		enum cert_extension kind;
		bool (*read)(struct cert *, struct slice);
	} kinds[] = {
		{ CERT_USAGE, read_usage },
		{ CERT_NAMES, read_names },
		{ CERT_BASIC, read_basic },
		{ CERT_CONSTRAINTS, read_constraints },
		{ CERT_PURPOSES, read_purposes },
	};
	struct der oid, critical, value;

	if (!der_take(&extension, DER_OID, &oid))
		return false;
	der_optional(&extension, BOOLEAN, &critical);
	if (!der_only(extension, OCTETS, &value))
		return false;
	if (oid.value.len != 3 || !slice_starts(oid.value, "\x55\x1D"))
		return true;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		enum cert_extension kind = kinds[i].kind;

		if ((unsigned char)oid.value.ptr[2] != kind)
			continue;
		if (cert_has(cert, kind) || !kinds[i].read(cert, value.value))
			return false;
		cert->extensions |= UINT64_C(1) << kind;
	}
	return true;
}

static bool
read_extensions(struct cert *cert, struct slice outer)
{
	struct der all, extension;

	if (!der_only(outer, DER_SEQUENCE, &all))
		return false;
	while (all.value.len > 0) {
		if (!der_take(&all.value, DER_SEQUENCE, &extension) ||
		    !read_extension(cert, extension.value))
			return false;
	}
	return true;
}

static bool
read_version(struct cert *cert, struct slice *rest)
{
	struct der outer, number;

	cert->version = 1;
	if (!der_optional(rest, VERSION, &outer))
		return true;
	if (!der_only(outer.value, INTEGER, &number) || number.value.len != 1)
		return false;
	cert->version = (unsigned char)number.value.ptr[0] + 1U;
	return true;
}

static bool
read_dates(struct cert *cert, struct slice *rest)
{
	struct der both;

	return der_take(rest, DER_SEQUENCE, &both) &&
	       take_date(&both.value, &cert->from) &&
	       take_date(&both.value, &cert->to) && both.value.len == 0;
}

/* The part that is signed. */
static bool
read_body(struct cert *cert, struct slice body)
{
	struct der serial, algorithm, issuer, subject, key, last;

	if (!read_version(cert, &body) || !der_take(&body, INTEGER, &serial) ||
	    !der_take(&body, DER_SEQUENCE, &algorithm) ||
	    !der_take(&body, DER_SEQUENCE, &issuer) ||
	    !read_dates(cert, &body) ||
	    !der_take(&body, DER_SEQUENCE, &subject) ||
	    !der_take(&body, DER_SEQUENCE, &key) || !read_key(cert, key.value))
		return false;
	cert->issuer = issuer.whole;
	cert->subject = subject.whole;
	for (unsigned id = UNIQUE_ID; id < UNIQUE_ID + 2; id++) {
		if (!der_optional(&body, id, &last))
			der_optional(&body, id | CONSTRUCTED, &last);
	}
	if (der_optional(&body, EXTENSIONS, &last) &&
	    !read_extensions(cert, last.value))
		return false;
	return body.len == 0;
}

int
cert_read(struct cert *cert, struct slice der)
{
	struct der all, body;

	*cert = (struct cert){ .path_max = UINT64_MAX };
	if (!der_only(der, DER_SEQUENCE, &all) ||
	    !der_take(&all.value, DER_SEQUENCE, &body) ||
	    !read_body(cert, body.value) || !read_signature(cert, all.value))
		return -1;
	return 0;
}

void
cert_name(const struct cert *cert, char out[static CERT_NAME_SIZE])
{
	static const struct slice common = DER_BYTES("\x55\x04\x03");
	static const struct slice organization = DER_BYTES("\x55\x04\x0A");
	struct der all, set, both, oid, text;
	bool found = false;

	out[0] = '\0';
	if (!der_only(cert->subject, DER_SEQUENCE, &all))
		return;
	while (!found && der_take(&all.value, SET, &set) &&
	       der_take(&set.value, DER_SEQUENCE, &both) &&
	       der_take(&both.value, DER_OID, &oid) &&
	       der_take(&both.value, DER_ANY, &text)) {
		found = slice_same(oid.value, common);
		if (found || slice_same(oid.value, organization))
			err_clean(out, CERT_NAME_SIZE, text.value.ptr,
			    text.value.len);
	}
}

bool
cert_signs(const struct cert *cert)
{
	bool usage = cert_has(cert, CERT_USAGE);

	if (usage && (cert->usage & CERT_USAGE_SIGNS) == 0)
		return false;
	if (cert_has(cert, CERT_BASIC))
		return cert->authority;
	return usage ||
	       (cert->version == 1 && slice_same(cert->subject, cert->issuer));
}
