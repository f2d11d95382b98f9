/* SPDX-License-Identifier: MIT */
#include "ssm/leftover.h"

#include "aws/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "ssm/register.h"

/* A start takes less than this. */
enum { START_S = 3600 };

struct gather {
	struct buf *list;
	int64_t now, age;
};

const char *
leftover_reason(enum leftover_why why)
{
	static const char words[][16] = { "", "task_stopped", "task_missing",
		"connection_lost", "never_online", "expired", "used_up",
		"unused" };

	return words[why];
}

bool
leftover_silent(const struct fleet_node *node, int64_t now, int64_t age)
{
	if (!node->pinged && age < START_S)
		age = START_S;
	return !node->online && node->since != 0 && node->since <= now - age;
}

enum leftover_why
leftover_judge(const struct fleet_node *node, bool silent)
{
	if (node->state == FLEET_TASK_ENDED)
		return LEFTOVER_TASK_STOPPED;
	if (node->online)
		return LEFTOVER_NO;
	if (node->state == FLEET_TASK_GONE)
		return LEFTOVER_TASK_MISSING;
	if (node->state != FLEET_TASK_NONE || !silent)
		return LEFTOVER_NO;
	return node->pinged ? LEFTOVER_SILENT : LEFTOVER_NEVER_ONLINE;
}

/* The text ends as register_describe() lets it end. */
static bool
has_nonce(struct slice text)
{
	char nonce[SSM_UUID_SIZE];
	struct slice tail = { 0 };

	return slice_ends(text, "]") && slice_rsplit(text, ':', &text, &tail) &&
	       slice_copy(slice_head(tail, tail.len - 1), nonce,
	           sizeof nonce) &&
	       id_is_uuid(nonce);
}

static enum leftover_why
judge_activation(const struct gather *g, const struct json *item,
    int64_t created, int64_t expires)
{
	int64_t count = fleet_number(item, "RegistrationsCount");

	if (expires != 0 && expires <= g->now)
		return LEFTOVER_EXPIRED;
	if (created == 0 || created > g->now - START_S)
		return LEFTOVER_NO;
	if (count != 0 && count >= fleet_number(item, "RegistrationLimit"))
		return LEFTOVER_USED_UP;
	return created <= g->now - g->age ? LEFTOVER_UNUSED : LEFTOVER_NO;
}

static int
activation_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const struct gather *g = context;
	int64_t expires = fleet_number(item, "ExpirationDate");
	struct leftover new = {
		.activation = true,
		.node.since = fleet_number(item, "CreatedDate"),
	};

	new.why = judge_activation(g, item, new.node.since, expires);
	if (new.why == LEFTOVER_NO ||
	    !has_nonce(slice_of(json_text(item, "Description"))))
		return 0;
	if (new.why == LEFTOVER_EXPIRED)
		new.node.since = expires;
	fleet_text(new.node.name, sizeof new.node.name, item, "Description");
	slice_copy(slice_of(id), new.node.id, sizeof new.node.id);
	buf_add(g->list, &new, sizeof new);
	return buf_ok(g->list) ? 0 : err_memory(err);
}

/* Why a silent node stays is logged. */
static void
judge_node(const struct gather *g, const struct fleet_node *node)
{
	bool silent = leftover_silent(node, g->now, g->age);
	struct leftover new = { .why = leftover_judge(node, silent) };

	new.node = *node;
	buf_add(g->list, &new, sizeof new);
	if (node->state == FLEET_TASK_RUNS && silent) {
		log_event(LOG_INFO, "kept",
		    "%s is silent, but stays, since its task runs: %s",
		    node->id, node->task);
	}
}

int
leftover_find(const struct ssm *ssm, const struct leftover_scope *scope,
    struct buf *list, struct err *err)
{
	struct fleet_filter filter = {
		.task = scope->task,
		.blind = "nodes are judged by their silence alone, those of "
		         "running tasks too",
	};
	struct gather g = { .list = list, .age = scope->age };
	struct ssm_sink activations = { &g, activation_found };
	struct buf nodes = { 0 };
	const struct fleet_node *node;
	struct err now = { 0 };

	list->max = FLEET_MAX * sizeof(struct leftover);
	fleet_find(ssm, &filter, &nodes, err);
	g.now = clock_now() + client_api(ssm->client)->clock_offset;
	node = (const void *)nodes.data;
	for (size_t i = 0; i < nodes.len / sizeof *node; i++)
		judge_node(&g, &node[i]);
	buf_free(&nodes);
	if (scope->task == NULL && ssm_find_activations(ssm, NULL,
	                               REGISTER_MARK, &activations, &now) != 0)
		fleet_failed(err, &now);
	if (!buf_ok(list))
		err_memory(err);
	return err->code == ERR_OK ? 0 : -1;
}
