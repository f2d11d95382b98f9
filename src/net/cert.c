/* SPDX-License-Identifier: MIT */
#include "net/cert.h"

#include <string.h>

#include "base/clock.h"
#include "net/der.h"

enum {
	BOOLEAN = 0x01,
	INTEGER = 0x02,
	BIT_STRING = 0x03,
	OCTETS = 0x04,
	UTC_TIME = 0x17,
	TIME = 0x18,
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
	if (date.value.len + century != CLOCK_BASIC_SIZE - 2 ||
	    date.value.ptr[date.value.len - 1] != 'Z')
		return false;
	memcpy(text, date.value.ptr[0] >= '5' ? "19" : "20", century);
	memcpy(&text[century], date.value.ptr, DAY - century);
	text[DAY] = 'T';
	memcpy(&text[DAY + 1], &date.value.ptr[DAY - century],
	    date.value.len - (DAY - century));
	return clock_parse_iso(slice_of(text), when);
}

static bool
is_negative(struct slice number)
{
	return number.len > 0 && ((unsigned char)number.ptr[0] & NEGATIVE) != 0;
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
	    !der_only(both.value, INTEGER, &exponent) ||
	    is_negative(modulus.value) || is_negative(exponent.value))
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

enum kind { UNKNOWN, RSA, EC };
enum hash { NO_HASH, SHA_256 = 4, SHA_384, SHA_512 };

/* What keys and, with a hash, signatures are made by, and what to say of it. */
struct algorithm {
	struct slice oid;
	enum kind kind;
	enum hash hash;
	const char *key, *signature;
};

static const struct algorithm algorithms[] = {
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"), RSA, NO_HASH, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x02\x01"), EC, NO_HASH, NULL, NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B"), RSA, SHA_256, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C"), RSA, SHA_384, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D"), RSA, SHA_512, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x02"), EC, SHA_256, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x03"), EC, SHA_384, NULL,
	    NULL },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x03\x04"), EC, SHA_512, NULL,
	    NULL },
	{ DER_BYTES("\x2B\x65\x70"), UNKNOWN, NO_HASH,
	    "has an Ed25519 key, which is not supported",
	    "is signed with Ed25519, which is not supported" },
	{ DER_BYTES("\x2B\x65\x71"), UNKNOWN, NO_HASH,
	    "has an Ed448 key, which is not supported",
	    "is signed with Ed448, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A"), UNKNOWN, NO_HASH,
	    "has an RSA-PSS key, which is not supported",
	    "is signed with RSA-PSS, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05"), UNKNOWN, NO_HASH,
	    NULL, "is signed with SHA-1, which is not supported" },
	{ DER_BYTES("\x2A\x86\x48\xCE\x3D\x04\x01"), UNKNOWN, NO_HASH, NULL,
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
	if (algorithm->kind == RSA && algorithm->hash == NO_HASH)
		return read_rsa(cert, key);
	cert->key_fault = algorithm->key != NULL
	                      ? algorithm->key
	                      : "has a key of a kind that is not supported";
	if (algorithm->kind == EC && algorithm->hash == NO_HASH)
		read_point(cert, parameters, key);
	return true;
}

static bool
read_signature(struct cert *cert, struct slice rest)
{
	const struct algorithm *algorithm;
	struct slice parameters;

	if (!take_algorithm(&rest, &algorithm, &parameters) ||
	    !take_bits(&rest, &cert->signature) || rest.len > 0)
		return false;
	cert->hash = algorithm->hash;
	cert->signed_by_rsa = algorithm->kind == RSA;
	if (algorithm->hash == NO_HASH) {
		cert->signature_fault =
		    algorithm->signature != NULL
		        ? algorithm->signature
		        : "has a signature of a kind that is not supported";
	} else if (cert->signature.len > RSA_MAX_BYTES) {
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
		if (number.value.len == 0 || is_negative(number.value))
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
	enum { UNUSED_MAX = 7 };
	struct der bits;
	unsigned unused;

	if (!der_only(value, BIT_STRING, &bits) || bits.value.len == 0)
		return false;
	unused = (unsigned char)bits.value.ptr[0];
	if (unused > UNUSED_MAX)
		return false;
	cert->usage = bits.value.len > 1 ? (unsigned char)bits.value.ptr[1] : 0;
	if (bits.value.len == 2)
		cert->usage = cert->usage >> unused << unused;
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

/* Nothing has to be done because of the policies: none has a qualifier, or
 * these lead to texts (RFC 5280, 4.2.1.4). */
static bool
is_plain_policy(struct slice value)
{
	static const struct slice text =
	    DER_BYTES("\x2B\x06\x01\x05\x05\x07\x02\x01");
	struct der all, policy, oid, list, one;

	if (!der_only(value, DER_SEQUENCE, &all))
		return false;
	while (all.value.len > 0) {
		if (!der_take(&all.value, DER_SEQUENCE, &policy) ||
		    !der_take(&policy.value, DER_OID, &oid))
			return false;
		if (policy.value.len == 0)
			continue;
		if (!der_only(policy.value, DER_SEQUENCE, &list))
			return false;
		while (list.value.len > 0) {
			if (!der_take(&list.value, DER_SEQUENCE, &one) ||
			    !der_take(&one.value, DER_OID, &oid) ||
			    !slice_same(oid.value, text))
				return false;
		}
	}
	return true;
}

/*
 * It may be critical.  Beside those that are read these are names of keys,
 * other names of the issuer, and where to find lists and services, none of
 * which limits what the certificate is good for.
 */
static bool
is_understood(struct slice oid, struct slice value)
{
	enum { KEY = 14, ISSUER_NAMES = 18, LISTS = 31, ISSUER_KEY = 35 };
	enum { OF_ISSUER = 1, OF_SUBJECT = 11 };
	static const uint64_t kinds =
	    UINT64_C(1) << KEY | UINT64_C(1) << CERT_USAGE |
	    UINT64_C(1) << CERT_NAMES | UINT64_C(1) << ISSUER_NAMES |
	    UINT64_C(1) << CERT_BASIC | UINT64_C(1) << CERT_CONSTRAINTS |
	    UINT64_C(1) << LISTS | UINT64_C(1) << ISSUER_KEY |
	    UINT64_C(1) << CERT_PURPOSES;
	unsigned last;

	if (oid.len == 0)
		return false;
	last = (unsigned char)oid.ptr[oid.len - 1];
	if (slice_starts(oid, "\x55\x1D") && oid.len == 3) {
		return last == CERT_POLICIES ? is_plain_policy(value)
		                             : last < 64 && (kinds >> last & 1);
	}
	return slice_starts(oid, "\x2B\x06\x01\x05\x05\x07\x01") &&
	       oid.len == 8 && (last == OF_ISSUER || last == OF_SUBJECT);
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
	bool must = false;

	if (!der_take(&extension, DER_OID, &oid))
		return false;
	if (der_optional(&extension, BOOLEAN, &critical)) {
		if (critical.value.len != 1)
			return false;
		must = critical.value.ptr[0] != 0;
	}
	if (!der_only(extension, OCTETS, &value))
		return false;
	if (must && !is_understood(oid.value, value.value))
		cert->unknown = true;
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
	return cert->version <= 3;
}

static bool
read_dates(struct cert *cert, struct slice *rest)
{
	struct der both;

	return der_take(rest, DER_SEQUENCE, &both) &&
	       take_date(&both.value, &cert->from) &&
	       take_date(&both.value, &cert->to) && both.value.len == 0;
}

/* The part that is signed, which names the algorithm that is outside, too. */
static bool
read_body(struct cert *cert, struct slice body, struct slice algorithm)
{
	struct der serial, inner, issuer, subject, key, last;

	if (!read_version(cert, &body) || !der_take(&body, INTEGER, &serial) ||
	    !der_take(&body, DER_SEQUENCE, &inner) ||
	    !slice_same(inner.whole, algorithm) ||
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
	struct der all, body, algorithm;
	struct slice rest;

	*cert = (struct cert){ .path_max = UINT64_MAX };
	if (!der_only(der, DER_SEQUENCE, &all) ||
	    !der_take(&all.value, DER_SEQUENCE, &body))
		return -1;
	rest = all.value;
	cert->body = body.whole;
	if (!der_take(&rest, DER_SEQUENCE, &algorithm) ||
	    !read_body(cert, body.value, algorithm.whole) ||
	    !read_signature(cert, all.value))
		return -1;
	return 0;
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
