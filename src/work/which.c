/* SPDX-License-Identifier: MIT */
#include "work/which.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/spec.h"
#include "base/err.h"
#include "base/log.h"
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

/* What amazon-ssm-agent cannot do without. */
static int
check_privileges(struct err *err)
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
		    "`run --user`, or use SSM_ACTIVATE_AGENT=" WORK_BUILTIN);
		return -1;
	}
	/* Where capget(2) is denied, the call that needs the capability reports
	 * it. */
	if (syscall(SYS_capget, &header, caps) != 0 ||
	    (caps[0].effective & (UINT32_C(1) << CAP_DAC_OVERRIDE)) != 0)
		return 0;
	err_set(err, ERR_KIND_SYSTEM,
	    "amazon-ssm-agent needs the capability DAC_OVERRIDE");
	err_fix(err, "add it, and SETUID and SETGID for sessions, or use "
	             "SSM_ACTIVATE_AGENT=" WORK_BUILTIN);
	return -1;
}

/* What our own agent does not do. */
static int
check_wishes(const struct config *cfg, struct err *err)
{
	const char *wish = NULL;

	if (cfg->registrar == CONFIG_AGENT)
		wish = "SSM_ACTIVATE_REGISTRAR=agent";
	else if (cfg->fis)
		wish = "SSM_ACTIVATE_FIS";
	if (wish == NULL)
		return 0;
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "%s needs amazon-ssm-agent, which is not what runs", wish);
	err_fix(err,
	    "add amazon-ssm-agent to the image and leave SSM_ACTIVATE_AGENT "
	    "unset, or unset %.*s",
	    (int)strcspn(wish, "="), wish);
	return -1;
}

int
which_check(const struct config *cfg, struct err *err)
{
	if (is_builtin(cfg))
		return check_wishes(cfg, err);
	if (!is_auto(cfg))
		return check_privileges(err);
	/* Then no other agent is looked for. */
	return check_privileges(NULL) == 0 ? 0 : check_wishes(cfg, err);
}

/* Why amazon-ssm-agent does not run, told where somebody wanted it to. */
static int
fall_back(const struct config *cfg, int found, struct err *why)
{
	struct err ignored = { 0 };

	/* The reason why there is none is the better one. */
	if (check_wishes(cfg, &ignored) != 0)
		return -1;
	if (found < 0 && log_once("agent_unfit"))
		log_event(LOG_WARN, "agent_unfit",
		    "%s; the agent of ssm-activate runs in its place",
		    why->msg);
	err_clear(why);
	return 0;
}

int
which_agent(char out[static WORK_AGENT_SIZE], const struct config *cfg,
    struct err *err)
{
	struct err why = { 0 };
	int found = 0;

	if (is_builtin(cfg) || (is_auto(cfg) && check_privileges(NULL) != 0)) {
		memcpy(out, WORK_BUILTIN, sizeof WORK_BUILTIN);
		return check_wishes(cfg, err);
	}
	found = spec_find(out, WORK_AGENT_SIZE,
	    is_auto(cfg) ? NULL : cfg->agent, cfg->env, &why);
	if (found == 0)
		return 0;
	if (is_auto(cfg) && fall_back(cfg, found, &why) == 0) {
		memcpy(out, WORK_BUILTIN, sizeof WORK_BUILTIN);
		return 0;
	}
	if (err != NULL && err->code == ERR_OK)
		*err = why;
	return -1;
}

bool
which_builtin(const struct config *cfg)
{
	return is_builtin(cfg);
}
