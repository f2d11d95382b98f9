/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/columns.h"
#include "app/session.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "settings/config.h"
#include "ssm/fleet.h"
#include "work/caller.h"
#include "work/jail.h"

/* What the process that asks AWS tells the one that starts the session. */
struct found {
	char node[SSM_NODE_SIZE];
	char region[ENDPOINT_REGION_MAX + 1];
};

struct search {
	const struct config *cfg;
	const char *wanted;
	struct ssm ssm;
	struct buf nodes; /* of struct fleet_node, those that fit */
	struct err failed;
};

static bool
fits(const char *wanted, const struct fleet_node *node)
{
	return strcmp(wanted, node->family) == 0 ||
	       strcmp(wanted, node->service) == 0 ||
	       strcmp(wanted, node->task) == 0 ||
	       slice_eq(fleet_task_id(node), wanted);
}

/* By name, which asks for the tags of few; else by the task. */
static void
look(struct search *s)
{
	struct fleet_filter filter = { .name = s->wanted,
		.blind = "nodes are known by their names only" };
	struct fleet_node *nodes = NULL;
	size_t kept = 0;

	if (slice_starts(slice_of(s->wanted), "arn:"))
		filter = (struct fleet_filter){ .task = s->wanted,
			.blind = filter.blind };
	fleet_find(&s->ssm, &filter, &s->nodes, &s->failed);
	if (s->nodes.len > 0 || filter.task != NULL)
		return;
	filter.name = NULL;
	fleet_find(&s->ssm, &filter, &s->nodes, &s->failed);
	nodes = (void *)s->nodes.data;
	for (size_t i = 0; i < s->nodes.len / sizeof *nodes; i++) {
		if (fits(s->wanted, &nodes[i]))
			nodes[kept++] = nodes[i];
	}
	buf_cut(&s->nodes, kept * sizeof *nodes);
}

/* Move those that are online to the front; gives how many. */
static size_t
online_first(struct fleet_node *nodes, size_t count)
{
	size_t online = 0;

	for (size_t i = 0; i < count; i++) {
		struct fleet_node held = nodes[i];

		if (!held.online)
			continue;
		nodes[i] = nodes[online];
		nodes[online++] = held;
	}
	return online;
}

static int
list_them(const struct fleet_node *nodes, size_t count, struct err *err)
{
	struct buf text = { 0 };
	int rc = 0;

	columns_nodes(&text, nodes, count);
	rc = file_write_fd(STDERR_FILENO, text.data, text.len, err);
	buf_free(&text);
	return rc;
}

/* The one to take, or NULL. */
static const struct fleet_node *
choose(struct search *s, struct err *err)
{
	struct fleet_node *nodes = (void *)s->nodes.data;
	size_t count = s->nodes.len / sizeof *nodes;
	size_t online = online_first(nodes, count), best = 0;

	if (count == 0 && s->failed.code != ERR_OK) {
		*err = s->failed;
	} else if (count == 0) {
		err_set(err, ERR_KIND_USAGE,
		    "no node of ours is %.*s: by name, family, service or task",
		    err_shown(slice_of(s->wanted)), s->wanted);
		err_fix(err, "`ssm-activate nodes` lists them");
	} else if (online == 0) {
		err_set(err, ERR_KIND_CONNECTION,
		    "%s (%s) is not online: it is %s", nodes[0].id,
		    nodes[0].name, columns_state(&nodes[0]));
		err_fix(err, "run `ssm-activate doctor` in the container");
	} else if (online > 1 && !s->cfg->newest) {
		list_them(nodes, online, err);
		err_set(err, ERR_KIND_USAGE, "%zu nodes are %.*s and online",
		    online, err_shown(slice_of(s->wanted)), s->wanted);
		err_fix(err, "give the id of one, or --newest");
	}
	if (err->code != ERR_OK)
		return NULL;
	for (size_t i = 1; i < online; i++) {
		if (nodes[i].registered > nodes[best].registered)
			best = i;
	}
	return &nodes[best];
}

/* Session Manager's own word; who may not ask for it goes on without. */
static int
check_online(const struct ssm *ssm, const char *node, struct err *err)
{
	struct ssm_exchange what = { .operation = "GetConnectionStatus" };
	struct err failed = { 0 };
	const char *status = NULL;
	int rc = 0;

	json_write(&what.body, "{\"Target\":%}", node);
	if (ssm_exchange(ssm, &what, &failed) != 0) {
		rc = failed.code == ERR_ACCESS ? 0 : -1;
		log_err(LOG_WARN, "not_checked", &failed);
		if (rc != 0)
			*err = failed;
	}
	status = json_text(what.doc, "Status");
	/* AWS has spelt it in both ways. */
	if (status != NULL && strcasecmp(status, "connected") != 0) {
		rc =
		    err_set(err, ERR_KIND_CONNECTION, "%s is %s", node, status);
		err_fix(err, "run `ssm-activate doctor` in the container");
	}
	json_free(what.doc);
	return rc;
}

static int
find(struct search *s, struct found *out, struct err *err)
{
	const struct fleet_node *node = NULL;
	const char *id = s->wanted;

	if (jail_client(&s->ssm.client, s->cfg, NULL, err) != 0)
		return -1;
	slice_copy(slice_of(client_region(s->ssm.client)), out->region,
	    sizeof out->region);
	if (!id_is_node(id)) {
		look(s);
		node = choose(s, err);
		if (node == NULL)
			return -1;
		id = node->id;
	}
	slice_copy(slice_of(id), out->node, sizeof out->node);
	return check_online(&s->ssm, id, err);
}

/* In the process that has no privileges. */
static int
be_caller(void *argument)
{
	struct search s = { .cfg = argument };
	struct found found = { 0 };
	struct err err = { 0 };

	s.wanted = s.cfg->words[0];
	if (find(&s, &found, &err) == 0)
		file_write_fd(STDOUT_FILENO, &found, sizeof found, &err);
	if (err.kind == ERR_KIND_USAGE)
		err_fix(&err, "see: ssm-activate help connect");
	if (err.code != ERR_OK)
		log_err(LOG_ERROR, "failed", &err);
	buf_free(&s.nodes);
	client_free(s.ssm.client);
	return (int)err.code;
}

/* Nothing but a node and a region may come from where strangers are talked
 * to: both become arguments. */
static int
take_found(struct found *out, const struct buf *told, struct err *err)
{
	if (told->len == sizeof *out) {
		memcpy(out, told->data, sizeof *out);
		if (memchr(out->node, '\0', sizeof out->node) != NULL &&
		    memchr(out->region, '\0', sizeof out->region) != NULL &&
		    id_is_node(out->node) &&
		    endpoint_check_region(out->region, "the search", err) == 0)
			return 0;
	}
	return err_set(err, ERR_KIND_SYSTEM, "the search died");
}

static int
start(const struct config *cfg, const struct session *session, struct err *err)
{
	struct buf line = { 0 };
	int rc = 0;

	session_print(&line, session);
	if (cfg->print) {
		buf_putc(&line, '\n');
		rc = file_write_fd(STDOUT_FILENO, line.data, line.len, err);
		buf_free(&line);
		return rc;
	}
	log_event(LOG_INFO, "connect", "%s", buf_str(&line));
	buf_free(&line);
	exec_program(session->argv, environ, true);
	err_sys(err, ERR_KIND_SYSTEM, "aws");
	err_fix(err, "install the AWS CLI and session-manager-plugin, or take "
	             "the line of --print to where they are");
	return -1;
}

int
cmd_connect(struct config *cfg, struct err *err)
{
	struct session session;
	struct buf parameters = { 0 }, told = { .max = sizeof(struct found) };
	struct found found = { 0 };
	int status = 0;

	if (config_check(cfg, err) != 0)
		return (int)err->code;
	if (cfg->words[0] == NULL) {
		err_set(err, ERR_KIND_USAGE,
		    "connect needs a name, a node or a task");
	} else if (session_build(&session, &parameters, cfg, found.node,
	               found.region, err) == 0) {
		/* A wrong port is told before AWS is asked. */
		status = caller_ask(be_caller, cfg, &told, err);
	}
	if (err->code == ERR_OK && status == 0 &&
	    take_found(&found, &told, err) == 0)
		start(cfg, &session, err);
	buf_free(&parameters);
	buf_free(&told);
	return err->code != ERR_OK ? (int)err->code : status;
}
