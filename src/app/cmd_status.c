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
	const char *phase = cfg->gate == CONFIG_GATE_ON ? "down" : "off";

	*status = (struct control_status){ .last = *failure };
	if (failure->code != ERR_OK)
		phase = CONTROL_UNKNOWN;
	memcpy(status->phase, phase, strlen(phase) + 1);
	if (failure->code != ERR_OK)
		return 0;
	return failure_load(cfg, &status->last, err) < 0 ? -1 : 0;
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
