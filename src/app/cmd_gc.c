/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "app/cmd.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "settings/config.h"
#include "ssm/leftover.h"
#include "ssm/ssm.h"
#include "work/caller.h"
#include "work/jail.h"

struct gc {
	const struct config *cfg;
	struct ssm ssm;
	struct ssm_pace pace;
	struct buf list; /* of struct leftover */
	int found, removed;
	bool blind;        /* something could not be looked at, told already */
	struct err failed; /* the first failure, told already */
	struct err *err;   /* of printing */
};

/* One leftover, one line. */
static void
put(struct gc *gc, const struct leftover *item, bool removed)
{
	const char *kind = item->activation ? "activation" : "node";
	const char *why = leftover_reason(item->why);
	char since[CLOCK_ISO_SIZE] = "-";
	struct buf line = { 0 };

	if (item->node.since != 0)
		clock_iso(item->node.since, since);
	if (gc->cfg->json) {
		json_write(&line,
		    "{\"kind\":%,\"id\":%,\"why\":%,\"since\":%,\"task\":%,"
		    "\"name\":%,\"removed\":?}\n",
		    kind, item->node.id, why, since, item->node.task,
		    item->node.name, removed);
	} else {
		buf_printf(&line, "%s %s %s %s %s %s\n", kind, item->node.id,
		    why, since,
		    item->node.task[0] != '\0' ? item->node.task : "-",
		    item->node.name);
	}
	file_write_fd(STDOUT_FILENO, line.data, line.len, gc->err);
	buf_free(&line);
}

/* What to do is said once. */
static void
stays(struct gc *gc, const struct leftover *item, struct err *err)
{
	err_wrap(err, item->node.id);
	if (gc->failed.code == ERR_OK)
		gc->failed = *err;
	else
		err->fix[0] = '\0';
	log_err(LOG_WARN, "left_behind", err);
}

static void
take_away(struct gc *gc, const struct leftover *item)
{
	struct err err = { 0 };
	int rc = -1;

	if (clock_ms() >= gc->pace.until) {
		err_set(&err, ERR_KIND_CONNECTION,
		    "not tried: nothing went through for %d s",
		    SSM_PATIENCE_MS / 1000);
	} else if (item->activation) {
		rc = ssm_delete_activation(&gc->ssm, item->node.id, &err);
	} else {
		rc = ssm_deregister(&gc->ssm, item->node.id, &err);
	}
	if (rc != 0) {
		stays(gc, item, &err);
		return;
	}
	gc->removed++;
	put(gc, item, true);
}

/* Nothing found means nothing where it could not be looked. */
static void
sum_up(const struct gc *gc)
{
	const char *doubt =
	    gc->blind ? "could not look at everything; of what was seen, " : "";
	enum log_level level = gc->blind ? LOG_WARN : LOG_INFO;

	if (gc->cfg->yes) {
		log_event(level, "leftovers", "%s%d of %d removed", doubt,
		    gc->removed, gc->found);
		return;
	}
	log_event(level, "leftovers", "%s%d left behind; nothing was changed%s",
	    doubt, gc->found, gc->found > 0 ? ", --yes removes" : "");
}

static void
go_through(struct gc *gc)
{
	const struct leftover *item = (const void *)gc->list.data;
	size_t left = gc->list.len / sizeof *item;

	for (; left > 0; left--, item++) {
		if (item->why == LEFTOVER_NO)
			continue;
		gc->found++;
		if (gc->cfg->yes)
			take_away(gc, item);
		else
			put(gc, item, false);
	}
}

static int
collect(struct gc *gc, struct err *err)
{
	const struct config *cfg = gc->cfg;
	const struct leftover_scope scope = { cfg->older_than_ms / 1000,
		cfg->task };

	if (jail_client(&gc->ssm.client, cfg, NULL, err) != 0)
		return -1;
	ssm_pace_begin(&gc->pace);
	gc->ssm.pace = &gc->pace;
	gc->blind =
	    leftover_find(&gc->ssm, &scope, &gc->list, &gc->failed) != 0;
	go_through(gc);
	sum_up(gc);
	return 0;
}

/* In the process that has no privileges. */
static int
be_caller(void *argument)
{
	struct err err = { 0 };
	struct gc gc = { .cfg = argument, .err = &err };

	if (collect(&gc, &err) != 0 || err.code != ERR_OK)
		log_err(LOG_ERROR, "failed", &err);
	buf_free(&gc.list);
	client_free(gc.ssm.client);
	return (int)(err.code != ERR_OK ? err.code : gc.failed.code);
}

int
cmd_gc(struct config *cfg, struct err *err)
{
	if (config_check(cfg, err) != 0)
		return (int)err->code;
	if (cfg->yes && cfg->dry_run) {
		err_set(err, ERR_KIND_USAGE,
		    "--yes and --dry-run exclude each other");
		return (int)err->code;
	}
	return caller_run(be_caller, cfg, err);
}
