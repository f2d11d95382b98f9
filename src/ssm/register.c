/* SPDX-License-Identifier: MIT */
#include "ssm/register.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

void
register_mark(char out[static REGISTER_MARK_SIZE], const char *nonce)
{
	snprintf(out, REGISTER_MARK_SIZE, REGISTER_MARK "%s]", nonce);
}

void
register_describe(char out[static SSM_TEXT_SIZE], const char *text,
    const char *nonce)
{
	char mark[REGISTER_MARK_SIZE];
	struct slice head = { 0 };

	register_mark(mark, nonce);
	head = slice_head_utf8(slice_of(text), SSM_TEXT_MAX - strlen(mark) - 1);
	snprintf(out, SSM_TEXT_SIZE, "%.*s%s%s", (int)head.len, head.ptr,
	    head.len > 0 ? " " : "", mark);
}

int
register_tell(const struct register_journal *journal, enum journal entry,
    const char *text, struct err *err)
{
	return journal->step(journal->out, entry, text, err);
}

/* We have no credentials, or they are refused: somebody else may be allowed
 * to make the call. */
static bool
is_denied(const struct err *err)
{
	return err->code == ERR_ACCESS;
}

/* Listings lag behind; so what a lost answer left is looked for again after
 * these pauses (base/clock.h tells who else tries again). */
static const int sweep_pauses_ms[] = { 0, 2000, 5000 };

enum { SWEEPS = sizeof sweep_pauses_ms / sizeof sweep_pauses_ms[0] };

struct sweep {
	const struct ssm *ssm;
	const char *keep; /* the activation that we hold, or "" */
};

static int
sweep_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const struct sweep *sweep = context;

	(void)item;
	if (strcmp(id, sweep->keep) == 0)
		return 0;
	return ssm_delete_activation(sweep->ssm, id, err);
}

/*
 * CreateActivation is not idempotent: there may be an activation whose code
 * nobody knows.  Its description carries our nonce; delete all of these but
 * keep ("" = none is ours).
 */
static int
sweep_lost(const struct ssm *ssm, const char *role, const char *nonce,
    const char *keep, struct err *err)
{
	struct sweep sweep = { .ssm = ssm, .keep = keep };
	struct ssm_sink finder = { .context = &sweep, .found = sweep_found };
	char mark[REGISTER_MARK_SIZE];

	register_mark(mark, nonce);
	for (int i = 0; i < SWEEPS; i++) {
		int64_t next = clock_in(sweep_pauses_ms[i]);

		if (next >= ssm->deadline) {
			return err_set(err, ERR_KIND_CONNECTION,
			    "no time left to look for an activation whose "
			    "making was not answered");
		}
		clock_sleep(next);
		if (ssm_find_activations(ssm, role, mark, &finder, err) != 0)
			return -1;
	}
	return 0;
}

static int
note_node(void *context, const char *id, const struct json *item,
    struct err *err)
{
	char *node = context;

	(void)item;
	(void)err;
	snprintf(node, SSM_NODE_SIZE, "%s", id);
	return 0;
}

int
register_lost_node(const struct ssm *ssm, const char *activation,
    char node[static SSM_NODE_SIZE], struct err *err)
{
	struct ssm_sink sink = { .context = node, .found = note_node };

	node[0] = '\0';
	if (ssm_find_nodes(ssm, "ActivationIds", activation, &sink, err) != 0)
		node[0] = '\0';
	return node[0] != '\0' ? 0 : -1;
}

/*
 * RegisterManagedInstance: the node that came into being with our activation,
 * whose limit is one, has our key and is as good as if we had been told.
 * -1, with a warning in the log, when none is found.
 */
static int
adopt_lost(const struct ssm *ssm, const char *activation,
    char node[static SSM_NODE_SIZE])
{
	struct err err = { 0 };

	for (int i = 0; i < SWEEPS && err.code == ERR_OK; i++) {
		int64_t next = clock_in(sweep_pauses_ms[i]);

		if (next >= ssm->deadline)
			break;
		clock_sleep(next);
		if (register_lost_node(ssm, activation, node, &err) == 0)
			return 0;
	}
	log_event(LOG_WARN, "left_behind",
	    "an answer of RegisterManagedInstance was lost%s%s; if there is a "
	    "node of activation %s, `aws ssm describe-instance-information` "
	    "finds it",
	    err.msg[0] != '\0' ? ": " : "", err.msg, activation);
	return -1;
}

/* After CreateActivation: whatever happened, nothing unknown may stay. */
static int
settle_creation(const struct ssm *ssm, const struct register_in *in,
    const char *keep, const struct register_journal *journal, struct err *err)
{
	struct err lost = { 0 };

	if (sweep_lost(ssm, in->activation.role, in->nonce, keep, &lost) == 0)
		return register_tell(journal, JOURNAL_SETTLED, "", err);
	log_event(LOG_WARN, "left_behind",
	    "an answer of CreateActivation was lost and looking for its "
	    "activation failed (%s); if there is one, its description holds "
	    "[ssm-activate:%s] (aws ssm describe-activations)",
	    lost.msg, in->nonce);
	return 0;
}

/* *ambiguous becomes true if an activation may be there that is not ours. */
static int
create_once(const struct ssm *ssm, const struct ssm_activation_in *activation,
    struct ssm_activation *out, const struct register_journal *journal,
    bool *ambiguous, struct err *err)
{
	bool lost = false;
	int rc = ssm_create_activation(ssm, activation, out, &lost, err);

	*ambiguous |= lost;
	if (rc == 0)
		rc = register_tell(journal, JOURNAL_ACTIVATION, out->id, err);
	return rc;
}

static int
create(const struct ssm *ssm, const struct register_in *in,
    struct ssm_activation *out, const struct register_journal *journal,
    struct err *err)
{
	struct ssm_activation_in activation = in->activation;
	struct err first = { 0 };
	bool ambiguous = false;
	int rc =
	    create_once(ssm, &activation, out, journal, &ambiguous, &first);

	if (rc != 0 && !in->tags_required && in->own_tags > 0 &&
	    is_denied(&first) &&
	    strstr(first.peer_text, "AddTagsToResource") != NULL) {
		log_event(LOG_WARN, "tags_refused",
		    "AWS refuses tags; going on without the automatic ones - "
		    "%s",
		    first.fix);
		activation.tags += in->own_tags;
		activation.tag_count -= in->own_tags;
		err_clear(&first);
		rc = create_once(ssm, &activation, out, journal, &ambiguous,
		    &first);
	}
	if (rc != 0)
		*err = first;
	/* Settled only now: until here another call could have been sent. */
	if (!ambiguous) {
		return register_tell(journal, JOURNAL_SETTLED, "", err) == 0
		           ? rc
		           : -1;
	}
	return settle_creation(ssm, in, rc == 0 ? out->id : "", journal, err) ==
	               0
	           ? rc
	           : -1;
}

/*
 * An answer that says what is wrong with this registration would meet the
 * agent's own attempt as well.  Anything else may be a change of the
 * operation, which AWS does not publish.
 */
static bool
is_explained(const struct err *err)
{
	if (err->kind == ERR_KIND_PARSE)
		return false;
	if (err->kind != ERR_KIND_API || err->http_status >= 500)
		return true;
	return slice_names("InvalidActivation InvalidActivationId "
	                   "ActivationExpired RegistrationLimitExceeded "
	                   "InstanceAlreadyRegistered AccessDeniedException "
	                   "ThrottlingException InternalServerError "
	                   "TooManyUpdates",
	    err->peer_code);
}

static int
delegate_to_agent(const struct register_in *in,
    const struct ssm_activation *activation,
    const struct register_journal *journal, struct err *err)
{
	if (in->hand_over(in->context, activation, err) != 0)
		return -1;
	return register_tell(journal, JOURNAL_HANDED_OVER, "", err);
}

/* *delegated: the activation is in use elsewhere and has to stay. */
static int
register_with(const struct ssm *ssm, const struct register_in *in,
    const struct ssm_activation *activation,
    const struct register_journal *journal, bool *delegated, struct err *err)
{
	struct ssm_register_in reg = {
		.activation = activation,
		.fingerprint = in->fingerprint,
	};
	struct err refused = { 0 };
	char node[SSM_NODE_SIZE];
	bool ambiguous = false;

	*delegated = in->delegate;
	if (in->delegate)
		return delegate_to_agent(in, activation, journal, err);
	reg.public_key = in->public_key(in->context, err);
	if (reg.public_key == NULL)
		return -1;
	if (ssm_register(ssm, &reg, node, &ambiguous, &refused) == 0 ||
	    (ambiguous && in->given == NULL &&
	        adopt_lost(ssm, activation->id, node) == 0))
		return register_tell(journal, JOURNAL_NODE, node, err);
	if (is_explained(&refused) || in->hand_over == NULL) {
		*err = refused;
		return -1;
	}
	log_event(LOG_WARN, "registrar_fallback",
	    "%s; letting amazon-ssm-agent register instead", refused.msg);
	*delegated = true;
	return delegate_to_agent(in, activation, journal, err);
}

int
register_node(const struct ssm *ssm, const struct register_in *in,
    const struct register_journal *journal, struct err *err)
{
	struct ssm_activation made = { 0 };
	struct err kept = { 0 };
	bool delegated = false;
	int rc = -1;

	if (in->given != NULL)
		return register_with(ssm, in, in->given, journal, &delegated,
		    err);
	if (create(ssm, in, &made, journal, err) != 0)
		goto out;
	rc = register_with(ssm, in, &made, journal, &delegated, err);
	if (delegated && rc == 0)
		goto out;
	/* Used or not, it has done its work. Where it cannot be deleted now,
	 * the journal still holds it, and the node's own credentials are
	 * tried once they exist. */
	if (ssm_delete_activation(ssm, made.id, &kept) == 0) {
		if (register_tell(journal, JOURNAL_NO_ACTIVATION, made.id,
		        err) != 0)
			rc = -1;
	} else {
		log_debug("%s", kept.msg);
	}
out:
	ssm_activation_wipe(&made);
	return rc;
}

struct removal {
	struct state *state;
	const struct register_journal *journal;
	bool denied;        /* somebody else may be allowed to */
	struct err *failed; /* the first failure */
};

/* Keep the first error, even if the node's own credentials succeed later. */
static void
note_failed(struct removal *removal, const struct err *err)
{
	removal->denied |= is_denied(err);
	if (removal->failed->code == ERR_OK)
		*removal->failed = *err;
}

/* Remove what one member of the state names; what is gone leaves it. */
static int
remove_one(struct removal *removal, const struct ssm *ssm, bool node)
{
	struct state *state = removal->state;
	char *id = node ? state->node : state->activation;
	struct err err = { 0 };

	if (id[0] == '\0')
		return 0;
	if ((node ? ssm_deregister : ssm_delete_activation)(ssm, id, &err) ==
	        0 &&
	    register_tell(removal->journal,
	        node ? JOURNAL_NO_NODE : JOURNAL_NO_ACTIVATION, id,
	        &err) == 0) {
		id[0] = '\0';
		return 0;
	}
	note_failed(removal, &err);
	return -1;
}

static int
remove_lost(struct removal *removal, const struct ssm *ssm)
{
	struct state *state = removal->state;
	struct err err = { 0 };

	if (!state->unsettled || state->nonce[0] == '\0')
		return 0;
	if (sweep_lost(ssm, state->role, state->nonce, "", &err) == 0 &&
	    register_tell(removal->journal, JOURNAL_SETTLED, "", &err) == 0) {
		state->unsettled = false;
		return 0;
	}
	note_failed(removal, &err);
	return -1;
}

int
register_remove(const struct ssm *ssm, struct state *state,
    const struct register_own *own, const struct register_journal *journal,
    struct err *err)
{
	struct err failed = { 0 };
	struct removal removal = {
		.state = state,
		.journal = journal,
		.failed = &failed,
	};
	struct ssm as_node = *ssm;
	int left = 0;

	left |= remove_one(&removal, ssm, true);
	left |= remove_one(&removal, ssm, false);
	if (left != 0 && removal.denied)
		as_node.as = own->get(own->context);
	if (as_node.as != NULL) {
		/* The node last: its credentials may end with it. */
		left = remove_one(&removal, &as_node, false);
		left |= remove_one(&removal, &as_node, true);
	}
	left |= remove_lost(&removal, ssm);
	if (left == 0)
		return 0;
	*err = failed;
	return -1;
}
