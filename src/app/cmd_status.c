/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "app/cmd.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "settings/config.h"
#include "work/control.h"
#include "work/failure.h"

enum { ASK_MS = 3000 };

/* What is known when nobody answers; failure: why there was no asking. */
static int
no_keeper(struct control_status *status, const struct config *cfg,
    const struct err *failure, struct err *err)
{
	const char *phase = cfg->gate >= CONFIG_GATE_ON ? "down" : "off";

	*status = (struct control_status){ .last = *failure };
	if (failure->code != ERR_OK)
		phase = CONTROL_UNKNOWN;
	memcpy(status->phase, phase, strlen(phase) + 1);
	if (failure->code != ERR_OK)
		return 0;
	return failure_load(cfg, &status->last, err) < 0 ? -1 : 0;
}

/* For a person: what to do next, unless the last error says it. */
static void
add_next(struct buf *out, const struct control_status *status,
    const struct config *cfg)
{
	const char *what = "wait, or look at the container's log";

	if (status->last.fix[0] != '\0')
		return;
	if (status->up && status->online) {
		buf_printf(out,
		    "next     aws ssm start-session --region %s --target %s\n",
		    status->region, status->node);
		return;
	}
	if (status->waits)
		what = "ssm-activate up, or the parameter that asks for it";
	else if (status->up)
		what = "wait for node_online in the container's log";
	else if (strcmp(status->phase, "off") == 0)
		what = "set SSM_ACTIVATE=true for the container, start it anew";
	else if (strcmp(status->phase, CONTROL_UNKNOWN) == 0)
		what = "ask again as root";
	else if (strcmp(status->phase, "down") == 0) {
		/* A keeper that can write nowhere has no socket. */
		what = access(cfg->state_dir, F_OK) != 0
		           ? "look at the container's log: without a state "
		             "directory no keeper can be asked"
		           : "ssm-activate up, or start the container anew";
	}
	buf_printf(out, "next     %s\n", what);
}

int
cmd_status(struct config *cfg, struct err *err)
{
	struct control_status status = { 0 };
	struct err failure = { 0 };
	struct buf text = { 0 };
	int rc = control_ask(cfg, CONTROL_STATUS, clock_in(ASK_MS), &status,
	    &failure);

	if (rc != 0)
		rc = no_keeper(&status, cfg, &failure, err);
	if (rc == 0) {
		if (cfg->json)
			control_json(&text, &status);
		else
			control_text(&text, &status);
		if (!cfg->json && isatty(STDOUT_FILENO) == 1)
			add_next(&text, &status, cfg);
		rc = file_write_fd(STDOUT_FILENO, text.data, text.len, err);
		buf_free(&text);
	}
	if (rc != 0)
		return (int)err->code;
	if (status.up)
		return 0;
	if (cfg->strict || (cfg->required && cfg->gate == CONFIG_GATE_ON))
		return status.last.code != ERR_OK ? (int)status.last.code
		                                  : ERR_NETWORK;
	return 0;
}
