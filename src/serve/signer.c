/* SPDX-License-Identifier: MIT */
#include "serve/signer.h"

#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "serve/records.h"
#include "ssm/node.h"
#include "ssm/state.h"
#include "work/node_key.h"
#include "work/work.h"

static int
parse(struct rsa_key **out, struct slice line, struct err *err)
{
	struct buf der = { 0 };
	int rc = -1;

	if (digest_base64_decode(&der, line) == 0)
		rc = rsa_parse(out, der.data, der.len, err);
	if (rc != 0)
		err_set(err, ERR_KIND_PARSE, "the node's key is damaged");
	buf_free(&der);
	return rc;
}

/* The public half of the next key, as AWS wants to be told of it. */
static int
publish(struct signer *signer, struct err *err)
{
	struct buf der = { 0 };
	int rc = rsa_public_der(signer->next, &der, err);

	buf_free(&signer->next_public);
	buf_base64(&signer->next_public, der.data, der.len);
	buf_free(&der);
	return rc == 0 && !buf_ok(&signer->next_public) ? err_memory(err) : rc;
}

int
signer_open(struct signer *signer, const struct work *work, struct err *err)
{
	struct buf lines = { .max = NODE_KEY_MAX };
	struct slice rest, line;
	int rc = node_key_load(&lines, work, err);

	signer->work = work;
	if (rc > 0)
		rc = err_set(err, ERR_KIND_SYSTEM, "the node's key is lost");
	rest = slice_make(lines.data, lines.len);
	if (rc == 0 && slice_line(&rest, &line))
		rc = parse(&signer->key, line, err);
	if (rc == 0 && slice_line(&rest, &line) && line.len > 0) {
		rc = parse(&signer->next, line, err);
		if (rc == 0)
			rc = publish(signer, err);
	}
	buf_free(&lines);
	return rc;
}

void
signer_close(struct signer *signer)
{
	rsa_free(signer->key);
	rsa_free(signer->next);
	buf_free(&signer->next_public);
	*signer = (struct signer){ .work = NULL };
}

void
signer_sign(const struct signer *signer, const struct records_core *asked,
    struct records_core *answer)
{
	const struct state *state = signer->work->state;
	const struct rsa_key *key =
	    asked->with_new != 0 ? signer->next : signer->key;
	struct node_request req = {
		.kind = (enum node_kind)asked->sign,
		.node = state->node,
		.fingerprint = state->fingerprint,
		.public_key = buf_str(&signer->next_public),
		.region = state->region,
		.host = asked->host,
		.when = asked->when,
	};
	struct buf signature = { .max = RECORDS_BYTES };
	struct err err = { 0 };

	*answer = (struct records_core){ .kind = RECORDS_SIGNED };
	/* A key that AWS is told of must be one that is kept. */
	if (key == NULL || (req.kind == NODE_NEW_KEY && signer->next == NULL))
		return;
	if (node_sign(&req, key, &signature, &err) != 0) {
		log_err(LOG_WARN, "agent_key", &err);
	} else {
		answer->len = (uint32_t)signature.len;
		memcpy(answer->bytes, signature.data, signature.len);
	}
	buf_free(&signature);
}

static int
add_line(struct buf *lines, const struct rsa_key *key, struct err *err)
{
	struct buf der = { 0 };
	int rc = rsa_private_der(key, &der, err);

	buf_base64(lines, der.data, der.len);
	buf_putc(lines, '\n');
	buf_free(&der);
	return rc == 0 && !buf_ok(lines) ? err_memory(err) : rc;
}

/* Keep both keys, or the only one. */
static int
keep(const struct signer *signer, struct err *err)
{
	struct buf lines = { .max = NODE_KEY_MAX };
	int rc = add_line(&lines, signer->key, err);

	if (rc == 0 && signer->next != NULL)
		rc = add_line(&lines, signer->next, err);
	if (rc == 0)
		rc = node_key_save(signer->work,
		    slice_make(lines.data, lines.len), err);
	buf_free(&lines);
	return rc;
}

static void
drop_next(struct signer *signer)
{
	rsa_free(signer->next);
	signer->next = NULL;
	buf_free(&signer->next_public);
}

void
signer_rotate(struct signer *signer, struct records_core *answer)
{
	struct err err = { 0 };

	*answer = (struct records_core){ .kind = RECORDS_NEW_KEY };
	if (signer->next == NULL &&
	    (rsa_make(&signer->next, &err) != 0 || publish(signer, &err) != 0 ||
	        keep(signer, &err) != 0)) {
		log_err(LOG_WARN, "agent_key", &err);
		drop_next(signer);
		return;
	}
	if (signer->next_public.len >= RECORDS_BYTES)
		return;
	answer->len = (uint32_t)signer->next_public.len;
	memcpy(answer->bytes, signer->next_public.data, answer->len);
}

void
signer_adopt(struct signer *signer)
{
	struct err err = { 0 };

	if (signer->next == NULL)
		return;
	rsa_free(signer->key);
	signer->key = signer->next;
	signer->next = NULL;
	buf_free(&signer->next_public);
	/* What is kept still holds the new key as its second line. */
	if (keep(signer, &err) != 0)
		log_err(LOG_WARN, "agent_key", &err);
	log_event(LOG_INFO, "agent_key",
	    "AWS asked for a new key of %s, and has it",
	    signer->work->state->node);
}
