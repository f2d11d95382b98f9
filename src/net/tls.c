/* SPDX-License-Identifier: MIT */
#include "net/tls.h"

#include <bearssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"
#include "net/ca.h"
#include "net/cidr.h"
#include "net/sock.h"
#include "net/x509.h"

enum { SEED_BYTES = 48 };

struct tls {
	br_ssl_client_context client;
	struct x509 x509;
	int fd;    /* borrowed */
	bool open; /* hands were shaken */
	/* Records of the full size both ways: AWS does not promise to heed a
	 * smaller maximum. */
	unsigned char records[BR_SSL_BUFSIZE_BIDI];
};

static const uint16_t suites[] = {
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
};

static void
set_up(br_ssl_client_context *client)
{
	br_ssl_engine_context *eng = &client->eng;
	/* By instructions of the processor, if it has them. */
	const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();

	br_ssl_client_zero(client);
	br_ssl_engine_set_suites(eng, suites, sizeof suites / sizeof suites[0]);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	/* All are in constant time. */
	br_ssl_engine_set_rsavrfy(eng, br_rsa_i62_pkcs1_vrfy);
	br_ssl_engine_set_ec(eng, &br_ec_all_m31);
	br_ssl_engine_set_ecdsa(eng, br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_gcm(eng, &br_sslrec_in_gcm_vtable,
	    &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(eng,
	    aes != NULL ? aes : &br_aes_ct_ctr_vtable);
	br_ssl_engine_set_ghash(eng, ghash != 0 ? ghash : br_ghash_ctmul64);
	br_ssl_engine_set_chapol(eng, &br_sslrec_in_chapol_vtable,
	    &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(eng, br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(eng, br_poly1305_ctmul_run);
}

struct named {
	int code;
	const char *name;
};

/* What the engine can find wrong, and alerts of servers (RFC 5246, 7.2; RFC
 * 6066, 9); others are told by their number. */
static const struct named names[] = {
	{ BR_ERR_UNSUPPORTED_VERSION, "the peer does not speak TLS 1.2" },
	{ BR_ERR_BAD_VERSION, "the peer does not speak TLS 1.2" },
	{ BR_ERR_UNKNOWN_TYPE, "the peer does not speak TLS" },
	{ BR_ERR_BAD_MAC, "a record was changed (bad MAC)" },
	{ BR_ERR_BAD_SIGNATURE, "the key exchange is not signed right" },
	{ BR_ERR_RECV_FATAL_ALERT + 20, "bad record MAC" },
	{ BR_ERR_RECV_FATAL_ALERT + 40, "handshake failure" },
	{ BR_ERR_RECV_FATAL_ALERT + 49, "access denied" },
	{ BR_ERR_RECV_FATAL_ALERT + 70, "protocol version" },
	{ BR_ERR_RECV_FATAL_ALERT + 71, "insufficient security" },
	{ BR_ERR_RECV_FATAL_ALERT + 80, "internal error" },
	{ BR_ERR_RECV_FATAL_ALERT + 112, "unrecognized name" },
};

static const char *
find_name(int code, const char *otherwise)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return otherwise;
}

enum {
	HANDSHAKE_FAILURE = 40,
	PROTOCOL_VERSION = 70,
	INSUFFICIENT = 71,
	INTERNAL_ERROR = 80
};

/* What an alert in the handshake tells of the server, and may stand for
 * something that is not supported here. */
static const char *
meaning(const struct tls *tls, int alert)
{
	bool agreed = tls->client.eng.session.cipher_suite != 0;

	if (alert == PROTOCOL_VERSION)
		return ": it does not take TLS 1.2 (TLS 1.3 only?), and no "
		       "other version is supported";
	if (alert != HANDSHAKE_FAILURE && alert != INSUFFICIENT &&
	    !(agreed && alert == INTERNAL_ERROR))
		return "";
	return agreed
	           ? ": it may require the extended master secret, which is "
	             "not supported"
	           : ": it takes nothing of what is supported, TLS 1.2 and "
	             "ECDHE with AES-GCM or ChaCha20-Poly1305 (no CBC), or "
	             "requires the extended master secret, or has an Ed25519 "
	             "certificate, which are not";
}

static void
explain_alert(const struct tls *tls, int alert, struct err *err)
{
	const char *text = tls->open ? "" : meaning(tls, alert);

	err_set(err, ERR_KIND_TLS, "the peer sent alert %d (%s)%s", alert,
	    find_name(BR_ERR_RECV_FATAL_ALERT + alert, "unknown"), text);
	if (text[0] != '\0')
		err_fix(err, "let the server take TLS 1.2 with ECDHE and "
		             "AES-GCM, without the extended master secret");
}

/* The engine has stopped: why? */
static int
stopped(const struct tls *tls, struct err *err)
{
	int code = br_ssl_engine_last_error(&tls->client.eng);

	if (code == BR_ERR_OK)
		return sock_fail(err, "the peer closed the connection");
	if (x509_explain(&tls->x509, code, err))
		return -1;
	if (code >= BR_ERR_RECV_FATAL_ALERT && code < BR_ERR_SEND_FATAL_ALERT) {
		explain_alert(tls, code - BR_ERR_RECV_FATAL_ALERT, err);
	} else {
		err_set(err, ERR_KIND_TLS, "%s (TLS error %d)",
		    find_name(code, "the peer broke the protocol"), code);
	}
	if (err != NULL)
		err->retry = ERR_TRANSIENT;
	return -1;
}

static int
send_record(struct tls *tls, int64_t deadline, struct err *err)
{
	size_t len = 0, sent = 0;
	const unsigned char *data =
	    br_ssl_engine_sendrec_buf(&tls->client.eng, &len);

	if (sock_send(tls->fd, data, len, &sent, deadline, err) != 0)
		return -1;
	br_ssl_engine_sendrec_ack(&tls->client.eng, sent);
	return 0;
}

static int
receive_record(struct tls *tls, int64_t deadline, struct err *err)
{
	size_t len = 0, got = 0;
	unsigned char *data = br_ssl_engine_recvrec_buf(&tls->client.eng, &len);

	if (sock_read(tls->fd, data, len, &got, deadline, err) != 0)
		return -1;
	if (got == 0)
		return sock_fail(err,
		    "the connection ended without close_notify");
	br_ssl_engine_recvrec_ack(&tls->client.eng, got);
	return 0;
}

/*
 * Move bytes between engine and socket, whichever the engine wants, until it
 * takes data to send (BR_SSL_SENDAPP) or has some for us (BR_SSL_RECVAPP).
 * 1: there will be none, the peer has said so.
 */
static int
reach(struct tls *tls, unsigned wanted, int64_t deadline, struct err *err)
{
	const br_ssl_engine_context *eng = &tls->client.eng;

	for (;;) {
		unsigned state = br_ssl_engine_current_state(eng);
		int rc;

		if ((state & wanted) != 0)
			return 0;
		/* Our answer to a close_notify need not be waited for. */
		if (wanted == BR_SSL_RECVAPP && eng->shutdown_recv)
			return 1;
		if ((state & BR_SSL_CLOSED) != 0)
			rc = stopped(tls, err);
		else if ((state & BR_SSL_SENDREC) != 0)
			rc = send_record(tls, deadline, err);
		else
			rc = receive_record(tls, deadline, err);
		if (rc != 0)
			return -1;
	}
}

static int
seed(br_ssl_engine_context *eng, struct err *err)
{
	unsigned char bytes[SEED_BYTES];
	int rc = rng_fill(bytes, sizeof bytes, err);

	if (rc == 0)
		br_ssl_engine_inject_entropy(eng, bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
	return rc;
}

static int
shake_hands(struct tls *tls, const char *host, int64_t deadline,
    struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	int rc, code;

	if (seed(eng, err) != 0)
		return -1;
	rc = br_ssl_client_reset(&tls->client, host, 0) == 1
	         ? reach(tls, BR_SSL_SENDAPP, deadline, err)
	         : stopped(tls, err);
	code = br_ssl_engine_last_error(eng);
	if (rc != 0) {
		return sock_wrap(err,
		    x509_has(code) ? "certificate of" : "TLS handshake with",
		    host);
	}
	tls->open = true;
	log_debug("TLS with %s: cipher suite %04x", host,
	    (unsigned)eng->session.cipher_suite);
	return 0;
}

int
tls_check_host(const char *host, struct err *err)
{
	if (!cidr_is_address(host))
		return 0;
	return err_set(err, ERR_KIND_TLS,
	    "TLS needs a name in the URL, not the IP address %s", host);
}

int
tls_open(struct tls **out, int fd, const char *host, const struct ca *ca,
    int64_t deadline, struct err *err)
{
	struct tls *tls;

	if (tls_check_host(host, err) != 0)
		return -1;
	tls = calloc(1, sizeof *tls);
	if (tls == NULL)
		return err_memory(err);
	tls->fd = fd;
	x509_init(&tls->x509, ca, clock_now());
	set_up(&tls->client);
	br_ssl_engine_set_x509(&tls->client.eng, &tls->x509.vtable);
	br_ssl_engine_set_buffer(&tls->client.eng, tls->records,
	    sizeof tls->records, 1);
	if (shake_hands(tls, host, deadline, err) != 0) {
		tls_free(tls);
		return -1;
	}
	*out = tls;
	return 0;
}

int
tls_read(struct tls *tls, void *data, size_t len, size_t *got, int64_t deadline,
    struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	const unsigned char *bytes;
	size_t there = 0;
	int rc = reach(tls, BR_SSL_RECVAPP, deadline, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		bytes = br_ssl_engine_recvapp_buf(eng, &there);
		if (there > len)
			there = len;
		memcpy(data, bytes, there);
		br_ssl_engine_recvapp_ack(eng, there);
	}
	*got = there;
	return 0;
}

int
tls_write(struct tls *tls, const void *data, size_t len, int64_t deadline,
    struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	struct slice rest = slice_make(data, len);

	while (rest.len > 0) {
		size_t room = 0;
		unsigned char *to;
		struct slice part;

		if (reach(tls, BR_SSL_SENDAPP, deadline, err) != 0)
			return -1;
		to = br_ssl_engine_sendapp_buf(eng, &room);
		part = slice_head(rest, room);
		memcpy(to, part.ptr, part.len);
		br_ssl_engine_sendapp_ack(eng, part.len);
		rest = slice_skip(rest, part.len);
	}
	br_ssl_engine_flush(eng, 0);
	while ((br_ssl_engine_current_state(eng) & BR_SSL_SENDREC) != 0) {
		if (send_record(tls, deadline, err) != 0)
			return -1;
	}
	return 0;
}

/* Send what the engine has for the socket, as far as that goes now. */
static int
push_records(struct tls *tls, struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;

	while (tls_busy(tls)) {
		size_t len = 0, sent = 0;
		const unsigned char *data =
		    br_ssl_engine_sendrec_buf(eng, &len);

		if (sock_give(tls->fd, data, len, &sent, err) != 0)
			return -1;
		if (sent == 0)
			break;
		br_ssl_engine_sendrec_ack(eng, sent);
	}
	return 0;
}

/* Read from the socket what is there of a record; *got = 0: nothing. */
static int
pull_record(struct tls *tls, size_t *got, struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	size_t len = 0;
	unsigned char *data = br_ssl_engine_recvrec_buf(eng, &len);
	int rc;

	*got = 0;
	if (data == NULL)
		return 0;
	rc = sock_take(tls->fd, data, len, got, err);
	if (rc == 1)
		return sock_fail(err,
		    "the connection ended without close_notify");
	if (rc == 0 && *got > 0)
		br_ssl_engine_recvrec_ack(eng, *got);
	return rc;
}

bool
tls_busy(const struct tls *tls)
{
	const br_ssl_engine_context *eng = &tls->client.eng;

	return (br_ssl_engine_current_state(eng) & BR_SSL_SENDREC) != 0;
}

bool
tls_ready(const struct tls *tls)
{
	const br_ssl_engine_context *eng = &tls->client.eng;
	unsigned state = br_ssl_engine_current_state(eng);

	return (state & (BR_SSL_RECVAPP | BR_SSL_CLOSED)) != 0 ||
	       eng->shutdown_recv;
}

bool
tls_hungry(const struct tls *tls)
{
	const br_ssl_engine_context *eng = &tls->client.eng;

	return (br_ssl_engine_current_state(eng) & BR_SSL_RECVREC) != 0;
}

int
tls_take(struct tls *tls, void *data, size_t len, size_t *got, struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	size_t there = 0;

	*got = 0;
	for (;;) {
		const unsigned char *bytes =
		    br_ssl_engine_recvapp_buf(eng, &there);

		if (bytes != NULL) {
			*got = there < len ? there : len;
			memcpy(data, bytes, *got);
			br_ssl_engine_recvapp_ack(eng, *got);
			return 0;
		}
		if (eng->shutdown_recv)
			return 1;
		if ((br_ssl_engine_current_state(eng) & BR_SSL_CLOSED) != 0)
			return stopped(tls, err);
		if (push_records(tls, err) != 0 ||
		    pull_record(tls, &there, err) != 0)
			return -1;
		if (there == 0)
			return 0;
	}
}

int
tls_give(struct tls *tls, const void *data, size_t len, size_t *taken,
    struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	struct slice rest = slice_make(data, len);

	*taken = 0;
	for (;;) {
		size_t room = 0;
		unsigned char *to;

		if (push_records(tls, err) != 0)
			return -1;
		if ((br_ssl_engine_current_state(eng) & BR_SSL_CLOSED) != 0)
			return stopped(tls, err);
		to = br_ssl_engine_sendapp_buf(eng, &room);
		if (to == NULL || rest.len == 0)
			return 0;
		room = slice_head(rest, room).len;
		memcpy(to, rest.ptr, room);
		br_ssl_engine_sendapp_ack(eng, room);
		br_ssl_engine_flush(eng, 0);
		rest = slice_skip(rest, room);
		*taken += room;
	}
}

bool
tls_idle(const struct tls *tls)
{
	const br_ssl_engine_context *eng = &tls->client.eng;
	unsigned state = br_ssl_engine_current_state(eng);

	return (state & BR_SSL_SENDAPP) != 0 &&
	       (state & (BR_SSL_RECVAPP | BR_SSL_SENDREC)) == 0 &&
	       !eng->shutdown_recv && sock_quiet(tls->fd);
}

/* Send a close_notify, if that goes without waiting. */
static void
say_goodbye(struct tls *tls)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	unsigned state = br_ssl_engine_current_state(eng);

	if ((state & BR_SSL_SENDAPP) == 0)
		return;
	br_ssl_engine_close(eng);
	if ((br_ssl_engine_current_state(eng) & BR_SSL_SENDREC) != 0)
		send_record(tls, clock_in(1), NULL);
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	say_goodbye(tls);
	x509_free(&tls->x509);
	explicit_bzero(tls, sizeof *tls);
	free(tls);
}
