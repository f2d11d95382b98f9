/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "app/cmd.h"
#include "app/columns.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "settings/config.h"
#include "ssm/fleet.h"
#include "work/caller.h"
#include "work/jail.h"

struct listing {
	const struct config *cfg;
	bool json; /* nobody reads it on a terminal */
};

static void
put_json(struct buf *out, const struct fleet_node *node)
{
	struct slice at = fleet_cluster(node);
	char cluster[FLEET_ARN_SIZE];

	slice_copy(at, cluster, sizeof cluster);
	json_write(out,
	    "{\"id\":%,\"name\":%,\"state\":%,\"since\":#,"
	    "\"registered\":#,\"task\":%,\"cluster\":%,\"family\":%,"
	    "\"service\":%}\n",
	    node->id, node->name, columns_state(node), (long long)node->since,
	    (long long)node->registered, node->task, cluster, node->family,
	    node->service);
}

static int
list(const struct listing *listing, struct err *err)
{
	const struct config *cfg = listing->cfg;
	const struct fleet_filter filter = { cfg->name, cfg->task, cfg->family,
		cfg->cluster, "tasks are not shown" };
	struct ssm ssm = { 0 };
	struct ssm_pace pace = { 0 };
	struct buf nodes = { 0 };
	struct buf text = { .max = FLEET_MAX * sizeof(struct fleet_node) };
	const struct fleet_node *node;
	struct err failed = { 0 };

	if (jail_client(&ssm.client, cfg, NULL, err) == 0) {
		ssm_pace_begin(&pace);
		ssm.pace = &pace;
		fleet_find(&ssm, &filter, &nodes, &failed);
		node = (const void *)nodes.data;
		if (!listing->json)
			columns_nodes(&text, node, nodes.len / sizeof *node);
		for (size_t i = 0;
		     listing->json && i < nodes.len / sizeof *node; i++)
			put_json(&text, &node[i]);
		if (!buf_ok(&text))
			err_memory(err);
		else
			file_write_fd(STDOUT_FILENO, text.data, text.len, err);
	}
	buf_free(&text);
	buf_free(&nodes);
	client_free(ssm.client);
	return (int)(err->code != ERR_OK ? err->code : failed.code);
}

/* In the process that has no privileges. */
static int
be_caller(void *argument)
{
	struct err err = { 0 };
	int status = list(argument, &err);

	if (err.code != ERR_OK)
		log_err(LOG_ERROR, "failed", &err);
	return status;
}

int
cmd_nodes(struct config *cfg, struct err *err)
{
	struct listing listing = {
		.cfg = cfg,
		.json = cfg->json || isatty(STDOUT_FILENO) != 1,
	};

	if (config_check(cfg, err) != 0)
		return (int)err->code;
	return caller_run(be_caller, &listing, err);
}
