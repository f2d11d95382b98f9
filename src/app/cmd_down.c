/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>

#include "app/cmd.h"
#include "base/err.h"
#include "keep/keeper.h"
#include "settings/config.h"
#include "ssm/state.h"
#include "work/control.h"
#include "work/work.h"

/* Nobody keeps the node: do what its keeper could not. */
static int
remove_leftover(const struct config *cfg, struct err *err)
{
	struct keeper_options options = {
		.cfg = cfg,
		.report_fd = -1,
	};
	struct state state = { 0 };
	char path[WORK_PATH_MAX];
	int loaded = 0;

	work_path(path, cfg, "state.json");
	loaded = state_load(&state, path, err);
	if (loaded != 0)
		return loaded == 1 ? 0 : -1;
	options.role = state.role;
	options.leftover = &state;
	return keeper_run(&options, err);
}

int
cmd_down(struct config *cfg, struct err *err)
{
	struct control_status status = { 0 };
	int rc = 0;

	if (config_check(cfg, err) != 0)
		return (int)err->code;
	rc = control_down(cfg, &status, err);
	if (rc == 1)
		rc = remove_leftover(cfg, err);
	else if (rc == 0 && status.node[0] != '\0') {
		rc = err_set(err, ERR_KIND_CONNECTION,
		    "the node %s could not be removed; the keeper's log says "
		    "why",
		    status.node);
	}
	return rc >= 0 ? rc : (int)err->code;
}
