/* SPDX-License-Identifier: MIT */
#ifndef SSM_REGISTER_H
#define SSM_REGISTER_H

#include <stdbool.h>

#include "ssm/ssm.h"
#include "ssm/state.h"

struct cred;
struct err;

/*
 * Making a managed node and removing it, over one connection, telling each
 * step as soon as it is done (enum journal).
 */

/* step gives 0, or -1 to stop the work. */
struct register_journal {
	int out; /* of step */
	int (*step)(int out, enum journal entry, const char *text,
	    struct err *err);
};

int register_tell(const struct register_journal *journal, enum journal entry,
    const char *text, struct err *err);

struct register_in {
	struct ssm_activation_in activation; /* description with the nonce */
	const struct ssm_activation *given;  /* made elsewhere, or NULL */
	const char *nonce; /* tells an activation whose answer was lost */
	const char *fingerprint;
	bool tags_required; /* refused tags are an error (FIS) */
	size_t own_tags;    /* so many of the first tags are left out if AWS
	                     * refuses tags */
	/* The agent registers by itself: from the start, or because AWS
	 * answered our own attempt with something that cannot be explained.
	 * hand_over gets the activation then, which is not deleted.  NULL =
	 * there is no agent that can. */
	bool delegate;
	void *context; /* of the two functions */
	int (*hand_over)(void *context, const struct ssm_activation *activation,
	    struct err *err);
	/* The public key, asked for when it is needed. */
	const char *(*public_key)(void *context, struct err *err);
};

/* CreateActivation, RegisterManagedInstance, DeleteActivation. */
int register_node(const struct ssm *ssm, const struct register_in *in,
    const struct register_journal *journal, struct err *err);

/*
 * Remove what the state knows of: node, activation, activations whose answer
 * was lost.  What our credentials may not remove is tried with the node's own
 * (AWS Fault Injection Service's documented policies give these rights to the
 * node's role): own gives these then, or NULL.  What is removed leaves the
 * state.  -1: something is left in it, and err is the first failure.
 */
struct register_own {
	void *context;
	const struct cred *(*get)(void *context);
};
int register_remove(const struct ssm *ssm, struct state *state,
    const struct register_own *own, const struct register_journal *journal,
    struct err *err);

/* "text [ssm-activate:NONCE]", text cut so that all has SSM_TEXT_MAX characters
 * at most; pure. */
void register_describe(char out[static SSM_TEXT_SIZE], const char *text,
    const char *nonce);

/* The part that a lost activation is recognised by, which begins with
 * REGISTER_MARK. */
#define REGISTER_MARK "[ssm-activate:"
enum { REGISTER_MARK_SIZE = 64 };
void register_mark(char out[static REGISTER_MARK_SIZE], const char *nonce);

/*
 * The node that was registered with the activation; -1 = none is seen.  The
 * listings lag behind, so each is asked three times within seven seconds, as
 * far as the deadline lets.
 */
int register_lost_node(const struct ssm *ssm, const char *activation,
    char node[static SSM_NODE_SIZE], struct err *err);

#endif
