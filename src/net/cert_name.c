/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/err.h"
#include "net/cert.h"
#include "net/der.h"

enum { SET = 0x31, DNS_NAME = 0x82 };

static const struct slice common = DER_BYTES("\x55\x04\x03");

void
cert_name(const struct cert *cert, char out[static CERT_NAME_SIZE])
{
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

/* An asterisk stands for a first label that is there, with others behind. */
static bool
is_for(struct slice name, const char *host)
{
	const char *rest = strchr(host, '.');

	if (host[0] == '\0')
		return false;
	if (slice_eq_nocase(name, host))
		return true;
	return rest != NULL && rest != host && rest[1] != '\0' &&
	       slice_starts(name, "*.") &&
	       slice_eq_nocase(slice_skip(name, 1), rest);
}

/* Text whose characters below 0x80 are ASCII (X.680, 41). */
static bool
is_text(unsigned tag)
{
	enum {
		UTF8 = 0x0C,
		NUMERIC = 0x12,
		PRINTABLE = 0x13,
		TELETEX = 0x14,
		IA5 = 0x16
	};

	return tag == UTF8 || tag == NUMERIC || tag == PRINTABLE ||
	       tag == TELETEX || tag == IA5;
}

static bool
has_common_name(struct slice subject, const char *host)
{
	struct der all, set, both, oid, text;

	if (!der_only(subject, DER_SEQUENCE, &all))
		return false;
	while (der_take(&all.value, SET, &set)) {
		while (der_take(&set.value, DER_SEQUENCE, &both)) {
			if (der_take(&both.value, DER_OID, &oid) &&
			    der_only(both.value, DER_ANY, &text) &&
			    slice_same(oid.value, common) &&
			    is_text(text.tag) && is_for(text.value, host))
				return true;
		}
	}
	return false;
}

bool
cert_name_fits(const struct cert *cert, const char *host)
{
	struct slice names = cert->names;
	struct der name;

	if (!cert_has(cert, CERT_NAMES))
		return has_common_name(cert->subject, host);
	while (der_take(&names, DER_ANY, &name)) {
		if (name.tag == DNS_NAME && is_for(name.value, host))
			return true;
	}
	return false;
}

void
cert_name_first(const struct cert *cert, char *out, size_t size)
{
	struct slice names = cert->names;
	struct der name;

	out[0] = '\0';
	while (der_take(&names, DER_ANY, &name)) {
		if (name.tag == DNS_NAME) {
			err_clean(out, size, name.value.ptr, name.value.len);
			return;
		}
	}
}
