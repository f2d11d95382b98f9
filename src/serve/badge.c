/* SPDX-License-Identifier: MIT */
#include "serve/badge.h"

#include <string.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/slice.h"
#include "serve/serve.h"
#include "ssm/ssm.h"
#include "work/work.h"

enum {
	MINUTE_MS = 60000,
	BEAT_MS = 5 * MINUTE_MS, /* amazon-ssm-agent's own interval */
	BEAT_AGAIN_MS = 30000,
	BEAT_FIRST_MS = 1000, /* for the control channel to be open by then */
	TOKEN_MOST_MS = 30 * MINUTE_MS,
	REFUSED_MS = 25 * MINUTE_MS, /* for a node that AWS does not accept */
	REFUSED_TRIES = 5,           /* which may be one that is new to it */
	TRIES_MAX = 16,
};

/* Codes by which AWS says that it does not know this node any more. */
#define REFUSALS                                            \
	"InvalidInstanceId MachineFingerprintDoesNotMatch " \
	"AccessDeniedException InvalidSignatureException"

/* Codes for credentials that are out of date. */
#define EXPIRED "ExpiredTokenException ExpiredToken UnrecognizedClientException"

/* A share of the time, so that many containers do not come at once. */
static int64_t
jitter(int64_t most)
{
	return (int64_t)((double)most * rng_unit());
}

static void
tell(const struct badge *badge, enum records_kind kind)
{
	badge->core.tell(badge->core.context, kind);
}

static const struct records_core *
ask(const struct badge *badge, const struct records_core *question,
    enum records_kind wanted, struct err *err)
{
	return badge->core.ask(badge->core.context, question, wanted, err);
}

void
badge_open(struct badge *badge, const struct work *work, struct client *client,
    struct badge_core core)
{
	*badge = (struct badge){
		.work = work,
		.client = client,
		.core = core,
		.beat_at = clock_in(BEAT_FIRST_MS),
	};
}

void
badge_close(struct badge *badge)
{
	cred_value_free(&badge->cred);
}

const struct cred *
badge_cred(const struct badge *badge)
{
	return badge->cred.access_key != NULL ? &badge->cred : NULL;
}

void
badge_refused(struct badge *badge, const struct err *why)
{
	if (slice_names(EXPIRED, why->peer_code))
		badge->token_at = clock_ms();
}

void
badge_hurry(struct badge *badge)
{
	badge->beat_at = clock_min(badge->beat_at, clock_ms());
}

int64_t
badge_due(const struct badge *badge)
{
	return badge_cred(badge) == NULL
	           ? badge->token_at
	           : clock_min(badge->token_at, badge->beat_at);
}

/* Credentials. */

static int
sign(struct badge *badge, enum node_kind kind, const struct sigv4_request *req,
    struct buf *signature, struct err *err)
{
	struct records_core question = {
		.kind = RECORDS_SIGN,
		.sign = kind,
		.with_new = badge->with_new,
		.when = req->when,
	};
	const struct records_core *answer = NULL;

	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *header = &req->headers[i];

		if (slice_eq_nocase(slice_of(header->name), "host"))
			slice_copy(slice_of(header->value), question.host,
			    sizeof question.host);
	}
	answer = ask(badge, &question, RECORDS_SIGNED, err);
	if (answer == NULL)
		return -1;
	buf_add(signature, answer->bytes, answer->len);
	return buf_ok(signature) ? 0 : err_memory(err);
}

static int
sign_token(void *context, const struct sigv4_request *req,
    struct buf *signature, struct err *err)
{
	return sign(context, NODE_TOKEN, req, signature, err);
}

static int
sign_new_key(void *context, const struct sigv4_request *req,
    struct buf *signature, struct err *err)
{
	return sign(context, NODE_NEW_KEY, req, signature, err);
}

static struct ssm
caller(const struct badge *badge)
{
	return (struct ssm){
		.client = badge->client,
		.as = badge->cred.access_key != NULL ? &badge->cred : NULL,
		.deadline = clock_in(BADGE_CALL_MS),
	};
}

static struct ssm_node
node_of(struct badge *badge)
{
	return (struct ssm_node){
		.id = badge->work->state->node,
		.fingerprint = badge->work->state->fingerprint,
		.signer = { sign_token, badge },
	};
}

/* AWS wants another key of the node; if that fails it will say so again. */
static void
rotate(struct badge *badge)
{
	const struct records_core question = { .kind = RECORDS_ROTATE };
	struct ssm ssm = caller(badge);
	struct ssm_node node = node_of(badge);
	const struct records_core *answer = NULL;
	struct err err = { 0 };
	char key[RECORDS_BYTES];

	node.signer.sign = sign_new_key;
	answer = ask(badge, &question, RECORDS_NEW_KEY, &err);
	if (answer != NULL) {
		memcpy(key, answer->bytes, answer->len);
		key[answer->len] = '\0';
		if (ssm_update_key(&ssm, &node, key, &err) == 0) {
			tell(badge, RECORDS_ADOPT);
			return;
		}
	}
	log_err(LOG_WARN, "agent_key", &err);
}

/* When to ask again, by what was answered; amazon-ssm-agent's rules
 * (core/app/credentialrefresher), but soon for a node that may be too new to be
 * known everywhere. */
static void
put_off_token(struct badge *badge, const struct err *why)
{
	bool refused = slice_names(REFUSALS, why->peer_code);
	int n =
	    ++badge->token_tries < TRIES_MAX ? badge->token_tries : TRIES_MAX;
	int64_t pause = clock_backoff(1000, TOKEN_MOST_MS, n, 1);

	pause += jitter(pause / 5);
	if (refused && n > REFUSED_TRIES)
		pause = REFUSED_MS + jitter(BEAT_MS);
	else if (why->http_status != 0 && !refused)
		pause += 10000 + jitter(10000);
	badge->token_at = clock_in(pause);
	log_err(LOG_WARN, "agent_credentials", why);
	if (refused)
		tell(badge, RECORDS_DOUBT);
}

static int
fetch_token(struct badge *badge, struct cred *out, bool *renew, struct err *err)
{
	struct ssm_node node = node_of(badge);
	struct ssm ssm = caller(badge);

	return ssm_role_token(&ssm, &node, out, renew, err);
}

/* After a rotation whose end was not seen either key may be the node's. */
static int
fetch_either(struct badge *badge, struct cred *out, bool *renew,
    struct err *err)
{
	struct err second = { 0 };

	if (fetch_token(badge, out, renew, err) == 0)
		return 0;
	if (!slice_names(REFUSALS, err->peer_code))
		return -1;
	badge->with_new = true;
	if (fetch_token(badge, out, renew, &second) == 0) {
		tell(badge, RECORDS_ADOPT);
		err_clear(err);
	}
	badge->with_new = false;
	return err->code == ERR_OK ? 0 : -1;
}

bool
badge_renew(struct badge *badge)
{
	struct cred new = { 0 };
	struct err err = { 0 };
	bool rotates = false;
	int64_t now = 0, life = 0;

	if (clock_ms() < badge->token_at)
		return false;
	if (fetch_either(badge, &new, &rotates, &err) != 0) {
		put_off_token(badge, &err);
		return false;
	}
	cred_value_free(&badge->cred);
	badge->cred = new;
	badge->token_tries = 0;
	now = clock_now() + client_api(badge->client)->clock_offset;
	life = new.expires > now ? new.expires - now : 0;
	badge->token_at = clock_in(life > 2 ? life * 1000 / 2 : 1000);
	if (rotates)
		rotate(badge);
	return true;
}

/* The heartbeat. */

void
badge_beat(struct badge *badge, bool connected)
{
	const struct ssm_report report = {
		.node = badge->work->state->node,
		.version = SERVE_VERSION,
		.computer = badge->facts.computer,
		.address = badge->facts.address,
		.platform = badge->facts.platform,
		.platform_version = badge->facts.version,
		.connected = connected,
	};
	struct ssm ssm = caller(badge);
	struct err err = { 0 };

	if (badge_cred(badge) == NULL || clock_ms() < badge->beat_at)
		return;
	facts_gather(&badge->facts);
	if (ssm_update_information(&ssm, &report, &err) == 0) {
		badge->beat_at =
		    clock_in(BEAT_MS * 9 / 10 + jitter(BEAT_MS / 5));
		return;
	}
	badge->beat_at = clock_in(BEAT_AGAIN_MS + jitter(BEAT_AGAIN_MS));
	log_err(LOG_WARN, "agent_heartbeat", &err);
	badge_refused(badge, &err);
	if (slice_names("InvalidInstanceId", err.peer_code))
		tell(badge, RECORDS_DOUBT);
}
