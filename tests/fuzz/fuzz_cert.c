/* SPDX-License-Identifier: MIT */
/*
 * The input is a certificate.  What was read lies within it, and its name
 * constraints are evaluated against its own names.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "net/cert.h"

enum { NOW = 1800000000 };

static void
require_within(struct slice part, struct slice all)
{
	require(part.len == 0 || (part.ptr >= all.ptr &&
	                             part.ptr + part.len <= all.ptr + all.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice der = slice_make((const char *)data, size);
	size_t left = CERT_COMPARISONS_MAX;
	char name[CERT_NAME_SIZE];
	struct cert cert;
	const char *fault;

	if (cert_read(&cert, der) != 0)
		return 0;
	require_within(cert.issuer, der);
	require_within(cert.subject, der);
	require_within(cert.modulus, der);
	require_within(cert.exponent, der);
	require_within(cert.point, der);
	require_within(cert.names, der);
	require_within(cert.constraints, der);
	require(cert.key_fault != NULL || cert.curve != 0 ||
	        cert.modulus.len >= 256);
	cert_name(&cert, name);
	require(strlen(name) < sizeof name);
	fault =
	    cert_fault_names(&cert, cert.names, slice_of("tls.test"), &left);
	require(left <= CERT_COMPARISONS_MAX);
	require(cert_fault_constraint(&cert) == NULL || fault != NULL);
	(void)cert_signs(&cert);
	(void)cert_fault_server(&cert);
	(void)cert_fault_issuer(&cert, 1);
	(void)cert_fault_date(&cert, NOW);
	return 0;
}
