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
#include "net/ec.h"
#include "net/sock.h"
#include "net/x509.h"

enum { SEED_BYTES = 48 };

struct tls {
	br_ssl_client_context client;
	struct x509 *x509;
	int fd; /* borrowed */
	/* Records of the full size both ways: AWS does not promise to heed a
	 * smaller maximum. */
	unsigned char records[BR_SSL_BUFSIZE_BIDI];
};

struct named {
	uint16_t code;
	const char *name;
};

static const struct named suites[] = {
	{ BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	    "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	    "ECDHE-RSA-AES128-GCM-SHA256" },
	{ BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	    "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	    "ECDHE-RSA-CHACHA20-POLY1305" },
	{ BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	    "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	    "ECDHE-RSA-AES256-GCM-SHA384" },
};

enum { SUITES = sizeof suites / sizeof suites[0] };

static void
set_up(br_ssl_client_context *client)
{
	br_ssl_engine_context *eng = &client->eng;
	uint16_t codes[SUITES];

	br_ssl_client_zero(client);
	for (size_t i = 0; i < SUITES; i++)
		codes[i] = suites[i].code;
	br_ssl_engine_set_suites(eng, codes, SUITES);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	/* One portable implementation of each, in constant time: requests of
	 * some kilobytes do not repay the room of others. */
	br_ssl_engine_set_rsavrfy(eng, br_rsa_i62_pkcs1_vrfy);
	br_ssl_engine_set_ec(eng, ec_curves());
	br_ssl_engine_set_ecdsa(eng, br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_gcm(eng, &br_sslrec_in_gcm_vtable,
	    &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(eng, &br_aes_ct_ctr_vtable);
	br_ssl_engine_set_ghash(eng, br_ghash_ctmul64);
	br_ssl_engine_set_chapol(eng, &br_sslrec_in_chapol_vtable,
	    &br_sslrec_out_chapol_vtable);
	br_ssl_engine_set_chacha20(eng, br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(eng, br_poly1305_ctmul_run);
}

/* Names of alerts (RFC 5246, 7.2; RFC 6066; RFC 7301). */
static const struct named alerts[] = {
	{ BR_ALERT_UNEXPECTED_MESSAGE, "unexpected message" },
	{ BR_ALERT_BAD_RECORD_MAC, "bad record MAC" },
	{ BR_ALERT_RECORD_OVERFLOW, "record overflow" },
	{ BR_ALERT_HANDSHAKE_FAILURE, "handshake failure" },
	{ BR_ALERT_BAD_CERTIFICATE, "bad certificate" },
	{ BR_ALERT_UNSUPPORTED_CERTIFICATE, "unsupported certificate" },
	{ BR_ALERT_CERTIFICATE_REVOKED, "certificate revoked" },
	{ BR_ALERT_CERTIFICATE_EXPIRED, "certificate expired" },
	{ BR_ALERT_CERTIFICATE_UNKNOWN, "certificate unknown" },
	{ BR_ALERT_ILLEGAL_PARAMETER, "illegal parameter" },
	{ BR_ALERT_UNKNOWN_CA, "unknown CA" },
	{ BR_ALERT_ACCESS_DENIED, "access denied" },
	{ BR_ALERT_DECODE_ERROR, "decode error" },
	{ BR_ALERT_DECRYPT_ERROR, "decrypt error" },
	{ BR_ALERT_PROTOCOL_VERSION, "protocol version" },
	{ BR_ALERT_INSUFFICIENT_SECURITY, "insufficient security" },
	{ BR_ALERT_INTERNAL_ERROR, "internal error" },
	{ BR_ALERT_USER_CANCELED, "user canceled" },
	{ BR_ALERT_NO_RENEGOTIATION, "no renegotiation" },
	{ BR_ALERT_UNSUPPORTED_EXTENSION, "unsupported extension" },
	{ 112, "unrecognized name" },
	{ BR_ALERT_NO_APPLICATION_PROTOCOL, "no application protocol" },
};

/* What else the engine can find wrong. */
static const struct named failures[] = {
	{ BR_ERR_UNSUPPORTED_VERSION, "the peer does not speak TLS 1.2" },
	{ BR_ERR_BAD_VERSION, "the peer does not speak TLS 1.2" },
	{ BR_ERR_UNKNOWN_TYPE, "the peer does not speak TLS" },
	{ BR_ERR_TOO_LARGE, "a record is too large" },
	{ BR_ERR_BAD_MAC, "a record was changed on its way (bad MAC)" },
	{ BR_ERR_NO_RANDOM, "no randomness" },
	{ BR_ERR_BAD_CIPHER_SUITE, "the peer chose an unknown cipher suite" },
	{ BR_ERR_INVALID_ALGORITHM, "the peer chose an unknown algorithm" },
	{ BR_ERR_BAD_SIGNATURE, "the signature of the key exchange is wrong" },
	{ BR_ERR_WRONG_KEY_USAGE, "the certificate's key may not be used so" },
};

static const char *
find_name(const struct named *table, size_t count, int code)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].code == code)
			return table[i].name;
	}
	return NULL;
}

/* The engine has stopped: why?  A certificate is explained by x509.c. */
static int
stopped(const struct tls *tls, struct err *err)
{
	int code = br_ssl_engine_last_error(&tls->client.eng);
	int alert = code - BR_ERR_RECV_FATAL_ALERT;
	const char *name;

	if (code == BR_ERR_OK)
		return sock_fail(err, "the peer closed the connection");
	if (code >= BR_ERR_RECV_FATAL_ALERT && code < BR_ERR_SEND_FATAL_ALERT) {
		name =
		    find_name(alerts, sizeof alerts / sizeof alerts[0], alert);
		(void)err_set(err, ERR_KIND_TLS, "the peer sent alert %d (%s)",
		    alert, name != NULL ? name : "unknown");
	} else {
		name = find_name(failures, sizeof failures / sizeof failures[0],
		    code);
		(void)err_set(err, ERR_KIND_TLS, "%s (TLS error %d)",
		    name != NULL ? name : "the peer broke the protocol", code);
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
		    "the connection ended without a TLS closing message");
	br_ssl_engine_recvrec_ack(&tls->client.eng, got);
	return 0;
}

/* Move bytes between engine and socket, whichever the engine wants. */
static int
step(struct tls *tls, unsigned state, int64_t deadline, struct err *err)
{
	if ((state & BR_SSL_CLOSED) != 0)
		return stopped(tls, err);
	if ((state & BR_SSL_SENDREC) != 0)
		return send_record(tls, deadline, err);
	if ((state & BR_SSL_RECVREC) != 0)
		return receive_record(tls, deadline, err);
	return err_set(err, ERR_KIND_TLS, "the engine is stuck");
}

/* Go on until the engine takes data to send. */
static int
reach_writable(struct tls *tls, int64_t deadline, struct err *err)
{
	unsigned state = br_ssl_engine_current_state(&tls->client.eng);

	while ((state & BR_SSL_SENDAPP) == 0) {
		if (step(tls, state, deadline, err) != 0)
			return -1;
		state = br_ssl_engine_current_state(&tls->client.eng);
	}
	return 0;
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

static void
log_session(const struct tls *tls, const char *host)
{
	br_ssl_session_parameters session;
	const char *name;

	br_ssl_engine_get_session_parameters(&tls->client.eng, &session);
	name = find_name(suites, SUITES, session.cipher_suite);
	log_debug("TLS with %s: %s", host, name != NULL ? name : "unknown");
	explicit_bzero(&session, sizeof session);
}

static int
shake_hands(struct tls *tls, const char *host, int64_t deadline,
    struct err *err)
{
	struct err why = { 0 };
	int code;

	if (seed(&tls->client.eng, err) != 0)
		return -1;
	if (br_ssl_client_reset(&tls->client, host, 0) == 1) {
		if (reach_writable(tls, deadline, &why) == 0)
			return 0;
	} else {
		(void)stopped(tls, &why);
	}
	code = br_ssl_engine_last_error(&tls->client.eng);
	if (x509_explain(tls->x509, code, host, err))
		return -1;
	(void)sock_wrap(&why, "TLS handshake with", host);
	if (err != NULL && err->kind == ERR_KIND_NONE)
		*err = why;
	return -1;
}

int
tls_check_host(const char *host, struct err *err)
{
	if (!cidr_is_address(host))
		return 0;
	(void)err_set(err, ERR_KIND_TLS,
	    "a certificate cannot be checked against an IP address (%s)", host);
	err_fix(err, "use a name in the https:// URL");
	return -1;
}

int
tls_open(struct tls **out, int fd, const char *host, const struct ca *ca,
    int64_t deadline, struct err *err)
{
	struct tls *tls = NULL;
	int rc = -1;

	if (tls_check_host(host, err) != 0)
		return -1;
	tls = calloc(1, sizeof *tls);
	if (tls == NULL)
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	tls->fd = fd;
	if (x509_new(&tls->x509, ca, clock_now(), err) != 0)
		goto out;
	set_up(&tls->client);
	br_ssl_engine_set_x509(&tls->client.eng, x509_engine(tls->x509));
	br_ssl_engine_set_buffer(&tls->client.eng, tls->records,
	    sizeof tls->records, 1);
	if (shake_hands(tls, host, deadline, err) != 0)
		goto out;
	log_session(tls, host);
	*out = tls;
	tls = NULL;
	rc = 0;
out:
	tls_free(tls);
	return rc;
}

int
tls_read(struct tls *tls, void *data, size_t len, size_t *got, int64_t deadline,
    struct err *err)
{
	br_ssl_engine_context *eng = &tls->client.eng;
	unsigned state = br_ssl_engine_current_state(eng);
	size_t there = 0;
	const unsigned char *bytes;

	while ((state & BR_SSL_RECVAPP) == 0) {
		/* The answer to a close_notify need not be waited for. */
		if (eng->shutdown_recv) {
			*got = 0;
			return 0;
		}
		if (step(tls, state, deadline, err) != 0)
			return -1;
		state = br_ssl_engine_current_state(eng);
	}
	bytes = br_ssl_engine_recvapp_buf(eng, &there);
	if (len > there)
		len = there;
	memcpy(data, bytes, len);
	br_ssl_engine_recvapp_ack(eng, len);
	*got = len;
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

		if (reach_writable(tls, deadline, err) != 0)
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
		(void)send_record(tls, clock_in(1), NULL);
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	say_goodbye(tls);
	x509_free(tls->x509);
	explicit_bzero(tls, sizeof *tls);
	free(tls);
}
