#ifndef SSM_REGISTER_LOST_H
#define SSM_REGISTER_LOST_H

#include "ssm/ssm.h"

struct err;

/*
 * What lost answers leave on the account; for register.c and
 * register_remove.c.  The listings lag behind, so each is asked three times
 * within seven seconds, as far as the deadline lets.
 */

/*
 * CreateActivation is not idempotent: there may be an activation whose code
 * nobody knows.  Its description carries our nonce; delete all of these but
 * keep ("" = none is ours).
 */
int register_lost_sweep(const struct ssm *ssm, const char *role,
    const char *nonce, const char *keep, struct err *err);

/* The node that was registered with the activation; -1 = none is seen. */
int register_lost_node(const struct ssm *ssm, const char *activation,
    char node[static SSM_NODE_SIZE], struct err *err);

/*
 * RegisterManagedInstance: the node that came into being with our activation,
 * whose limit is one, has our key and is as good as if we had been told.
 * -1, with a warning in the log, when none is found.
 */
int register_lost_adopt(const struct ssm *ssm, const char *activation,
    char node[static SSM_NODE_SIZE]);

#endif
