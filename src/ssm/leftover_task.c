#include <stdio.h>
#include <string.h>

#include "aws/client.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "ssm/leftover.h"

/* DescribeTasks takes no more at once. */
enum { BATCH = 100 };

struct ask {
	const struct ssm *ssm;
	struct leftover *nodes;
	size_t count;
	bool blind; /* it was said that something may not be asked */
	struct err *err;
};

bool
leftover_task_group(struct slice arn, const char *region, struct slice *group)
{
	char service[ENDPOINT_REGION_MAX + sizeof(":ecs::")];
	struct slice id;

	snprintf(service, sizeof(service), ":ecs:%s:", region);
	/* Short ARNs do not tell the cluster. */
	return slice_find(arn, service) > 0 &&
	       slice_rsplit(arn, '/', group, &id) && id.len > 0 &&
	       slice_find(*group, ":task/") > 0;
}

/* Refusals make us blind, but not helpless: then age alone counts.  False for
 * any other failure. */
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
			err_clean(node->task, sizeof(node->task), value.ptr,
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
		/* It may have gone meanwhile. */
		if (!slice_names("InvalidResourceId", err.peer_code))
			leftover_note(ask->err, &err);
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

	(void)leftover_task_group(slice_of(ask->nodes[first].task), region,
	    &group);
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
	(void)slice_rsplit(group, '/', &group, &own);
	(void)slice_copy(own, cluster, sizeof(cluster));
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
		leftover_note(ask->err, &err);
	}
	json_free(what.doc);
}

int
leftover_task_ask(const struct ssm *ssm, struct buf *list, struct err *err)
{
	struct ask ask = {
		.ssm = ssm,
		.nodes = (void *)list->data,
		.count = list->len / sizeof(*ask.nodes),
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
