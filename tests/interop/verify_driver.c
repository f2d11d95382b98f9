/* SPDX-License-Identifier: MIT */
/*
 * verify_driver ROOTS CHAIN HOST: what is said of a server's certificates, DER
 * each behind its length in three bytes, "accepted", or an error of ROOTS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/x509.h"

enum { LENGTH = 3 };

static struct x509 x509;

static unsigned
check(const br_x509_class **c, struct slice rest, const char *host)
{
	(*c)->start_chain(c, host);
	while (rest.len > LENGTH) {
		const unsigned char *p = (const unsigned char *)rest.ptr;
		size_t len = (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
		struct slice der = slice_head(slice_skip(rest, LENGTH), len);

		(*c)->start_cert(c, (uint32_t)der.len);
		(*c)->append(c, (const void *)der.ptr, der.len);
		(*c)->end_cert(c);
		rest = slice_skip(rest, LENGTH + len);
	}
	return (*c)->end_chain(c);
}

static void
say(const struct ca *ca, const struct buf *chain, const char *host)
{
	struct err err = { 0 };
	unsigned code;

	x509_init(&x509, ca, clock_now());
	code = check(&x509.vtable, slice_make(chain->data, chain->len), host);
	puts(x509_explain(&x509, (int)code, &err) ? err.msg : "accepted");
	x509_free(&x509);
}

int
main(int argc, char **argv)
{
	struct buf chain = { 0 };
	struct err err = { 0 };
	struct ca *ca = NULL;

	log_open(LOG_ERROR, LOG_TEXT);
	if (argc != 4 || file_read(argv[2], &chain, &err) != FILE_FOUND)
		return 2;
	if (ca_load(&ca, argv[1], NULL, "bundle", &err) == 0)
		say(ca, &chain, argv[3]);
	else
		puts(err.msg);
	ca_free(ca);
	buf_free(&chain);
	return 0;
}
