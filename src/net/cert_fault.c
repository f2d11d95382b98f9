/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include "net/cert.h"
#include "net/der.h"

enum {
	DNS_NAME = 0x82,
	PERMITTED = 0xA0,
	EXCLUDED = 0xA1,
	DIGITAL_SIGNATURE = 0x80,
};

const char *
cert_fault_purpose(const struct cert *cert)
{
	return cert_has(cert, CERT_PURPOSES) && !cert->servers
	           ? "is for other purposes than servers (extended key usage)"
	           : NULL;
}

const char *
cert_fault_server(const struct cert *cert)
{
	return cert_has(cert, CERT_USAGE) &&
	               (cert->usage & DIGITAL_SIGNATURE) == 0
	           ? "has a key that may not sign (key usage without "
	             "digitalSignature), as every cipher suite here needs"
	           : cert_fault_purpose(cert);
}

const char *
cert_fault_date(const struct cert *cert, int64_t now)
{
	if (now < cert->from)
		return "is not valid yet";
	return now > cert->to ? "has expired" : NULL;
}

const char *
cert_fault_issuer(const struct cert *cert, size_t below)
{
	if (cert_has(cert, CERT_USAGE) && (cert->usage & CERT_USAGE_SIGNS) == 0)
		return "may not sign certificates (key usage)";
	if (!cert_signs(cert))
		return "does not belong to an authority";
	if (below > cert->path_max)
		return "allows fewer authorities below it (path length)";
	return cert_fault_purpose(cert);
}

/* A name is within a subtree that is it or ends it, at a dot (RFC 5280,
 * 4.2.1.10). */
static bool
is_within(struct slice name, struct slice base)
{
	size_t more = name.len - base.len;

	if (base.len == 0)
		return true;
	if (name.len < base.len ||
	    (more > 0 && base.ptr[0] != '.' && name.ptr[more - 1] != '.'))
		return false;
	for (size_t i = 0; i < base.len; i++) {
		if (tolower((unsigned char)name.ptr[more + i]) !=
		    tolower((unsigned char)base.ptr[i]))
			return false;
	}
	return true;
}

struct subtrees {
	bool permitted, excluded; /* there are any */
	struct slice in, out;
};

/* Subtrees are of DNS names, without minimum and maximum. */
static bool
check_subtrees(struct slice list)
{
	struct der tree, name;

	while (list.len > 0) {
		if (!der_take(&list, DER_SEQUENCE, &tree) ||
		    !der_only(tree.value, DNS_NAME, &name))
			return false;
	}
	return true;
}

/* Some subtree of a list that was checked has the name in it. */
static bool
is_listed(struct slice list, struct slice name, size_t *left)
{
	struct der tree, base;

	while (*left > 0 && der_take(&list, DER_SEQUENCE, &tree) &&
	       der_take(&tree.value, DNS_NAME, &base)) {
		--*left;
		if (is_within(name, base.value))
			return true;
	}
	return false;
}

static bool
is_allowed(const struct subtrees *trees, struct slice name, size_t *left)
{
	return (!trees->permitted || is_listed(trees->in, name, left)) &&
	       !(trees->excluded && is_listed(trees->out, name, left)) &&
	       *left > 0;
}

static bool
read_subtrees(struct slice constraints, struct subtrees *out)
{
	struct der list;

	*out = (struct subtrees){ 0 };
	if (der_optional(&constraints, PERMITTED, &list)) {
		out->permitted = true;
		out->in = list.value;
	}
	if (der_optional(&constraints, EXCLUDED, &list)) {
		out->excluded = true;
		out->out = list.value;
	}
	return constraints.len == 0 && check_subtrees(out->in) &&
	       check_subtrees(out->out);
}

const char *
cert_fault_constraint(const struct cert *cert)
{
	struct subtrees trees;

	return cert_has(cert, CERT_CONSTRAINTS) &&
	               !read_subtrees(cert->constraints, &trees)
	           ? "has name constraints that are not supported (only those "
	             "of DNS names are)"
	           : NULL;
}

const char *
cert_fault_names(const struct cert *cert, struct slice names, struct slice host,
    size_t *left)
{
	const char *fault = cert_fault_constraint(cert);
	struct subtrees trees;
	struct der name;
	bool allowed;

	if (fault != NULL || !cert_has(cert, CERT_CONSTRAINTS))
		return fault;
	read_subtrees(cert->constraints, &trees);
	allowed = is_allowed(&trees, host, left);
	while (allowed && der_take(&names, DER_ANY, &name))
		allowed = name.tag != DNS_NAME ||
		          is_allowed(&trees, name.value, left);
	if (*left == 0)
		return "has too many name constraints for so many names";
	return allowed ? NULL
	               : "does not permit a name of the server (name "
	                 "constraints)";
}
