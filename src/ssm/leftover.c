#include "ssm/leftover.h"

#include <string.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/slice.h"
#include "ssm/find.h"
#include "ssm/register.h"

/* No start takes longer. */
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

void
leftover_note(struct err *first, const struct err *err)
{
	log_err(LOG_WARN, "look_failed", err);
	if (first->code == ERR_OK)
		*first = *err;
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
take_text(char *out, size_t size, const struct json *item, const char *key)
{
	struct slice text = slice_of(json_text(item, key));

	err_clean(out, size, text.ptr, text.len);
}

/* A time or a count; 0 = not told, or none. */
static int64_t
take_number(const struct json *item, const char *key)
{
	double number = 0;

	return json_number(item, key, &number) && number > 0 && number < 1e11
	           ? (int64_t)number
	           : 0;
}

static int
add(const struct gather *g, struct leftover *new, const char *id,
    struct err *err)
{
	slice_copy(slice_of(id), new->id, sizeof(new->id));
	buf_add(g->list, new, sizeof(*new));
	return buf_ok(g->list) ? 0 : err_memory(err);
}

static int
node_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const char *ping = json_text(item, "PingStatus");
	struct leftover new = {
		.since = take_number(item, "LastPingDateTime"),
		.online = ping != NULL &&
		          !slice_names("ConnectionLost Inactive", ping),
	};

	new.pinged = new.since != 0;
	if (!new.pinged)
		new.since = take_number(item, "RegistrationDate");
	take_text(new.name, sizeof(new.name), item, "Name");
	return add(context, &new, id, err);
}

/* The text ends as register_describe() lets it end. */
static bool
has_nonce(struct slice text)
{
	char nonce[SSM_UUID_SIZE];
	struct slice tail = { 0 };

	return slice_ends(text, "]") && slice_rsplit(text, ':', &text, &tail) &&
	       slice_copy(slice_head(tail, tail.len - 1), nonce,
	           sizeof(nonce)) &&
	       ssm_is_uuid(nonce);
}

static enum leftover_why
judge_activation(const struct gather *g, const struct json *item,
    int64_t created, int64_t expires)
{
	int64_t count = take_number(item, "RegistrationsCount");

	if (expires != 0 && expires <= g->now)
		return LEFTOVER_EXPIRED;
	if (created == 0 || created > g->now - START_S)
		return LEFTOVER_NO;
	if (count != 0 && count >= take_number(item, "RegistrationLimit"))
		return LEFTOVER_USED_UP;
	return created <= g->now - g->age ? LEFTOVER_UNUSED : LEFTOVER_NO;
}

static int
activation_found(void *context, const char *id, const struct json *item,
    struct err *err)
{
	const struct gather *g = context;
	int64_t expires = take_number(item, "ExpirationDate");
	struct leftover new = {
		.activation = true,
		.since = take_number(item, "CreatedDate"),
	};

	new.why = judge_activation(g, item, new.since, expires);
	if (new.why == LEFTOVER_NO ||
	    !has_nonce(slice_of(json_text(item, "Description"))))
		return 0;
	if (new.why == LEFTOVER_EXPIRED)
		new.since = expires;
	take_text(new.name, sizeof(new.name), item, "Description");
	return add(g, &new, id, err);
}

/* Whoever looks for a silent node wants to know why it is not touched. */
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
	struct find_sink nodes = { &g, node_found };
	struct find_sink activations = { &g, activation_found };
	struct leftover *node = NULL;
	struct err now = { 0 };
	size_t count = 0;

	list->max = LEFTOVER_MAX * sizeof(*node);
	if (find_nodes(ssm, "tag-key", "ssm-activate", &nodes, &now) != 0)
		leftover_note(err, &now);
	leftover_task_ask(ssm, list, err);
	g.now = clock_now() + client_api(ssm->client)->clock_offset;
	node = (void *)list->data;
	for (count = list->len / sizeof(*node); count > 0; count--, node++)
		judge_node(node, &g);
	err_clear(&now);
	if (find_activations(ssm, NULL, REGISTER_MARK, &activations, &now) != 0)
		leftover_note(err, &now);
	return err->code == ERR_OK ? 0 : -1;
}
