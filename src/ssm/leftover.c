/* SPDX-License-Identifier: MIT */
#include "ssm/leftover.h"

#include <stdio.h>
#include <string.h>

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

/* Say that something could not be looked at; the first failure stays. */
static void
note_failure(struct err *first, const struct err *err)
{
	log_err(LOG_WARN, "look_failed", err);
	if (first->code == ERR_OK)
		*first = *err;
}

/* DescribeTasks takes no more at once. */
enum { BATCH = 100 };

struct ask {
	const struct ssm *ssm;
	struct leftover *nodes;
	size_t count;
	bool blind; /* we may not ask, which was said */
	struct err *err;
};

bool
leftover_task_group(struct slice arn, const char *region, struct slice *group)
{
	char service[ENDPOINT_REGION_MAX + sizeof(":ecs::")];
	struct slice id;

	snprintf(service, sizeof service, ":ecs:%s:", region);
	/* Short ARNs do not tell the cluster. */
	return slice_find(arn, service) > 0 &&
	       slice_rsplit(arn, '/', group, &id) && id.len > 0 &&
	       slice_find(*group, ":task/") > 0;
}

/* We may not ask for tags or tasks: then a node's silence alone counts, which
 * is said once.  False for any other failure. */
static bool
is_blind(struct ask *ask, struct err *err)
{
	if (err->code != ERR_ACCESS)
		return false;
	if (!ask->blind) {
		err_wrap(err,
		    "nodes are judged by their silence alone, those of "
		    "running tasks too");
		log_err(LOG_WARN, "judged_by_age", err);
	}
	ask->blind = true;
	return true;
}

/* What the tags tell: the task, and once more that it is ours. */
static void
take_tags(struct leftover *node, const struct json *doc, const char *region)
{
	const struct json *tag = json_first(json_get(doc, "TagList"));
	struct slice group;
	bool ours = false;

	for (; tag != NULL; tag = json_next(tag)) {
		struct slice key = slice_of(json_text(tag, "Key"));
		struct slice value = slice_of(json_text(tag, "Value"));

		ours |= slice_eq(key, "ssm-activate");
		if (slice_eq(key, "ECS_TASK_ARN"))
			err_clean(node->task, sizeof node->task, value.ptr,
			    value.len);
	}
	if (!ours)
		node->state = LEFTOVER_TASK_UNCLEAR;
	else if (leftover_task_group(slice_of(node->task), region, &group))
		node->state = LEFTOVER_TASK_KNOWN;
}

static void
ask_tags(struct ask *ask, struct leftover *node)
{
	struct ssm_exchange what = { .operation = "ListTagsForResource" };
	struct err err = { 0 };

	json_write(&what.body,
	    "{\"ResourceType\":\"ManagedInstance\",\"ResourceId\":%}",
	    node->id);
	if (ssm_exchange(ask->ssm, &what, &err) == 0) {
		take_tags(node, what.doc, client_region(ask->ssm->client));
	} else if (!is_blind(ask, &err)) {
		node->state = LEFTOVER_TASK_UNCLEAR;
		/* The node may have gone meanwhile. */
		if (!slice_names("InvalidResourceId", err.peer_code))
			note_failure(ask->err, &err);
	}
	json_free(what.doc);
}

/* All that were asked for and have not been answered; gives how many. */
static int
set_asked(struct ask *ask, const char *arn, enum leftover_task state)
{
	int count = 0;

	for (size_t i = 0; i < ask->count; i++) {
		struct leftover *node = &ask->nodes[i];

		if (node->state == LEFTOVER_TASK_ASKED &&
		    (arn == NULL || strcmp(arn, node->task) == 0)) {
			node->state = state;
			count++;
		}
	}
	return count;
}

static void
take_tasks(struct ask *ask, const struct json *doc)
{
	static const struct {
		const char *list, *arn, *member, *value;
		enum leftover_task is, is_not;
	} parts[] = {
		{ "tasks", "taskArn", "lastStatus", "STOPPED",
		    LEFTOVER_TASK_ENDED, LEFTOVER_TASK_RUNS },
		{ "failures", "arn", "reason", "MISSING", LEFTOVER_TASK_GONE,
		    LEFTOVER_TASK_ASKED },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct json *item =
		    json_first(json_get(doc, parts[i].list));

		for (; item != NULL; item = json_next(item)) {
			const char *arn = json_text(item, parts[i].arn);
			const char *word = json_text(item, parts[i].member);

			if (arn == NULL || word == NULL)
				continue;
			set_asked(ask, arn,
			    strcmp(word, parts[i].value) == 0
			        ? parts[i].is
			        : parts[i].is_not);
		}
	}
}

/* The body for the node at first and others of its cluster. */
static void
format_batch(struct ask *ask, size_t first, struct buf *body)
{
	const char *region = client_region(ask->ssm->client), *comma = "";
	char cluster[LEFTOVER_ARN_SIZE];
	struct slice group = { 0 }, own;
	int count = 0;

	leftover_task_group(slice_of(ask->nodes[first].task), region, &group);
	buf_puts(body, "{\"tasks\":[");
	for (size_t i = first; i < ask->count && count < BATCH; i++) {
		struct leftover *node = &ask->nodes[i];

		if (node->state != LEFTOVER_TASK_KNOWN ||
		    !leftover_task_group(slice_of(node->task), region, &own) ||
		    !slice_same(own, group))
			continue;
		node->state = LEFTOVER_TASK_ASKED;
		/* Containers of one task share it. */
		if (slice_find(slice_of(buf_str(body)), node->task) >= 0)
			continue;
		json_write(body, "@%", comma, node->task);
		comma = ",";
		count++;
	}
	slice_rsplit(group, '/', &group, &own);
	slice_copy(own, cluster, sizeof cluster);
	json_write(body, "],\"cluster\":%}", cluster);
}

static void
ask_batch(struct ask *ask, size_t first)
{
	struct ssm_exchange what = {
		.service = API_ECS,
		.operation = "DescribeTasks",
	};
	struct err err = { 0 };

	format_batch(ask, first, &what.body);
	if (ssm_exchange(ask->ssm, &what, &err) == 0)
		take_tasks(ask, what.doc);
	else if (is_blind(ask, &err))
		set_asked(ask, NULL, LEFTOVER_TASK_NONE);
	else if (slice_names("ClusterNotFoundException", err.peer_code))
		set_asked(ask, NULL, LEFTOVER_TASK_GONE);
	if (set_asked(ask, NULL, LEFTOVER_TASK_UNCLEAR) > 0) {
		err_set(&err, ERR_KIND_PARSE,
		    "DescribeTasks: an incomplete answer");
		note_failure(ask->err, &err);
	}
	json_free(what.doc);
}

/* Learn which tasks the nodes belong to and what became of these; results as
 * leftover_find(). */
static int
ask_tasks(const struct ssm *ssm, struct buf *list, struct err *err)
{
	struct ask ask = {
		.ssm = ssm,
		.nodes = (void *)list->data,
		.count = list->len / sizeof *ask.nodes,
		.err = err,
	};

	for (size_t i = 0; i < ask.count && !ask.blind; i++)
		ask_tags(&ask, &ask.nodes[i]);
	ask.blind = false;
	for (size_t i = 0; i < ask.count; i++) {
		if (ask.nodes[i].state == LEFTOVER_TASK_KNOWN)
			ask_batch(&ask, i);
	}
	return err->code == ERR_OK ? 0 : -1;
}

bool
leftover_silent(const struct leftover *node, int64_t now, int64_t age)
{
	if (!node->pinged && age < START_S)
		age = START_S;
	return !node->online && node->since != 0 && node->since <= now - age;
}

enum leftover_why
leftover_judge(const struct leftover *node, bool silent)
{
	if (node->state == LEFTOVER_TASK_ENDED)
		return LEFTOVER_TASK_STOPPED;
	if (node->online)
		return LEFTOVER_NO;
	if (node->state == LEFTOVER_TASK_GONE)
		return LEFTOVER_TASK_MISSING;
	if (node->state != LEFTOVER_TASK_NONE || !silent)
		return LEFTOVER_NO;
	return node->pinged ? LEFTOVER_SILENT : LEFTOVER_NEVER_ONLINE;
}

static void
copy_text(char *out, size_t size, const struct json *item, const char *key)
{
	struct slice text = slice_of(json_text(item, key));

	err_clean(out, size, text.ptr, text.len);
}

/* A time or a count; 0 = not told, or none. */
static int64_t
get_number(const struct json *item, const char *key)
{
	double number = 0;

	return json_number(item, key, &number) && number > 0 && number < 1e11
	           ? (int64_t)number
	           : 0;
}

static int
add_leftover(const struct gather *g, struct leftover *new, const char *id,
    struct err *err)
{
	slice_copy(slice_of(id), new->id, sizeof new->id);
	buf_add(g->list, new, sizeof *new);
	return buf_ok(g->list) ? 0 : err_memory(err);
}

static int
node_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const char *ping = json_text(item, "PingStatus");
	struct leftover new = {
		.since = get_number(item, "LastPingDateTime"),
		.online = ping != NULL &&
		          !slice_names("ConnectionLost Inactive", ping),
	};

	new.pinged = new.since != 0;
	if (!new.pinged)
		new.since = get_number(item, "RegistrationDate");
	copy_text(new.name, sizeof new.name, item, "Name");
	return add_leftover(context, &new, id, err);
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
	int64_t count = get_number(item, "RegistrationsCount");

	if (expires != 0 && expires <= g->now)
		return LEFTOVER_EXPIRED;
	if (created == 0 || created > g->now - START_S)
		return LEFTOVER_NO;
	if (count != 0 && count >= get_number(item, "RegistrationLimit"))
		return LEFTOVER_USED_UP;
	return created <= g->now - g->age ? LEFTOVER_UNUSED : LEFTOVER_NO;
}

static int
activation_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const struct gather *g = context;
	int64_t expires = get_number(item, "ExpirationDate");
	struct leftover new = {
		.activation = true,
		.since = get_number(item, "CreatedDate"),
	};

	new.why = judge_activation(g, item, new.since, expires);
	if (new.why == LEFTOVER_NO ||
	    !has_nonce(slice_of(json_text(item, "Description"))))
		return 0;
	if (new.why == LEFTOVER_EXPIRED)
		new.since = expires;
	copy_text(new.name, sizeof new.name, item, "Description");
	return add_leftover(g, &new, id, err);
}

/* Why a silent node stays is logged. */
static void
judge_node(struct leftover *node, const struct gather *g)
{
	bool silent = leftover_silent(node, g->now, g->age);

	node->why = leftover_judge(node, silent);
	if (node->state == LEFTOVER_TASK_RUNS && silent) {
		log_event(LOG_INFO, "kept",
		    "%s is silent, but stays, since its task runs: %s",
		    node->id, node->task);
	}
}

int
leftover_find(const struct ssm *ssm, int64_t age, struct buf *list,
    struct err *err)
{
	struct gather g = { .list = list, .age = age };
	struct ssm_sink nodes = { &g, node_found };
	struct ssm_sink activations = { &g, activation_found };
	struct leftover *node = NULL;
	struct err now = { 0 };

	list->max = LEFTOVER_MAX * sizeof *node;
	if (ssm_find_nodes(ssm, "tag-key", "ssm-activate", &nodes, &now) != 0)
		note_failure(err, &now);
	ask_tasks(ssm, list, err);
	g.now = clock_now() + client_api(ssm->client)->clock_offset;
	node = (void *)list->data;
	for (size_t count = list->len / sizeof *node; count > 0;
	     count--, node++)
		judge_node(node, &g);
	err_clear(&now);
	if (ssm_find_activations(ssm, NULL, REGISTER_MARK, &activations,
	        &now) != 0)
		note_failure(err, &now);
	return err->code == ERR_OK ? 0 : -1;
}
