#include "ssm/register_lost.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "ssm/find.h"
#include "ssm/register.h"

/* Listings lag behind; so what a lost answer left is looked for again after
 * these pauses. */
static const int sweep_pauses_ms[] = { 0, 2000, 5000 };

enum { SWEEPS = sizeof(sweep_pauses_ms) / sizeof(sweep_pauses_ms[0]) };

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

int
register_lost_sweep(const struct ssm *ssm, const char *role, const char *nonce,
    const char *keep, struct err *err)
{
	struct sweep sweep = { .ssm = ssm, .keep = keep };
	struct find_sink finder = { .context = &sweep, .found = sweep_found };
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
		if (find_activations(ssm, role, mark, &finder, err) != 0)
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
	struct find_sink sink = { .context = node, .found = note_node };

	node[0] = '\0';
	if (find_nodes(ssm, "ActivationIds", activation, &sink, err) != 0)
		node[0] = '\0';
	return node[0] != '\0' ? 0 : -1;
}

int
register_lost_adopt(const struct ssm *ssm, const char *activation,
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
