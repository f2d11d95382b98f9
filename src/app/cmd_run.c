/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <unistd.h>

#include "agent/user.h"
#include "app/cmd.h"
#include "app/preflight.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "keep/command.h"
#include "keep/keeper.h"
#include "settings/config.h"

/* Without a command it is a sidecar, whose only purpose is the node: an unset
 * gate counts as on. */
static bool
is_off(const struct config *cfg)
{
	if (cfg->argv == NULL && cfg->gate == CONFIG_GATE_UNSET)
		return false;
	return cfg->gate < CONFIG_GATE_ON;
}

static int
run_off(const struct config *cfg, const struct user_ids *user, struct err *err)
{
	config_warn_gate(cfg);
	/* CMD does not get it in either case. */
	env_erase(environ, "SSM_ACTIVATE_CODE");
	return cfg->argv == NULL ? 0 : command_become(cfg, user, err);
}

/* A function of its own: with the gate off its space is not on the stack. */
static int __attribute__((noinline))
run_on(struct config *cfg, const struct user_ids *user, struct err *err)
{
	struct preflight pre = { 0 };
	struct err refused = { 0 };
	struct keeper_options options = {
		.cfg = cfg,
		.role = pre.role,
		.user = user,
		.command = cfg->argv != NULL,
		.report_fd = -1,
	};
	int status = 0;

	/* The script of AWS Fault Injection Service fails when there is no
	 * node. */
	if (cfg->argv == NULL && cfg->fis)
		cfg->required = true;
	file_close_cover();
	config_warn_unknown(cfg);
	if (preflight_check(&pre, cfg, &refused) != 0) {
		options.refused = &refused;
		if (cfg->required) {
			*err = refused;
			return (int)err->code;
		}
	}
	options.code = pre.code[0] != '\0' ? pre.code : NULL;
	status = keeper_run(&options, err);
	preflight_wipe(&pre);
	return status;
}

int
cmd_run(struct config *cfg, struct err *err)
{
	struct user_ids ids = { 0 };
	const struct user_ids *user = cfg->user != NULL ? &ids : NULL;

	if (user != NULL && user_find(&ids, cfg->user, err) != 0)
		return (int)err->code;
	return is_off(cfg) ? run_off(cfg, user, err) : run_on(cfg, user, err);
}
