/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "aws/client.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "settings/config.h"
#include "ssm/leftover.h"
#include "ssm/ssm.h"
#include "work/caller.h"
#include "work/jail.h"

/* How often it is told how far it is: on a terminal, and in the log. */
enum { LOOKED_AT_MS = 200, LOGGED_MS = 30000, PROGRESS_WIDTH = 70 };

struct gc {
	const struct config *cfg;
	struct ssm ssm;
	struct ssm_pace pace;
	struct buf list; /* of struct leftover */
	int total, found, removed;
	int64_t began_at, told_at;
	bool terminal;     /* somebody looks on */
	bool shown;        /* a line without an end is on it */
	bool blind;        /* something could not be looked at, told already */
	struct err failed; /* the first failure, told already */
	struct err *err;   /* of printing */
};

/* The line that tells how far it is makes room. */
static void
clear_progress(struct gc *gc)
{
	char blank[PROGRESS_WIDTH + 3];

	if (gc->shown) {
		snprintf(blank, sizeof blank, "\r%*s\r", PROGRESS_WIDTH, "");
		file_write_fd(STDERR_FILENO, blank, sizeof blank - 1, NULL);
	}
	gc->shown = false;
}

/* Of many, while AWS lets only some calls through in a second. */
static void
tell_progress(struct gc *gc)
{
	int64_t now = clock_ms();
	int64_t seconds = (now - gc->began_at) * (gc->total - gc->removed) /
	                  (gc->removed > 0 ? gc->removed : 1) / 1000;
	const char *slow = gc->pace.slowed ? ", AWS throttles" : "";
	struct buf line = { 0 };

	if (now - gc->told_at < (gc->terminal ? LOOKED_AT_MS : LOGGED_MS))
		return;
	gc->told_at = now;
	buf_printf(&line, "removed %d of %d%s, about %d %s left", gc->removed,
	    gc->total, slow, (int)(seconds < 120 ? seconds : seconds / 60),
	    seconds < 120 ? "s" : "min");
	if (!gc->terminal) {
		log_event(LOG_INFO, "gc_progress", "%s", buf_str(&line));
	} else {
		clear_progress(gc);
		file_write_fd(STDERR_FILENO, line.data, line.len, NULL);
		gc->shown = true;
	}
	buf_free(&line);
}

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
	clear_progress(gc);
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
	clear_progress(gc);
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

	for (size_t i = 0; i < left; i++)
		gc->total += item[i].why != LEFTOVER_NO;
	gc->began_at = gc->told_at = clock_ms();
	for (; left > 0; left--, item++) {
		if (item->why == LEFTOVER_NO)
			continue;
		gc->found++;
		if (gc->cfg->yes)
			take_away(gc, item);
		else
			put(gc, item, false);
		if (gc->cfg->yes && gc->found < gc->total)
			tell_progress(gc);
	}
	clear_progress(gc);
}

/* One on which a line may begin anew. */
static bool
on_terminal(const struct config *cfg)
{
	const char *term = env_get(cfg->env, "TERM");

	return isatty(STDERR_FILENO) == 1 && term != NULL &&
	       strcmp(term, "dumb") != 0;
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
	struct gc *gc = argument;

	gc->err = &err;
	if (collect(gc, &err) != 0 || err.code != ERR_OK)
		log_err(LOG_ERROR, "failed", &err);
	buf_free(&gc->list);
	client_free(gc->ssm.client);
	return (int)(err.code != ERR_OK ? err.code : gc->failed.code);
}

int
cmd_gc(struct config *cfg, struct err *err)
{
	struct gc gc = { .cfg = cfg, .terminal = on_terminal(cfg) };

	if (config_check(cfg, err) != 0)
		return (int)err->code;
	if (cfg->yes && cfg->dry_run) {
		err_set(err, ERR_KIND_USAGE,
		    "--yes and --dry-run exclude each other");
		return (int)err->code;
	}
	return caller_run(be_caller, &gc, err);
}
