/* SPDX-License-Identifier: MIT */
/*
 * The input is what a hostile server does to its side of a whole handshake.
 * Three bytes of it are settings: the size of records in the clear, and
 * whether the rest is a certificate in place of the server's own (CERT) or
 * behind it (MORE), a stream in place of its answer (RAW), or changes of it:
 * four bytes each, the place, a value to xor and a value to add.
 */
#include <bearssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/ca.h"
#include "net/tls.h"

enum {
	SETTINGS = 3,
	CHANGE = 4,
	INPUT_MAX = 60000,
	JOURNAL_MAX = 16384,
	HEAD = 5,
	HANDSHAKE = 22,
	LIMIT_MS = 5000,
	QUIET_MS = 20,
};
enum mode { PLAIN, CERT, MORE, RAW, MODES };

/* Both are for the key whose secret number is 32 bytes of 1. */
static const char root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBVDCB+qADAgECAhRZcMRNDAifMMqgW11PZcble0w5vzAKBggqhkjOPQQDAjAP\n"
    "MQ0wCwYDVQQDDARSb290MCAXDTIwMDEwMTAwMDAwMFoYDzIwOTkxMjMxMjM1OTU5\n"
    "WjAPMQ0wCwYDVQQDDARSb290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEb/A7\n"
    "lJJBzh2t1DUZ5pYOCoW0GmmgXDKBA6orzhWUyhY8T3U6Vb8B3FP2wLDH7ueLQMb/\n"
    "fSWpbiKCuYnO9xwUSqMyMDAwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHQ4EFgQULgYs\n"
    "eWZefNLDLkYbfFfDLAD0FDAwCgYIKoZIzj0EAwIDSQAwRgIhAIxr7PZZ+yQ1iir7\n"
    "U5ALoLks+W3gc2YvRM0/khFhc5yxAiEAqbreWVKRQw2VhBgML9bia41zkdrsxzOw\n"
    "Qa4o3fMX6so=\n"
    "-----END CERTIFICATE-----\n";
static const char leaf[] =
    "MIIBcTCCARegAwIBAgIUYz74RkqKBaIDJB1jqROQ7aNMtiYwCgYIKoZIzj0EAwIw"
    "DzENMAsGA1UEAwwEUm9vdDAgFw0yMDAxMDEwMDAwMDBaGA8yMDk5MTIzMTIzNTk1"
    "OVowEzERMA8GA1UEAwwIdGxzLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC"
    "AARv8DuUkkHOHa3UNRnmlg4KhbQaaaBcMoEDqivOFZTKFjxPdTpVvwHcU/bAsMfu"
    "54tAxv99JaluIoK5ic73HBRKo0swSTATBgNVHREEDDAKggh0bHMudGVzdDATBgNV"
    "HSUEDDAKBggrBgEFBQcDATAdBgNVHQ4EFgQULgYseWZefNLDLkYbfFfDLAD0FDAw"
    "CgYIKoZIzj0EAwIDSAAwRQIhAKgh1u013FPPKrxy3psDe6MfsFWrNZV4b1iMYDPS"
    "MxPDAiAhpkOVkGyKEfg//CifhmZxQBsSjTH/TwKxaInkQGldhg==";
static const char greeting[] = "hello";

struct server {
	br_ssl_server_context engine;
	unsigned char records[BR_SSL_BUFSIZE_BIDI];
	br_x509_certificate chain[2];
	size_t chain_len;
	enum mode mode;
	size_t record_size;
	const uint8_t *rest;
	size_t rest_len;
	size_t sent; /* bytes behind heads of records */
	int fd;
	bool honest;
};

static void
set_up(struct server *s)
{
	static unsigned char secret[32];
	static const br_ec_private_key key = { BR_EC_secp256r1, secret,
		sizeof secret };
	static const unsigned char seed[32] = { 1 };

	memset(secret, 1, sizeof secret);
	br_ssl_server_init_full_ec(&s->engine, s->chain, s->chain_len,
	    BR_KEYTYPE_EC, &key);
	br_ssl_engine_set_buffer(&s->engine.eng, s->records, sizeof s->records,
	    1);
	br_ssl_engine_inject_entropy(&s->engine.eng, seed, sizeof seed);
	require(br_ssl_server_reset(&s->engine) == 1);
}

/* A client that has gone away is found out when reading. */
static void
put(const struct server *s, const void *data, size_t len)
{
	(void)!send(s->fd, data, len, MSG_NOSIGNAL);
}

static void
change(struct server *s, unsigned char *data, size_t len)
{
	for (size_t i = 0; s->mode == PLAIN && i + CHANGE <= s->rest_len;
	     i += CHANGE) {
		const uint8_t *c = &s->rest[i];
		size_t at = (size_t)c[0] << 8 | c[1];

		if (at >= s->sent && at - s->sent < len) {
			data[at - s->sent] ^= c[2];
			data[at - s->sent] += c[3];
		}
	}
	s->sent += len;
}

/* One record of the engine; a handshake is cut into smaller ones. */
static void
put_record(struct server *s, unsigned char *data, size_t len)
{
	size_t size = data[0] == HANDSHAKE ? s->record_size : JOURNAL_MAX;
	unsigned char piece[HEAD + JOURNAL_MAX];

	memcpy(piece, data, HEAD);
	change(s, &data[HEAD], len - HEAD);
	/* What is encrypted is one record. */
	if (s->engine.eng.incrypt)
		size = len - HEAD;
	for (size_t at = HEAD; at < len; at += size) {
		size_t part = len - at < size ? len - at : size;

		piece[3] = (unsigned char)(part >> 8);
		piece[4] = (unsigned char)part;
		memcpy(&piece[HEAD], &data[at], part);
		put(s, piece, HEAD + part);
	}
}

static void
send_records(struct server *s)
{
	size_t len = 0;
	const unsigned char *data =
	    br_ssl_engine_sendrec_buf(&s->engine.eng, &len);
	unsigned char copy[HEAD + JOURNAL_MAX + 512];

	for (size_t at = 0; at + HEAD <= len;) {
		size_t whole =
		    HEAD + ((size_t)data[at + 3] << 8) + data[at + 4];

		require(whole <= len - at && whole <= HEAD + JOURNAL_MAX);
		memcpy(copy, &data[at], whole);
		put_record(s, copy, whole);
		at += whole;
	}
	br_ssl_engine_sendrec_ack(&s->engine.eng, len);
}

/* 0: the client has gone, or waits for what will not come. */
static bool
receive(struct server *s)
{
	struct pollfd set = { .fd = s->fd, .events = POLLIN };
	size_t room = 0;
	unsigned char *data = br_ssl_engine_recvrec_buf(&s->engine.eng, &room);
	ssize_t got;

	if (poll(&set, 1, s->honest ? LIMIT_MS : QUIET_MS) != 1)
		return false;
	got = recv(s->fd, data, room, 0);
	if (got <= 0)
		return false;
	br_ssl_engine_recvrec_ack(&s->engine.eng, (size_t)got);
	return true;
}

static void
greet(struct server *s)
{
	size_t room = 0;
	unsigned char *data = br_ssl_engine_sendapp_buf(&s->engine.eng, &room);

	require(data != NULL && room > sizeof greeting);
	memcpy(data, greeting, sizeof greeting);
	br_ssl_engine_sendapp_ack(&s->engine.eng, sizeof greeting);
	br_ssl_engine_close(&s->engine.eng);
}

static void *
serve(void *argument)
{
	struct server *s = argument;
	bool greeted = false, there = true;

	set_up(s);
	while (there) {
		unsigned state = br_ssl_engine_current_state(&s->engine.eng);

		if ((state & BR_SSL_CLOSED) != 0)
			break;
		if ((state & BR_SSL_SENDREC) != 0 && s->mode == RAW) {
			put(s, s->rest, s->rest_len);
			break;
		}
		if ((state & BR_SSL_SENDREC) != 0) {
			send_records(s);
		} else if ((state & BR_SSL_SENDAPP) != 0 && !greeted) {
			greet(s);
			greeted = true;
		} else {
			there = receive(s);
		}
	}
	(void)shutdown(s->fd, SHUT_WR);
	return NULL;
}

static struct ca *
load_root(void)
{
	int fd = memfd_create("root", MFD_CLOEXEC);
	struct ca *ca = NULL;
	char path[64];

	require(fd >= 0);
	require(write(fd, root, sizeof root - 1) == sizeof root - 1);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	require(ca_load(&ca, path, NULL, "SETTING", NULL) == 0);
	close(fd);
	return ca;
}

/* The client's side; true when the handshake was done. */
static bool
visit(int fd, const struct ca *ca)
{
	struct tls *tls = NULL;
	struct err err = { 0 };
	char text[sizeof greeting];
	size_t got = 0;

	if (tls_open(&tls, fd, "tls.test", ca, clock_in(LIMIT_MS), &err) != 0) {
		require(tls == NULL && !err.timed_out);
		require(err.kind == ERR_KIND_TLS ||
		        err.kind == ERR_KIND_CONNECTION);
		return false;
	}
	if (tls_read(tls, text, sizeof text, &got, clock_in(LIMIT_MS), &err) ==
	    0)
		require(got <= sizeof text);
	else
		require(!err.timed_out);
	tls_free(tls);
	return true;
}

static void
set_chain(struct server *s, const struct buf *own, uint8_t *copy)
{
	br_x509_certificate mine = { (unsigned char *)own->data, own->len };
	br_x509_certificate other = { copy, s->rest_len };

	s->chain[0] = s->mode == CERT ? other : mine;
	s->chain[1] = other;
	s->chain_len = s->mode == MORE ? 2 : 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct server server;
	struct buf own = { .max = JOURNAL_MAX };
	struct ca *ca = load_root();
	pthread_t thread;
	int fds[2];
	bool done;

	if (size < SETTINGS || size > INPUT_MAX) {
		ca_free(ca);
		return 0;
	}
	memset(&server, 0, sizeof server);
	require(digest_base64_decode(&own, slice_of(leaf)) == 0);
	server.mode = data[0] % MODES;
	server.record_size = ((size_t)data[1] << 8 | data[2]) % JOURNAL_MAX + 1;
	server.rest = &data[SETTINGS];
	server.rest_len = size - SETTINGS;
	server.honest = server.mode == PLAIN && server.rest_len < CHANGE;
	set_chain(&server, &own, (uint8_t *)(uintptr_t)server.rest);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	server.fd = fds[1];
	require(pthread_create(&thread, NULL, serve, &server) == 0);
	done = visit(fds[0], ca);
	close(fds[0]);
	require(pthread_join(thread, NULL) == 0);
	require(done || !server.honest);
	/* Nobody else has a certificate of the root. */
	require(!done || server.mode == PLAIN || server.mode == MORE);
	close(fds[1]);
	buf_free(&own);
	ca_free(ca);
	return 0;
}
