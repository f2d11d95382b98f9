/* SPDX-License-Identifier: MIT */
#include "app/preflight.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/capture.h"
#include "base/clock.h"
#include "base/env.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "settings/config.h"
#include "work/naming.h"
#include "work/which.h"
#include "work/wish.h"
#include "work/work.h"

enum {
	FIND_MS = 2000, /* for a folder that may not answer */
	DEMAND_TTL_MS = 3600000,
};

/* A code that stays in the environment is inherited and can be read in /proc.
 */
static int
take_code(struct preflight *out, struct config *cfg, struct err *err)
{
	struct slice code = slice_of(cfg->code);
	bool fits = slice_copy(code, out->code, sizeof out->code);

	env_erase(environ, "SSM_ACTIVATE_CODE");
	cfg->code = NULL;
	return fits ? 0
	            : err_set(err, ERR_KIND_INVALID_VALUE,
	                  "SSM_ACTIVATE_CODE has more than %d characters",
	                  SSM_CODE_SIZE - 1);
}

static int
check_role(struct preflight *out, const struct config *cfg, struct err *err)
{
	return naming_role(out->role, cfg->role, err) == 0
	           ? 0
	           : config_blame(cfg, "SSM_ACTIVATE_ROLE", err);
}

static int
check_activation(const struct preflight *pre, const struct config *cfg,
    struct err *err)
{
	bool code = pre->code[0] != '\0' || cfg->code_file != NULL;

	if (!config_given(cfg) && code) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "SSM_ACTIVATE_CODE needs SSM_ACTIVATE_ID or "
		    "SSM_ACTIVATE_ID_FILE, which are unset");
	}
	if (cfg->id == NULL)
		return 0;
	if (cfg->id_file != NULL) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "SSM_ACTIVATE_ID and SSM_ACTIVATE_ID_FILE exclude each "
		    "other");
	}
	if (!code) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "SSM_ACTIVATE_ID needs SSM_ACTIVATE_CODE_FILE or "
		    "SSM_ACTIVATE_CODE, which are unset");
	}
	if (id_is_uuid(cfg->id))
		return 0;
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "%.64s is not a UUID in lower case", cfg->id);
	return config_blame(cfg, "SSM_ACTIVATE_ID", err);
}

/* A function of its own: the space for tags is on the stack only where there
 * are some. */
static int __attribute__((noinline))
check_tags(const struct config *cfg, struct err *err)
{
	struct naming_tags tags = { 0 };

	return naming_parse_tags(&tags, cfg->tags, err) == 0
	           ? 0
	           : config_blame(cfg, "SSM_ACTIVATE_TAGS", err);
}

/* The values of the words come later; a wrong template shows now. */
static int
check_names(const struct config *cfg, struct err *err)
{
	struct naming_words words = { "", "", "", "", "" };
	char name[NAMING_NAME_SIZE];

	if (naming_name(name, cfg->name, &words, err) != 0)
		return config_blame(cfg, "SSM_INSTANCE_NAME", err);
	return cfg->tags == NULL ? 0 : check_tags(cfg, err);
}

static int
check_demand(struct config *cfg, struct err *err)
{
	struct naming_words words = { "", "", "", "", "" };
	char name[NAMING_NAME_SIZE];

	if (cfg->gate != CONFIG_GATE_DEMAND)
		return 0;
	/* Access that nobody ends any more is no access on demand. */
	if (cfg->ttl_ms == 0)
		cfg->ttl_ms = DEMAND_TTL_MS;
	if (cfg->keep_identity) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "SSM_ACTIVATE_KEEP_IDENTITY keeps a node, which "
		    "SSM_ACTIVATE=demand does not");
	}
	if (cfg->demand == NULL)
		return 0;
	if (slice_starts(slice_of(cfg->demand), WISH_STORE)) {
		if (naming_name(name, cfg->demand + sizeof WISH_STORE - 1,
		        &words, err) == 0)
			return 0;
	} else {
		err_set(err, ERR_KIND_INVALID_VALUE,
		    "%.64s: it must be " WISH_STORE "NAME", cfg->demand);
	}
	return config_blame(cfg, "SSM_ACTIVATE_DEMAND", err);
}

static int
check_session_user(const struct config *cfg, struct err *err)
{
	struct slice uid, gid;
	uint64_t n = 0;

	if (cfg->session_user == NULL)
		return 0;
	if (slice_split(slice_of(cfg->session_user), ':', &uid, &gid) &&
	    slice_u64(uid, UINT32_MAX - 1, &n) && n > 0 &&
	    slice_u64(gid, UINT32_MAX - 1, &n) && n > 0)
		return 0;
	err_set(err, ERR_KIND_INVALID_VALUE,
	    "%.64s is not UID:GID, numbers above 0", cfg->session_user);
	return config_blame(cfg, "SSM_ACTIVATE_SESSION_USER", err);
}

/* What the process that looks for the agent tells. */
struct found {
	int rc;
	struct err err;
};

static int
tell_agent(void *argument)
{
	const struct config *cfg = argument;
	char agent[WORK_AGENT_SIZE];
	struct err skipped = { 0 };
	struct found found = { 0 };

	found.rc = which_agent(agent, cfg, &skipped, &found.err);
	return file_write_fd(STDOUT_FILENO, &found, sizeof found, NULL);
}

/* Is there an agent?  In a process of its own: a volume that does not answer
 * must not hold up CMD for longer, which is started after this. */
static int
check_agent(struct config *cfg, struct err *err)
{
	struct buf told = { .max = sizeof(struct found) };
	struct found found = { .rc = -1 };
	struct capture capture = {
		.work = tell_agent,
		.argument = cfg,
		.deadline = clock_in(FIND_MS),
		.streams = { { capture_all, &told } },
	};
	enum capture_end how = capture_run(&capture, err);

	if (told.len == sizeof found) {
		memcpy(&found, told.data, sizeof found);
		*err = found.err;
	} else if (how != CAPTURE_FAILED) {
		err_set(err, ERR_KIND_SYSTEM,
		    "no answer from where " PATHS_AGENT " is looked for");
	}
	buf_free(&told);
	return found.rc;
}

int
preflight_check(struct preflight *out, struct config *cfg, struct err *err)
{
	int malformed = config_check(cfg, err);
	int code = take_code(out, cfg, err);

	if (malformed != 0 || code != 0 || check_role(out, cfg, err) != 0 ||
	    check_activation(out, cfg, err) != 0 ||
	    check_names(cfg, err) != 0 || check_demand(cfg, err) != 0 ||
	    check_session_user(cfg, err) != 0 || which_check(cfg, err) != 0)
		return -1;
	/* Else the keeper's first worker looks for it, beside CMD. */
	return cfg->required ? check_agent(cfg, err) : 0;
}

void
preflight_wipe(struct preflight *preflight)
{
	explicit_bzero(preflight, sizeof *preflight);
}
