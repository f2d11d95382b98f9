#ifndef SETTINGS_CONFIG_H
#define SETTINGS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/err.h"
#include "base/log.h"

/*
 * All settings, from one table that parses flags and variables and writes the
 * help: flag over variable over default.  Pure and without allocation, since
 * with the gate off `run` may do nothing before it becomes the command.
 */

/* Which commands know an option; or-ed together. */
enum config_command {
	CONFIG_RUN = 1 << 0,
	CONFIG_UP = 1 << 1,
	CONFIG_DOWN = 1 << 2,
	CONFIG_STATUS = 1 << 3,
	CONFIG_API = 1 << 4,
	CONFIG_VERSION = 1 << 5,
	CONFIG_HELP = 1 << 6,
	CONFIG_GC = 1 << 7,
	CONFIG_BRING_UP = CONFIG_RUN | CONFIG_UP,
	CONFIG_NODE = CONFIG_BRING_UP | CONFIG_DOWN | CONFIG_STATUS,
	CONFIG_AWS = CONFIG_NODE | CONFIG_API | CONFIG_GC,
	CONFIG_ALL = CONFIG_AWS | CONFIG_VERSION | CONFIG_HELP,
};

enum config_gate { CONFIG_GATE_UNSET, CONFIG_GATE_OFF, CONFIG_GATE_ON };
/* Of a setting whose default depends on others. */
enum config_wish { CONFIG_WISH_NONE, CONFIG_WISH_OFF, CONFIG_WISH_ON };
enum config_registrar { CONFIG_SELF, CONFIG_AGENT };
enum config_agent_env { CONFIG_INHERIT, CONFIG_MINIMAL };

/* A socket in the state directory must have a short path (unix(7)). */
enum { CONFIG_DIR_MAX = 90, CONFIG_WORDS_MAX = 2, CONFIG_SIGNALS_MAX = 64 };

/* Every text is borrowed from argv or the environment. */
struct config {
	struct env env;
	enum config_gate gate;
	const char *odd_gate; /* SSM_ACTIVATE is this, neither on nor off */

	const char *name, *role, *tags;
	bool fis;
	const char *id, *code, *code_file;
	int64_t expires_ms, timeout_ms, give_up_ms, down_timeout_ms;
	int64_t ttl_ms, ttl_grace_ms, watch_ms; /* ttl, watch: 0 = none */
	bool required, create_user;
	int sudo; /* enum config_wish */
	const char *session_user, *agent;
	int registrar;         /* enum config_registrar */
	int agent_env;         /* enum config_agent_env */
	uint64_t stop_signals; /* see signals_bit() */
	const char *state_dir;
	int log_level, log_format;

	const char *profile, *region, *endpoint_url;

	/* Of single commands. */
	const char *user;        /* run */
	bool no_linger;          /* run */
	bool background;         /* up */
	bool json;               /* status, api, gc */
	bool strict;             /* status */
	bool yes;                /* gc */
	int64_t older_than_ms;   /* gc */
	const char *body;        /* api */
	int64_t read_timeout_ms; /* api */
	bool licenses;           /* version */
	bool help;
	const char *words[CONFIG_WORDS_MAX]; /* operands */
	char *const *argv;                   /* run: the command, or NULL */

	/* A variable is malformed: reported by the command, since access must
	 * fail open where a flag would be a usage error. */
	struct err malformed;
};

/*
 * argv: what follows the command's name.  Fails on a wrong flag or operand
 * only (ERR_KIND_USAGE).
 */
int config_load(struct config *out, enum config_command command,
    char *const *argv, struct env env, struct err *err);

#endif
