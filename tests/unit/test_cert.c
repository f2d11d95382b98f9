/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "net/cert.h"

/*
 * Certificates of the fuzz corpus, which are those of tests/interop/
 * test_certificates.py; the verdicts on all of them are tested there.
 */
#define HOST "ssm.eu-west-1.amazonaws.com"

static struct buf der;

static struct slice
load(const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof path, "tests/fuzz/corpus/cert/%s", name);
	buf_free(&der);
	assert_int_equal(file_read(path, &der, NULL), FILE_FOUND);
	return slice_make(der.data, der.len);
}

static struct cert
read_one(const char *name)
{
	struct cert cert;

	assert_int_equal(cert_read(&cert, load(name)), 0);
	return cert;
}

static void
test_facts(void **state)
{
	struct cert cert = read_one("version-1");
	char name[CERT_NAME_SIZE];

	(void)state;
	assert_int_equal(cert.version, 1);
	assert_true(cert_signs(&cert));
	assert_int_equal(cert.curve, 23);
	assert_true(cert.from == 1577836800 && cert.to == 4102444799);
	assert_null(cert_fault_date(&cert, cert.from));
	assert_null(cert_fault_date(&cert, cert.to));
	assert_non_null(cert_fault_date(&cert, cert.from - 1));
	assert_non_null(cert_fault_date(&cert, cert.to + 1));
	cert_name(&cert, name);
	assert_int_equal(strncmp(name, "root", 4), 0);
	cert = read_one("p521");
	assert_int_equal(cert.version, 3);
	assert_int_equal(cert.curve, 25);
	assert_true(cert.path_max == UINT64_MAX);
	cert = read_one("path");
	assert_true(cert.path_max == 0);
	assert_null(cert_fault_issuer(&cert, 0));
	assert_non_null(cert_fault_issuer(&cert, 1));
	cert = read_one("rsa");
	assert_int_equal(cert.modulus.len, 256);
	assert_int_equal(cert.exponent.len, 3);
	assert_non_null(strstr(cert_fault_server(&cert), "may not sign"));
	cert = read_one("clients");
	assert_non_null(strstr(cert_fault_server(&cert), "other purposes"));
	cert = read_one("ed25519");
	assert_non_null(strstr(cert.key_fault, "Ed25519"));
	cert = read_one("pss");
	assert_non_null(strstr(cert.signature_fault, "RSA-PSS"));
}

/* Permitted are amazonaws.com and what is below, excluded is a part of it. */
static void
test_names(void **state)
{
	static const struct {
		const char *host;
		bool allowed;
	} cases[] = {
		{ "amazonaws.com", true },
		{ "AmazonAWS.com", true },
		{ "ssm.us-east-1.amazonaws.com", true },
		{ "eu-west-1.amazonaws.com", false },
		{ HOST, false },
		{ "xeu-west-1.amazonaws.com", true },
		{ "xamazonaws.com", false },
		{ "com", false },
		{ "", false },
	};
	struct cert cert = read_one("constrained");
	size_t left;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		left = CERT_COMPARISONS_MAX;
		if (cases[i].allowed !=
		    (cert_fault_names(&cert, slice_of(""),
		         slice_of(cases[i].host), &left) == NULL))
			fail_msg("%s", cases[i].host);
	}
	left = 2;
	assert_non_null(strstr(cert_fault_names(&cert, slice_of(""),
	                           slice_of("amazonaws.com"), &left),
	    "too many"));
	cert = read_one("addresses");
	assert_non_null(cert_fault_constraint(&cert));
}

static void
test_cut_and_changed(void **state)
{
	static const char *const names[] = { "constrained", "names", "rsa",
		"version-1" };
	struct cert cert;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct slice all = load(names[i]);

		for (size_t len = 0; len < all.len; len++)
			assert_int_equal(cert_read(&cert, slice_head(all, len)),
			    -1);
		buf_putc(&der, '\0');
		assert_int_equal(cert_read(&cert,
		                     slice_make(der.data, der.len)),
		    -1);
	}
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cut_and_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
