/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bearssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "net/ca.h"
#include "net/ca_roots.h"
#include "net/cert.h"
#include "unit/net_peer.h"

enum { ROOTS_EVERYWHERE = 5, ROOTS_CHINA = 2 };

/* What the bundle made of the parts loads as: the number of anchors, or -1. */
static int
load_text(const char *text, size_t len, struct err *err)
{
	char path[] = "/tmp/test_ca.XXXXXX";
	int fd = mkstemp(path);
	struct ca *ca = NULL;
	int count = -1;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	if (ca_load(&ca, path, NULL, "AWS_CA_BUNDLE", err) == 0)
		count = (int)ca_count(ca);
	else
		assert_non_null(strstr(err->msg, path));
	ca_free(ca);
	assert_int_equal(unlink(path), 0);
	return count;
}

static int
load_buf(struct buf *text, struct err *err)
{
	int count;

	assert_true(buf_ok(text));
	count = load_text(buf_str(text), text->len, err);
	buf_free(text);
	return count;
}

static void
add_file(struct buf *out, const char *name)
{
	assert_int_equal(file_read(net_peer_path(name), out, NULL), FILE_FOUND);
}

static void
test_loads_a_bundle(void **state)
{
	struct ca *ca = NULL;

	(void)state;
	assert_int_equal(ca_load(&ca, net_peer_path("roots.pem"), NULL,
	                     "AWS_CA_BUNDLE", NULL),
	    0);
	assert_int_equal(ca_count(ca), 4);
	assert_int_equal(ca_at(ca, 0)->curve, 0);
	assert_int_equal(ca_at(ca, 0)->modulus.len, 256);
	assert_int_equal(ca_at(ca, 1)->modulus.len, 512);
	assert_int_equal(ca_at(ca, 2)->curve, BR_EC_secp256r1);
	assert_int_equal(ca_at(ca, 3)->curve, BR_EC_secp384r1);
	for (size_t i = 0; i < 4; i++) {
		assert_true(cert_signs(ca_at(ca, i)));
		assert_true(ca_at(ca, i)->subject.len > 0);
		assert_int_equal(ca_at(ca, i)->subject.ptr[0], 0x30);
	}
	ca_free(ca);
}

/* A certificate that is no authority's is trusted as itself only. */
static void
test_a_leaf_is_no_authority(void **state)
{
	struct ca *ca = NULL;

	(void)state;
	assert_int_equal(ca_load(&ca, net_peer_path("direct.crt"), NULL, "x",
	                     NULL),
	    0);
	assert_int_equal(ca_count(ca), 1);
	assert_false(cert_signs(ca_at(ca, 0)));
	ca_free(ca);
}

static void
test_text_around_certificates(void **state)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	(void)state;
	buf_puts(&text, "\n# a comment\nsubject=/CN=x\n-----\n\xff\n");
	add_file(&text, "root.crt");
	buf_puts(&text, "between\n-----BEGIN PRIVATE KEY-----\nAAAA\n"
	                "-----END PRIVATE KEY-----\n");
	add_file(&text, "ec-root.crt");
	buf_puts(&text, "after");
	assert_int_equal(load_buf(&text, &err), 2);
}

static void
test_line_ends(void **state)
{
	struct buf text = { 0 }, crlf = { 0 };
	struct err err = { 0 };

	(void)state;
	add_file(&text, "roots.pem");
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			buf_putc(&crlf, '\r');
		buf_putc(&crlf, text.data[i]);
	}
	assert_int_equal(load_buf(&crlf, &err), 4);
	/* The last line may have none. */
	buf_cut(&text, text.len - 1);
	assert_int_equal(load_buf(&text, &err), 4);
}

static void
test_unusable_ones_are_skipped(void **state)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	(void)state;
	add_file(&text, "ed-root.crt");
	buf_puts(&text, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
	                "-----END CERTIFICATE-----\n"
	                "-----BEGIN CERTIFICATE-----\n!!!!\n"
	                "-----END CERTIFICATE-----\n"
	                "-----BEGIN CERTIFICATE-----\n"
	                "-----END CERTIFICATE-----\n");
	add_file(&text, "root.crt");
	buf_puts(&text, "-----BEGIN CERTIFICATE-----\nMIID");
	assert_int_equal(load_buf(&text, &err), 1);
}

/* Editors put a mark in front of UTF-8; what is joined has it inside. */
static void
test_marks_of_utf8(void **state)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	(void)state;
	buf_puts(&text, "\xEF\xBB\xBF");
	add_file(&text, "root.crt");
	buf_puts(&text, "\xEF\xBB\xBF");
	add_file(&text, "ec-root.crt");
	assert_int_equal(load_buf(&text, &err), 2);
	assert_int_equal(load_text("\xFF\xFE-\0-\0", 6, &err), -1);
	assert_non_null(strstr(err.msg, "UTF-16"));
}

/* Those that cannot be used are named. */
static void
test_unusable_ones_are_named(void **state)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	(void)state;
	buf_puts(&text, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
	                "-----END CERTIFICATE-----\n");
	add_file(&text, "ed-root.crt");
	assert_int_equal(load_buf(&text, &err), -1);
	assert_non_null(strstr(err.msg, "certificate 1 is malformed; "
	                                "certificate 2 (Ed25519) has an "
	                                "Ed25519 key, which is not supported"));
}

/* The old name counts; one that may say "not trusted" does not. */
static void
test_names_of_certificates(void **state)
{
	static const char *const names[] = { "X509 CERTIFICATE",
		"TRUSTED CERTIFICATE", "CERTIFICATE REQUEST", "X509 CRL" };
	struct buf pem = { 0 };
	const char *body;

	(void)state;
	add_file(&pem, "root.crt");
	body = strchr(buf_str(&pem), '\n');
	assert_non_null(body);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct buf text = { 0 };
		struct err err = { 0 };

		buf_printf(&text, "-----BEGIN %s-----%.*s-----END %s-----\n",
		    names[i],
		    (int)(strlen(body) - strlen("-----END CERTIFICATE-----\n")),
		    body, names[i]);
		assert_int_equal(load_buf(&text, &err), i == 0 ? 1 : -1);
	}
	buf_free(&pem);
}

static void
test_nothing_usable_is_an_error(void **state)
{
	static const char *const texts[] = { "", "\n", "no certificate\n",
		"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
		"-----END CERTIFICATE-----\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct err err = { 0 };

		assert_int_equal(load_text(texts[i], strlen(texts[i]), &err),
		    -1);
		assert_int_equal(err.kind, ERR_KIND_TLS);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.msg, "AWS_CA_BUNDLE"));
		assert_non_null(strstr(err.msg, "certificate in /"));
	}
}

static void
test_missing_file_is_an_error(void **state)
{
	static const char *const paths[] = { "/nonexistent/bundle.pem", "/tmp",
		"" };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct err err = { 0 };
		struct ca *ca = NULL;

		assert_int_equal(ca_load(&ca, paths[i], NULL, "ca_bundle",
		                     &err),
		    -1);
		assert_null(ca);
		assert_int_equal(err.kind, ERR_KIND_TLS);
		assert_int_equal(err.code, ERR_CONFIG);
		assert_non_null(strstr(err.msg, "ca_bundle"));
		assert_non_null(strstr(err.msg, paths[i]));
	}
}

static void
add_many(struct buf *text, const struct buf *pem, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buf_add(text, pem->data, pem->len);
}

static void
test_limit_of_the_count(void **state)
{
	struct buf pem = { 0 };
	struct buf text = { .max = CA_FILE_MAX };
	struct err err = { 0 };

	(void)state;
	add_file(&pem, "ec-root.crt");
	add_many(&text, &pem, CA_COUNT_MAX);
	assert_int_equal(load_text(buf_str(&text), text.len, &err),
	    CA_COUNT_MAX);
	add_many(&text, &pem, 1);
	assert_int_equal(load_buf(&text, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_TLS);
	assert_int_equal(err.code, ERR_CONFIG);
	buf_free(&pem);
}

static void
test_limit_of_the_file(void **state)
{
	struct buf text = { .max = CA_FILE_MAX + 1 };
	struct err err = { 0 };

	(void)state;
	add_file(&text, "root.crt");
	while (text.len < CA_FILE_MAX)
		buf_putc(&text, '\n');
	assert_int_equal(load_text(buf_str(&text), text.len, &err), 1);
	buf_putc(&text, '\n');
	assert_int_equal(load_buf(&text, &err), -1);
}

static void
test_builtin_roots(void **state)
{
	static const char *const china[] = { "ssm.cn-north-1.amazonaws.com.cn",
		"SSM.cn-north-1.AMAZONAWS.com.cn",
		"ssm.cn-north-1.api.amazonwebservices.com.cn" };
	static const char *const others[] = { "ssm.eu-west-1.amazonaws.com",
		"amazonaws.com.cn", "ssm.xamazonaws.com.cn",
		"amazonaws.com.cn.example.com", "ssm.amazonwebservices.com.cn",
		"", "localhost" };
	struct ca *ca = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof china / sizeof china[0]; i++) {
		assert_int_equal(ca_builtin(&ca, china[i], NULL), 0);
		assert_int_equal(ca_count(ca), ROOTS_EVERYWHERE + ROOTS_CHINA);
		ca_free(ca);
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		assert_int_equal(ca_builtin(&ca, others[i], NULL), 0);
		assert_int_equal(ca_count(ca), ROOTS_EVERYWHERE);
		ca_free(ca);
	}
}

/* What is written can be read again, and is the same. */
static void
test_builtin_roots_as_pem(void **state)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	size_t pems = 0;

	(void)state;
	assert_int_equal(ca_pem(&text, &err), 0);
	assert_int_equal(strlen(buf_str(&text)), text.len);
	for (const char *at = strstr(buf_str(&text), "-----BEGIN CERT");
	     at != NULL; at = strstr(at + 1, "-----BEGIN CERT"))
		pems++;
	assert_int_equal(pems, ca_roots_count);
	assert_int_equal(load_buf(&text, &err), (int)ca_roots_count);
}

static void
test_pem_over_the_ceiling(void **state)
{
	struct buf text = { .max = 100 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(ca_pem(&text, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_SYSTEM);
	buf_free(&text);
	ca_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads_a_bundle),
		cmocka_unit_test(test_a_leaf_is_no_authority),
		cmocka_unit_test(test_text_around_certificates),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_unusable_ones_are_skipped),
		cmocka_unit_test(test_marks_of_utf8),
		cmocka_unit_test(test_unusable_ones_are_named),
		cmocka_unit_test(test_names_of_certificates),
		cmocka_unit_test(test_nothing_usable_is_an_error),
		cmocka_unit_test(test_missing_file_is_an_error),
		cmocka_unit_test(test_limit_of_the_count),
		cmocka_unit_test(test_limit_of_the_file),
		cmocka_unit_test(test_builtin_roots),
		cmocka_unit_test(test_builtin_roots_as_pem),
		cmocka_unit_test(test_pem_over_the_ceiling),
	};

	return cmocka_run_group_tests(tests, net_peer_start, net_peer_stop);
}
