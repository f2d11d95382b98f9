/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bearssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/ca.h"
#include "net/tls.h"
#include "net/x509.h"

/*
 * Certificates of a hostile server: well formed, with keys that are too large
 * for what holds them, and in pieces of every size.  A decoder that has
 * failed must not read on.
 */
enum { CERT_MAX_SIZE = 70000, SENT_MAX = 80000, LIMIT_MS = 30000 };

struct sample {
	unsigned char data[CERT_MAX_SIZE];
	size_t at; /* where it begins: it is written from its end */
};

static void
put(struct sample *c, const void *data, size_t len)
{
	assert_true(c->at >= len);
	c->at -= len;
	if (len > 0)
		memcpy(&c->data[c->at], data, len);
}

static void
put_byte(struct sample *c, unsigned byte)
{
	unsigned char b = (unsigned char)byte;

	put(c, &b, 1);
}

/* Tag and length of what was put since the end was there. */
static void
put_tag(struct sample *c, unsigned tag, size_t end)
{
	size_t len = end - c->at;
	unsigned bytes = 0;

	if (len < 128) {
		put_byte(c, (unsigned)len);
	} else {
		for (; len > 0; len >>= 8, bytes++)
			put_byte(c, len & 0xFF);
		put_byte(c, 0x80 | bytes);
	}
	put_byte(c, tag);
}

/* Not zero at any place, so that what it runs over is seen to change. */
static void
put_key_bytes(struct sample *c, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put_byte(c, 0x41);
}

static void
put_ec_key(struct sample *c, size_t len)
{
	static const unsigned char kind[] = { 0x30, 0x13, 0x06, 0x07, 0x2A,
		0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
		0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07 };
	size_t end = c->at;

	put_key_bytes(c, len);
	put_byte(c, 0);
	put_tag(c, 0x03, end);
	put(c, kind, sizeof kind);
	put_tag(c, 0x30, end);
}

static void
put_rsa_key(struct sample *c, size_t len)
{
	static const unsigned char exponent[] = { 2, 3, 1, 0, 1 };
	static const unsigned char kind[] = { 0x30, 0x0D, 0x06, 0x09, 0x2A,
		0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 5, 0 };
	size_t end = c->at, modulus;

	put(c, exponent, sizeof exponent);
	modulus = c->at;
	put_key_bytes(c, len);
	put_tag(c, 0x02, modulus);
	put_tag(c, 0x30, end);
	put_byte(c, 0);
	put_tag(c, 0x03, end);
	put(c, kind, sizeof kind);
	put_tag(c, 0x30, end);
}

struct key_case {
	void (*put_key)(struct sample *, size_t);
	size_t len;
};

struct bytes {
	const unsigned char *data;
	size_t len;
};

static const struct bytes nothing = { NULL, 0 };

/* A certificate with a key of so many bytes, extensions, and something behind
 * the name of the algorithm that it is signed with. */
static void
make_whole(struct sample *c, const struct key_case *key,
    struct bytes extensions, struct bytes parameters)
{
	static const unsigned char algorithm[] = { 0x06, 0x09, 0x2A, 0x86, 0x48,
		0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B };
	static const unsigned char signature[] = { 3, 2, 0, 1 };
	static const unsigned char no_name[] = { 0x30, 0 };
	static const unsigned char head[] = { 0xA0, 3, 2, 1, 2, 2, 1, 1 };
	size_t end = sizeof c->data, body, inner;

	c->at = end;
	put(c, signature, sizeof signature);
	body = c->at;
	put(c, parameters.data, parameters.len);
	put(c, algorithm, sizeof algorithm);
	put_tag(c, 0x30, body);
	body = c->at;
	put(c, extensions.data, extensions.len);
	key->put_key(c, key->len);
	put(c, no_name, sizeof no_name);
	put(c,
	    "\x30\x1E\x17\x0D"
	    "200101000000Z"
	    "\x17\x0D"
	    "491231235959Z",
	    32);
	put(c, no_name, sizeof no_name);
	inner = c->at;
	put(c, parameters.data, parameters.len);
	put(c, algorithm, sizeof algorithm);
	put_tag(c, 0x30, inner);
	put(c, head, sizeof head);
	put_tag(c, 0x30, body);
	put_tag(c, 0x30, end);
}

static const struct key_case keys[] = {
	{ put_ec_key, BR_X509_BUFSIZE_KEY + 1 },
	{ put_ec_key, 600 },
	{ put_ec_key, 1900 },
	{ put_ec_key, 5000 },
	{ put_ec_key, 60000 },
	{ put_rsa_key, 1024 },
	{ put_rsa_key, BR_X509_BUFSIZE_KEY + 1 },
	{ put_rsa_key, 60000 },
};
static const size_t pieces[] = { 1, 100, 256, 300, 1000, 16000 };

static struct sample cert;

static size_t
min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
push_pieces(br_x509_decoder_context *d, size_t piece)
{
	for (size_t at = cert.at; at < sizeof cert.data; at += piece)
		br_x509_decoder_push(d, &cert.data[at],
		    min(piece, sizeof cert.data - at));
}

/* What stands behind the key, in the decoder and beyond it, is untouched. */
static void
test_failed_decoder(void **state)
{
	br_x509_decoder_context *d = calloc(1, sizeof *d);

	(void)state;
	assert_non_null(d);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		make_whole(&cert, &keys[i], nothing, nothing);
		for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
			br_x509_decoder_init(d, NULL, NULL);
			push_pieces(d, pieces[j]);
			assert_int_equal(br_x509_decoder_last_error(d),
			    BR_ERR_X509_LIMIT_EXCEEDED);
			assert_null(br_x509_decoder_get_pkey(d));
			assert_int_equal(d->signer_key_type, 0);
			assert_int_equal(d->signer_hash_id, 0);
		}
	}
	free(d);
}

static struct ca *
own_anchors(void)
{
	struct ca *ca = NULL;

	assert_int_equal(ca_builtin(&ca, "ssm.eu-west-1.amazonaws.com", NULL),
	    0);
	return ca;
}

/* The certificate as the engine hands it over, twice in one chain. */
static unsigned
check_chain(struct x509 *x, size_t piece)
{
	const br_x509_class **c = &x->vtable;

	(*c)->start_chain(c, "tls.test");
	for (int i = 0; i < 2; i++) {
		(*c)->start_cert(c, (uint32_t)(sizeof cert.data - cert.at));
		for (size_t at = cert.at; at < sizeof cert.data; at += piece)
			(*c)->append(c, &cert.data[at],
			    min(piece, sizeof cert.data - at));
		(*c)->end_cert(c);
	}
	return (*c)->end_chain(c);
}

static void
test_failed_check(void **state)
{
	struct x509 *x = calloc(1, sizeof *x);
	struct ca *ca = own_anchors();

	(void)state;
	assert_non_null(x);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		make_whole(&cert, &keys[i], nothing, nothing);
		for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
			memset(x, 0, sizeof *x);
			x509_init(x, ca, clock_now());
			assert_true(x509_has((int)check_chain(x, pieces[j])));
			assert_int_equal(x->seen, 2);
			assert_int_equal(x->outdated, 0);
			x509_free(x);
		}
	}
	ca_free(ca);
	free(x);
}

/* [3] { { { basicConstraints, critical, CA }, { extendedKeyUsage, of the
 * value that ends it } } } */
#define EXTENSIONS(len, ...)                                              \
	0xA3, 25 + (len), 0x30, 23 + (len), 0x30, 0x0C, 6, 3, 0x55, 0x1D, \
	    0x13, 1, 1, 0xFF, 4, 2, 0x30, 0, 0x30, 7 + (len), 6, 3, 0x55, \
	    0x1D, 0x25, 4, (len), __VA_ARGS__
#define SERVER 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, 1
#define CLIENT 6, 8, 0x2B, 6, 1, 5, 5, 7, 3, 2

static const unsigned char for_clients[] = { EXTENSIONS(12, 0x30, 10, CLIENT) };
static const unsigned char for_servers[] = { EXTENSIONS(12, 0x30, 10, SERVER) };
static const unsigned char for_both[] = { EXTENSIONS(22, 0x30, 20, CLIENT,
    SERVER) };
static const unsigned char for_any[] = { EXTENSIONS(8, 0x30, 6, 6, 4, 0x55,
    0x1D, 0x25, 0) };
static const unsigned char for_nobody[] = { EXTENSIONS(2, 0x30, 0) };
/* Longer than that of servers, and shorter. */
static const unsigned char for_others[] = { EXTENSIONS(21, 0x30, 19, 6, 9, 0x2B,
    6, 1, 5, 5, 7, 3, 1, 1, 6, 6, 0x2B, 6, 1, 5, 5, 7) };

#define BYTES(array)                 \
	{                            \
		array, sizeof(array) \
	}

static void
test_purposes(void **state)
{
	static const struct {
		struct bytes extensions, parameters;
		bool serves;
	} cases[] = {
		{ { NULL, 0 }, { NULL, 0 }, true },
		{ BYTES(for_servers), { NULL, 0 }, true },
		{ BYTES(for_both), { NULL, 0 }, true },
		{ BYTES(for_any), { NULL, 0 }, true },
		{ BYTES(for_clients), { NULL, 0 }, false },
		{ BYTES(for_nobody), { NULL, 0 }, false },
		{ BYTES(for_others), { NULL, 0 }, false },
		/* Parameters do not count. */
		{ BYTES(for_clients), BYTES(for_servers), false },
		{ { NULL, 0 }, BYTES(for_clients), true },
	};
	static const struct key_case key = { put_rsa_key, 256 };
	struct x509 *x = calloc(1, sizeof *x);
	struct ca *ca = own_anchors();

	(void)state;
	assert_non_null(x);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_whole(&cert, &key, cases[i].extensions,
		    cases[i].parameters);
		for (size_t piece = 1; piece < sizeof cert.data - cert.at;
		     piece++) {
			memset(x, 0, sizeof *x);
			x509_init(x, ca, clock_now());
			(void)check_chain(x, piece);
			if ((x->fault == NULL) != cases[i].serves)
				fail_msg("case %zu in pieces of %zu", i, piece);
			x509_free(x);
		}
	}
	ca_free(ca);
	free(x);
}

struct sent {
	unsigned char data[SENT_MAX];
	size_t len;
};

static void
add(struct sent *s, const void *data, size_t len)
{
	assert_true(len <= sizeof s->data - s->len);
	memcpy(&s->data[s->len], data, len);
	s->len += len;
}

static void
add_number(struct sent *s, size_t bytes, size_t number)
{
	while (bytes-- > 0) {
		unsigned char b = (unsigned char)(number >> 8 * bytes);

		add(s, &b, 1);
	}
}

/* ServerHello and Certificate. */
static void
add_messages(struct sent *s)
{
	static const unsigned char random[32] = { 1 };
	size_t len = sizeof cert.data - cert.at;

	add_number(s, 4, 0x02000000 | 38);
	add_number(s, 2, BR_TLS12);
	add(s, random, sizeof random);
	add_number(s, 1, 0);
	add_number(s, 2, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
	add_number(s, 1, 0);
	add_number(s, 1, 11);
	add_number(s, 3, len + 6);
	add_number(s, 3, len + 3);
	add_number(s, 3, len);
	add(s, &cert.data[cert.at], len);
}

/* Read the ClientHello, send records of that size until nobody reads them. */
static void
serve(int fd, size_t size)
{
	static struct sent messages, record;
	unsigned char hello[512];

	(void)signal(SIGPIPE, SIG_IGN);
	(void)alarm(LIMIT_MS / 1000);
	if (read(fd, hello, sizeof hello) <= 0)
		_exit(1);
	add_messages(&messages);
	for (size_t at = 0; at < messages.len; at += size) {
		size_t len = min(size, messages.len - at);

		record.len = 0;
		add_number(&record, 1, 22);
		add_number(&record, 2, BR_TLS12);
		add_number(&record, 2, len);
		add(&record, &messages.data[at], len);
		if (write(fd, record.data, record.len) < 0)
			break;
	}
	_exit(0);
}

static void
shake_hands(const struct ca *ca, size_t size, struct err *err)
{
	struct tls *tls = NULL;
	int pair[2];
	pid_t server;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	server = fork();
	assert_true(server >= 0);
	if (server == 0) {
		close(pair[0]);
		serve(pair[1], size);
	}
	close(pair[1]);
	assert_int_equal(tls_open(&tls, pair[0], "tls.test", ca,
	                     clock_in(LIMIT_MS), err),
	    -1);
	close(pair[0]);
	assert_int_equal(waitpid(server, NULL, 0), server);
}

static void
test_hostile_server(void **state)
{
	struct ca *ca = own_anchors();

	(void)state;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		make_whole(&cert, &keys[i], nothing, nothing);
		for (size_t j = 1; j < sizeof pieces / sizeof pieces[0]; j++) {
			struct err err = { 0 };

			shake_hands(ca, pieces[j], &err);
			if (strstr(err.msg, "certificate of tls.test") == NULL)
				fail_msg("key %zu in pieces of %zu: %s", i,
				    pieces[j], err.msg);
		}
	}
	ca_free(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_decoder),
		cmocka_unit_test(test_failed_check),
		cmocka_unit_test(test_purposes),
		cmocka_unit_test(test_hostile_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
