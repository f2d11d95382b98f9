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
	return is_builtin(cfg) ? check_wishes(cfg, err) : check_privileges(err);
}

int
which_agent(char out[static WORK_AGENT_SIZE], const struct config *cfg,
    struct err *err)
{
	if (is_builtin(cfg)) {
		memcpy(out, WORK_BUILTIN, sizeof WORK_BUILTIN);
		return check_wishes(cfg, err);
	}
	return spec_find(out, WORK_AGENT_SIZE, is_auto(cfg) ? NULL : cfg->agent,
	           cfg->env, err) == 0
	           ? 0
	           : -1;
}

bool
which_builtin(const struct config *cfg)
{
	return is_builtin(cfg);
}
