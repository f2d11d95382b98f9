#include "ssm/register.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "ssm/register_lost.h"

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
register_tell(const struct register_journal *journal, enum register_step step,
    const char *text, struct err *err)
{
	return journal->step(journal->context, step, text, err);
}

bool
register_denied(const struct err *err)
{
	return err->code == ERR_ACCESS;
}

/* After CreateActivation: whatever happened, nothing unknown may stay. */
static int
settle(const struct ssm *ssm, const struct register_in *in, const char *keep,
    const struct register_journal *journal, struct err *err)
{
	struct err lost = { 0 };

	if (register_lost_sweep(ssm, in->activation.role, in->nonce, keep,
	        &lost) == 0)
		return register_tell(journal, REGISTER_SETTLED, "", err);
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
		rc = register_tell(journal, REGISTER_ACTIVATION, out->id, err);
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
	    register_denied(&first) &&
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
	/* Only now: until here a call was under way. */
	if (!ambiguous) {
		return register_tell(journal, REGISTER_SETTLED, "", err) == 0
		           ? rc
		           : -1;
	}
	return settle(ssm, in, rc == 0 ? out->id : "", journal, err) == 0 ? rc
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
delegate(const struct register_in *in, const struct ssm_activation *activation,
    const struct register_journal *journal, struct err *err)
{
	if (in->hand_over(in->context, activation, err) != 0)
		return -1;
	return register_tell(journal, REGISTER_HANDED_OVER, "", err);
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
		return delegate(in, activation, journal, err);
	reg.public_key = in->public_key(in->context, err);
	if (reg.public_key == NULL)
		return -1;
	if (ssm_register(ssm, &reg, node, &ambiguous, &refused) == 0 ||
	    (ambiguous && in->given == NULL &&
	        register_lost_adopt(ssm, activation->id, node) == 0))
		return register_tell(journal, REGISTER_NODE, node, err);
	if (is_explained(&refused)) {
		*err = refused;
		return -1;
	}
	log_event(LOG_WARN, "registrar_fallback",
	    "%s; letting amazon-ssm-agent register instead", refused.msg);
	*delegated = true;
	return delegate(in, activation, journal, err);
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
		if (register_tell(journal, REGISTER_NO_ACTIVATION, made.id,
		        err) != 0)
			rc = -1;
	} else {
		log_debug("%s", kept.msg);
	}
out:
	ssm_activation_wipe(&made);
	return rc;
}
