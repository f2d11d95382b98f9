/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_OPTIONS_H
#define SETTINGS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "base/log.h"

/*
 * The settings: the struct that they are read into, and what a row of the
 * table (options.c) says.  A new one is a member here and a row there.
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
	CONFIG_NODES = 1 << 8,
	CONFIG_CONNECT = 1 << 9,
	CONFIG_COMPLETION = 1 << 15,
	CONFIG_DESK = CONFIG_API | CONFIG_GC | CONFIG_NODES | CONFIG_CONNECT,
	CONFIG_BRING_UP = CONFIG_RUN | CONFIG_UP,
	CONFIG_NODE = CONFIG_BRING_UP | CONFIG_DOWN | CONFIG_STATUS,
	CONFIG_AWS = CONFIG_NODE | CONFIG_DESK,
	CONFIG_ALL =
	    CONFIG_AWS | CONFIG_VERSION | CONFIG_HELP | CONFIG_COMPLETION,
};

enum config_gate {
	CONFIG_GATE_UNSET,
	CONFIG_GATE_OFF,
	CONFIG_GATE_ON,
	CONFIG_GATE_DEMAND, /* on, but a node only when it is asked for */
};
/* Of a setting whose default depends on others. */
enum config_wish { CONFIG_WISH_NONE, CONFIG_WISH_OFF, CONFIG_WISH_ON };
enum config_registrar { CONFIG_SELF, CONFIG_AGENT };
enum config_agent_env { CONFIG_INHERIT, CONFIG_MINIMAL };

/* A socket in the state directory must have a short path (unix(7)). */
enum { CONFIG_DIR_MAX = 90, CONFIG_WORDS_MAX = 2, CONFIG_SIGNALS_MAX = 64 };

struct option;

/* Every text is borrowed from argv or the environment. */
struct config {
	struct env env;
	enum config_gate gate;
	const char *odd_gate; /* SSM_ACTIVATE is this, neither on nor off */
	const char *demand;   /* CONFIG_GATE_DEMAND: ssm:PARAMETER, or NULL */
	int64_t demand_every_ms;

	const char *name, *role, *tags;
	bool fis;
	const char *id, *id_file, *code, *code_file;
	int64_t expires_ms, timeout_ms, give_up_ms, down_timeout_ms;
	int64_t ttl_ms, ttl_grace_ms, watch_ms; /* ttl, watch: 0 = none */
	bool required, create_user, keep_identity;
	int sudo; /* enum config_wish */
	const char *session_user, *agent, *shell;
	int registrar;         /* enum config_registrar */
	int agent_env;         /* enum config_agent_env */
	uint64_t stop_signals; /* see signals_bit() */
	const char *on_up;
	const char *state_dir;
	int log_level, log_format;

	const char *profile, *region, *endpoint_url;

	/* Of single commands. */
	const char *user;             /* run */
	bool no_linger;               /* run */
	bool background;              /* up */
	bool json;                    /* status, api, gc, nodes */
	bool strict;                  /* status */
	bool yes, dry_run;            /* gc */
	const char *task;             /* gc, nodes */
	const char *family, *cluster; /* nodes */
	const char *port;             /* connect, as newest and print */
	bool newest, print;
	int64_t older_than_ms;   /* gc */
	const char *body;        /* api */
	int64_t read_timeout_ms; /* api */
	bool licenses;           /* version */
	bool help;
	const char *words[CONFIG_WORDS_MAX]; /* operands */
	char *const *argv; /* run, connect: the command, or NULL */

	/* The first option whose variable is malformed, which config_check()
	 * tells, or NULL. */
	const struct option *malformed;
};

/* The table of all settings: what they are called, what they take, where they
 * go in struct config.  Read by settings/config.c and app/help.c. */
enum options_kind {
	OPTIONS_GATE,   /* on, off or demand, but never an error */
	OPTIONS_BOOL,   /* on, off */
	OPTIONS_WISH,   /* on, off, or neither: enum config_wish */
	OPTIONS_SWITCH, /* a flag without a value */
	OPTIONS_TEXT,
	OPTIONS_DIR,     /* an absolute path, CONFIG_DIR_MAX bytes */
	OPTIONS_SPAN,    /* a length of time */
	OPTIONS_CHOICE,  /* one of a list of words, separated by '|' */
	OPTIONS_SIGNALS, /* a list of names */
};

/* In the order of help and documents. */
enum options_group {
	OPTIONS_NODE,
	OPTIONS_REGISTRATION,
	OPTIONS_SESSIONS,
	OPTIONS_FAILURE,
	OPTIONS_END,
	OPTIONS_PROGRAM,
	OPTIONS_COMMAND,
	OPTIONS_AWS,
	OPTIONS_GROUPS,
};

struct option {
	const char *flag;     /* without "--"; NULL = variable only */
	const char *variable; /* NULL = flag only */
	const char *alias;    /* a second name of the variable */
	const char *fallback; /* the default, as it would be written */
	const char *value;    /* for the help; the choices */
	const char *help;
	uint32_t max_s;    /* of a length of time, seconds */
	uint32_t commands; /* enum config_command, or-ed */
	size_t offset;     /* in struct config */
	enum options_kind kind;
	enum options_group group;
};

extern const struct option options_table[];
extern const size_t options_count;

/* The headings of the groups. */
extern const char *const options_groups[OPTIONS_GROUPS];

#endif
