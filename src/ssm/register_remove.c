#include <string.h>

#include "base/err.h"
#include "ssm/register.h"
#include "ssm/register_lost.h"

struct removal {
	struct state *state;
	const struct register_journal *journal;
	bool denied;        /* somebody else may be allowed to */
	struct err *failed; /* the first failure */
};

/* A later success of somebody else is no reason to forget a failure, but a
 * failure of somebody else must not hide our own. */
static void
note(struct removal *removal, const struct err *err)
{
	removal->denied |= register_denied(err);
	if (removal->failed->code == ERR_OK)
		*removal->failed = *err;
}

static int
remove_node(struct removal *removal, const struct ssm *ssm)
{
	struct state *state = removal->state;
	struct err err = { 0 };

	if (state->node[0] == '\0')
		return 0;
	if (ssm_deregister(ssm, state->node, &err) == 0 &&
	    register_tell(removal->journal, REGISTER_NO_NODE, state->node,
	        &err) == 0) {
		state->node[0] = '\0';
		return 0;
	}
	note(removal, &err);
	return -1;
}

static int
remove_activation(struct removal *removal, const struct ssm *ssm)
{
	struct state *state = removal->state;
	struct err err = { 0 };

	if (state->activation[0] == '\0')
		return 0;
	if (ssm_delete_activation(ssm, state->activation, &err) == 0 &&
	    register_tell(removal->journal, REGISTER_NO_ACTIVATION,
	        state->activation, &err) == 0) {
		state->activation[0] = '\0';
		return 0;
	}
	note(removal, &err);
	return -1;
}

static int
remove_lost(struct removal *removal, const struct ssm *ssm)
{
	struct state *state = removal->state;
	struct err err = { 0 };

	if (!state->unsettled || state->nonce[0] == '\0')
		return 0;
	if (register_lost_sweep(ssm, state->role, state->nonce, "", &err) ==
	        0 &&
	    register_tell(removal->journal, REGISTER_SETTLED, "", &err) == 0) {
		state->unsettled = false;
		return 0;
	}
	note(removal, &err);
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

	left |= remove_node(&removal, ssm);
	left |= remove_activation(&removal, ssm);
	if (left != 0 && removal.denied)
		as_node.as = own->get(own->context);
	if (as_node.as != NULL) {
		/* The node last: its credentials may end with it. */
		left = remove_activation(&removal, &as_node);
		left |= remove_node(&removal, &as_node);
	}
	left |= remove_lost(&removal, ssm);
	if (left == 0)
		return 0;
	*err = failed;
	return -1;
}
