/* SPDX-License-Identifier: MIT */
#include "ssm/fleet.h"

#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"

struct gather {
	struct buf *list;
	const struct fleet_filter *filter;
};

/* Say that something could not be looked at; the first failure stays. */
void
fleet_failed(struct err *first, const struct err *err)
{
	log_err(LOG_WARN, "look_failed", err);
	if (first->code == ERR_OK)
		*first = *err;
}

/* DescribeTasks takes no more at once. */
enum { BATCH = 100 };

struct ask {
	const struct ssm *ssm;
	const struct fleet_filter *filter;
	struct fleet_node *nodes;
	size_t count;
	bool blind; /* we may not ask, which was said */
	struct err *err;
};

bool
fleet_group(struct slice arn, const char *region, struct slice *group)
{
	char service[ENDPOINT_REGION_MAX + sizeof(":ecs::")];
	struct slice id;

	snprintf(service, sizeof service, ":ecs:%s:", region);
	/* Short ARNs do not tell the cluster. */
	return slice_find(arn, service) > 0 &&
	       slice_rsplit(arn, '/', group, &id) && id.len > 0 &&
	       slice_find(*group, ":task/") > 0;
}

/* We may not ask for tags or tasks, which is said once.  False for any other
 * failure. */
static bool
is_blind(struct ask *ask, struct err *err)
{
	if (err->code != ERR_ACCESS)
		return false;
	if (!ask->blind) {
		err_wrap(err, ask->filter->blind);
		log_err(LOG_WARN, "judged_by_age", err);
	}
	ask->blind = true;
	return true;
}

/* What the tags tell: the task, and once more that it is ours. */
static void
take_tags(struct fleet_node *node, const struct json *doc, const char *region)
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
		node->state = FLEET_TASK_UNCLEAR;
	else if (fleet_group(slice_of(node->task), region, &group))
		node->state = FLEET_TASK_KNOWN;
}

static void
ask_tags(struct ask *ask, struct fleet_node *node)
{
	struct ssm_exchange what = { .operation = "ListTagsForResource" };
	struct err err = { 0 };

	json_write(&what.body,
	    "{\"ResourceType\":\"ManagedInstance\",\"ResourceId\":%}",
	    node->id);
	if (ssm_exchange(ask->ssm, &what, &err) == 0) {
		take_tags(node, what.doc, client_region(ask->ssm->client));
	} else if (!is_blind(ask, &err)) {
		node->state = FLEET_TASK_UNCLEAR;
		/* The node may have gone meanwhile. */
		if (!slice_names("InvalidResourceId", err.peer_code))
			fleet_failed(ask->err, &err);
	}
	json_free(what.doc);
}

/* What ECS says of a task: arn:aws:ecs:...:task-definition/FAMILY:REVISION, and
 * service:NAME. */
static void
take_names(struct fleet_node *node, const struct json *task)
{
	struct slice family = slice_of(json_text(task, "taskDefinitionArn"));
	struct slice group = slice_of(json_text(task, "group")), head;

	slice_rsplit(family, '/', &head, &family);
	slice_rsplit(family, ':', &family, &head);
	err_clean(node->family, sizeof node->family, family.ptr, family.len);
	if (slice_starts(group, "service:")) {
		group = slice_skip(group, sizeof "service:" - 1);
		err_clean(node->service, sizeof node->service, group.ptr,
		    group.len);
	}
}

/* All that were asked for (arn NULL: and have not been answered), with what is
 * told of them; gives how many. */
static int
set_asked(struct ask *ask, const char *arn, enum fleet_task state,
    const struct json *task)
{
	int count = 0;

	for (size_t i = 0; i < ask->count; i++) {
		struct fleet_node *node = &ask->nodes[i];

		if (node->state == FLEET_TASK_ASKED &&
		    (arn == NULL || strcmp(arn, node->task) == 0)) {
			node->state = state;
			take_names(node, task);
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
		enum fleet_task is, is_not;
	} parts[] = {
		{ "tasks", "taskArn", "lastStatus", "STOPPED", FLEET_TASK_ENDED,
		    FLEET_TASK_RUNS },
		{ "failures", "arn", "reason", "MISSING", FLEET_TASK_GONE,
		    FLEET_TASK_ASKED },
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
			    strcmp(word, parts[i].value) == 0 ? parts[i].is
			                                      : parts[i].is_not,
			    item);
		}
	}
}

/* The body for the node at first and others of its cluster. */
static void
format_batch(struct ask *ask, size_t first, struct buf *body)
{
	const char *region = client_region(ask->ssm->client), *comma = "";
	char cluster[FLEET_ARN_SIZE];
	struct slice group = { 0 }, own;
	int count = 0;

	fleet_group(slice_of(ask->nodes[first].task), region, &group);
	buf_puts(body, "{\"tasks\":[");
	for (size_t i = first; i < ask->count && count < BATCH; i++) {
		struct fleet_node *node = &ask->nodes[i];

		if (node->state != FLEET_TASK_KNOWN ||
		    !fleet_group(slice_of(node->task), region, &own) ||
		    !slice_same(own, group))
			continue;
		node->state = FLEET_TASK_ASKED;
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
		set_asked(ask, NULL, FLEET_TASK_NONE, NULL);
	else if (slice_names("ClusterNotFoundException", err.peer_code))
		set_asked(ask, NULL, FLEET_TASK_GONE, NULL);
	if (set_asked(ask, NULL, FLEET_TASK_UNCLEAR, NULL) > 0) {
		err_set(&err, ERR_KIND_PARSE,
		    "DescribeTasks: an incomplete answer");
		fleet_failed(ask->err, &err);
	}
	json_free(what.doc);
}

/* Learn which tasks the nodes belong to and what became of these. */
static void
ask_tasks(const struct ssm *ssm, const struct fleet_filter *filter,
    struct buf *list, struct err *err)
{
	struct ask ask = {
		.ssm = ssm,
		.filter = filter,
		.nodes = (void *)list->data,
		.count = list->len / sizeof *ask.nodes,
		.err = err,
	};

	for (size_t i = 0; i < ask.count && !ask.blind; i++)
		ask_tags(&ask, &ask.nodes[i]);
	ask.blind = false;
	for (size_t i = 0; i < ask.count; i++) {
		if (ask.nodes[i].state == FLEET_TASK_KNOWN)
			ask_batch(&ask, i);
	}
}

void
fleet_text(char *out, size_t size, const struct json *item, const char *key)
{
	struct slice text = slice_of(json_text(item, key));

	err_clean(out, size, text.ptr, text.len);
}

/* A time or a count; 0 = not told, or none. */
int64_t
fleet_number(const struct json *item, const char *key)
{
	double number = 0;

	return json_number(item, key, &number) && number > 0 && number < 1e11
	           ? (int64_t)number
	           : 0;
}

static int
node_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const struct gather *g = context;
	const char *ping = json_text(item, "PingStatus");
	struct fleet_node new = {
		.since = fleet_number(item, "LastPingDateTime"),
		.registered = fleet_number(item, "RegistrationDate"),
		.online = ping != NULL &&
		          !slice_names("ConnectionLost Inactive", ping),
	};

	new.pinged = new.since != 0;
	if (!new.pinged)
		new.since = new.registered;
	fleet_text(new.name, sizeof new.name, item, "Name");
	if (g->filter->name != NULL &&
	    !slice_glob(slice_of(new.name), slice_of(g->filter->name)))
		return 0;
	slice_copy(slice_of(id), new.id, sizeof new.id);
	buf_add(g->list, &new, sizeof new);
	return buf_ok(g->list) ? 0 : err_memory(err);
}

static bool
fits(const char *wanted, struct slice value)
{
	return wanted == NULL || slice_eq(value, wanted);
}

/* arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/ID */
struct slice
fleet_task_id(const struct fleet_node *node)
{
	struct slice head = { 0 }, id = { 0 };

	slice_rsplit(slice_of(node->task), '/', &head, &id);
	return id;
}

struct slice
fleet_cluster(const struct fleet_node *node)
{
	struct slice head = { 0 }, id = { 0 };

	slice_rsplit(slice_of(node->task), '/', &head, &id);
	slice_rsplit(head, '/', &id, &head);
	return head;
}

static bool
passes(const struct fleet_node *node, const struct fleet_filter *filter)
{
	return (fits(filter->task, slice_of(node->task)) ||
	           fits(filter->task, fleet_task_id(node))) &&
	       fits(filter->family, slice_of(node->family)) &&
	       fits(filter->cluster, fleet_cluster(node));
}

/* Leave out what does not pass. */
static void
sift(struct buf *list, const struct fleet_filter *filter)
{
	struct fleet_node *nodes = (void *)list->data;
	size_t kept = 0;

	for (size_t i = 0; i < list->len / sizeof *nodes; i++) {
		if (passes(&nodes[i], filter))
			nodes[kept++] = nodes[i];
	}
	buf_cut(list, kept * sizeof *nodes);
}

int
fleet_find(const struct ssm *ssm, const struct fleet_filter *filter,
    struct buf *list, struct err *err)
{
	struct gather g = { list, filter };
	struct ssm_sink sink = { &g, node_found };
	bool one = slice_starts(slice_of(filter->task), "arn:");
	struct err now = { 0 };

	list->max = FLEET_MAX * sizeof(struct fleet_node);
	if (ssm_find_nodes(ssm, one ? "tag:ECS_TASK_ARN" : "tag-key",
	        one ? filter->task : "ssm-activate", &sink, &now) != 0)
		fleet_failed(err, &now);
	ask_tasks(ssm, filter, list, err);
	sift(list, filter);
	return err->code == ERR_OK ? 0 : -1;
}
