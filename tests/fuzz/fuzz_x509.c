/* SPDX-License-Identifier: MIT */
/*
 * The input is a server's certificates, each behind its length in three bytes
 * as in the message of TLS, and reaches the check in pieces.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "fuzz/fuzz.h"
#include "net/ca.h"
#include "net/cert.h"
#include "net/x509.h"

enum { PIECE = 256, LENGTH = 3, NOW = 1800000000 };

static void
check_cert(const br_x509_class **c, const uint8_t *data, size_t size)
{
	(*c)->start_cert(c, (uint32_t)size);
	for (size_t at = 0; at < size; at += PIECE)
		(*c)->append(c, &data[at],
		    size - at < PIECE ? size - at : PIECE);
	(*c)->end_cert(c);
}

/* The number of certificates. */
static size_t
check_all(const br_x509_class **c, const uint8_t *data, size_t size)
{
	size_t count = 0;

	while (size > LENGTH) {
		size_t len =
		    (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];

		data += LENGTH;
		size -= LENGTH;
		if (len > size)
			len = size;
		check_cert(c, data, len);
		data += len;
		size -= len;
		count++;
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509 *x = calloc(1, sizeof *x);
	const br_x509_class **c = &x->minimal.vtable;
	struct ca *ca = NULL;
	struct err err = { 0 };
	size_t count;
	int code;

	require(x != NULL);
	require(ca_builtin(&ca, "tls.test", NULL) == 0);
	x509_init(x, ca, NOW);
	(*c)->start_chain(c, "tls.test");
	count = check_all(c, data, size);
	code = (int)(*c)->end_chain(c);
	require(x->seen == count && x->outdated <= count);
	require(x->faulty <= count && (x->faulty > 0) == (x->fault != NULL));
	require(x->comparisons <= CERT_COMPARISONS_MAX);
	require(x->name.buf == x->name_text);
	require(x->name.len == sizeof x->name_text);
	/* Nobody here has the key of an anchor. */
	require(x509_has(code) && x509_explain(x, code, &err));
	require(err.kind == ERR_KIND_TLS && err.retry == ERR_FINAL);
	x509_free(x);
	ca_free(ca);
	free(x);
	return 0;
}
