/* SPDX-License-Identifier: MIT */
#include "work/which.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/spec.h"
#include "base/err.h"
#include "base/slice.h"
#include "settings/config.h"

#define AUTO "auto"

static bool
is_auto(const struct config *cfg)
{
	return cfg->agent == NULL || strcmp(cfg->agent, AUTO) == 0;
}

static bool
is_builtin(const struct config *cfg)
{
	return cfg->agent != NULL && strcmp(cfg->agent, WORK_BUILTIN) == 0;
}

/* The setting that our own agent cannot do, or NULL. */
static const char *
wish(const struct config *cfg)
{
	if (cfg->registrar == CONFIG_AGENT)
		return "SSM_ACTIVATE_REGISTRAR=agent";
	return cfg->fis ? "SSM_ACTIVATE_FIS" : NULL;
}

/* What amazon-ssm-agent cannot do without; instead: what to unset for our own
 * to run. */
static int
check_privileges(const char *instead, struct err *err)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() != 0) {
		err_set(err, ERR_KIND_SYSTEM,
		    "amazon-ssm-agent needs uid 0, this is uid %u",
		    (unsigned)geteuid());
		err_fix(err,
		    "start the container as root and the application by "
		    "`run --user`, or unset %.*s",
		    (int)strcspn(instead, "="), instead);
		return -1;
	}
	/* Where capget(2) is denied, the call that needs the capability reports
	 * it. */
	if (syscall(SYS_capget, &header, caps) != 0 ||
	    (caps[0].effective & (UINT32_C(1) << CAP_DAC_OVERRIDE)) != 0)
		return 0;
	err_set(err, ERR_KIND_SYSTEM,
	    "amazon-ssm-agent needs the capability DAC_OVERRIDE");
	err_fix(err,
	    "add it, and SETUID and SETGID for sessions, or unset %.*s",
	    (int)strcspn(instead, "="), instead);
	return -1;
}

int
which_check(const struct config *cfg, struct err *err)
{
	const char *only = wish(cfg);

	if (!is_builtin(cfg) && !is_auto(cfg))
		return check_privileges("SSM_ACTIVATE_AGENT", err);
	if (only == NULL)
		return 0;
	if (is_auto(cfg))
		return check_privileges(only, err) == 0 ? 0
		                                        : err_wrap(err, only);
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "%s needs amazon-ssm-agent, which is not what runs", only);
	err_fix(err,
	    "add amazon-ssm-agent to the image and unset SSM_ACTIVATE_AGENT, "
	    "or unset %.*s",
	    (int)strcspn(only, "="), only);
	return -1;
}

int
which_agent(char out[static WORK_AGENT_SIZE], const struct config *cfg,
    struct err *skipped, struct err *err)
{
	const char *path = is_auto(cfg) ? NULL : cfg->agent;
	int found = 1;

	if (which_check(cfg, err) != 0)
		return -1;
	if (!is_builtin(cfg) &&
	    (path != NULL || check_privileges("", NULL) == 0)) {
		found = spec_find(out, WORK_AGENT_SIZE, path, cfg->env, skipped,
		    err);
		if (found == 0 || path != NULL)
			return found;
		if (wish(cfg) != NULL)
			return err_wrap(err, wish(cfg));
	}
	if (found < 0)
		*skipped = *err;
	err_clear(err);
	memcpy(out, WORK_BUILTIN, sizeof WORK_BUILTIN);
	return 0;
}

bool
which_builtin(const struct config *cfg)
{
	char agent[WORK_AGENT_SIZE];
	struct err skipped = { 0 }, err = { 0 };

	/* Where a path leads need not be looked at. */
	if (!is_auto(cfg) && !is_builtin(cfg))
		return false;
	return which_agent(agent, cfg, &skipped, &err) == 0 &&
	       strcmp(agent, WORK_BUILTIN) == 0;
}
