/* SPDX-License-Identifier: MIT */
#include "settings/options.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* The offset of the member; the compiler refuses a member of another type than
 * the kind writes. */
#define MEMBER(type, name)                                                  \
	(0 * sizeof(true ? &((struct config *)NULL)->name : (type *)NULL) + \
	    offsetof(struct config, name))

#define ROW(kind_, type, group_, commands_, flag_, variable_, member,        \
    default_, value_, ...)                                                   \
	{                                                                    \
		.kind = (kind_), .group = (group_), .commands = (commands_), \
		.flag = (flag_), .variable = (variable_),                    \
		.offset = MEMBER(type, member), .fallback = (default_),      \
		.value = (value_), .help = __VA_ARGS__                       \
	}

/*
 * One row a setting: group, commands, flag, variable, member, then
 *	BOOL                         default, help
 *	TEXT DIR CHOICE SIGNALS      default, what it takes, help
 *	SPAN                         default, longest in seconds, help
 *	GATE                         what it takes, help
 *	WISH                         help
 *	SWITCH                       help
 * An alias of the variable stands behind the help.
 */
#define TEXT(group, commands, flag, variable, member, ...)               \
	ROW(OPTIONS_TEXT, const char *, group, commands, flag, variable, \
	    member, __VA_ARGS__)
#define DIR(group, commands, flag, variable, member, ...)               \
	ROW(OPTIONS_DIR, const char *, group, commands, flag, variable, \
	    member, __VA_ARGS__)
#define CHOICE(group, commands, flag, variable, member, ...)              \
	ROW(OPTIONS_CHOICE, int, group, commands, flag, variable, member, \
	    __VA_ARGS__)
#define SIGNALS(group, commands, flag, variable, member, ...)           \
	ROW(OPTIONS_SIGNALS, uint64_t, group, commands, flag, variable, \
	    member, __VA_ARGS__)
#define BOOL(group, commands, flag, variable, member, fallback_, ...)    \
	ROW(OPTIONS_BOOL, bool, group, commands, flag, variable, member, \
	    fallback_, NULL, __VA_ARGS__)
#define WISH(group, commands, flag, variable, member, ...)                    \
	ROW(OPTIONS_WISH, int, group, commands, flag, variable, member, NULL, \
	    NULL, __VA_ARGS__)
#define SPAN(group, commands, flag, variable, member, fallback_, max_, ...) \
	ROW(OPTIONS_SPAN, int64_t, group, commands, flag, variable, member, \
	    fallback_, "TIME", __VA_ARGS__, .max_s = (max_))
#define GATE(group, commands, flag, variable, member, ...)                   \
	ROW(OPTIONS_GATE, enum config_gate, group, commands, flag, variable, \
	    member, NULL, __VA_ARGS__)
#define SWITCH(group, commands, flag, variable, member, ...)               \
	ROW(OPTIONS_SWITCH, bool, group, commands, flag, variable, member, \
	    NULL, NULL, __VA_ARGS__)

const struct option options_table[] = {
	GATE(OPTIONS_NODE, CONFIG_BRING_UP | CONFIG_STATUS, "activate",
	    "SSM_ACTIVATE", gate, "on|off|demand",
	    "turn everything on; off: run becomes CMD, up does nothing; "
	    "demand: a node only when it is asked for"),
	TEXT(OPTIONS_NODE, CONFIG_BRING_UP, "demand", "SSM_ACTIVATE_DEMAND",
	    demand, NULL, "ssm:NAME",
	    "parameter of Parameter Store that asks for it; words as in "
	    "--name"),
	SPAN(OPTIONS_NODE, CONFIG_BRING_UP, "demand-every",
	    "SSM_ACTIVATE_DEMAND_EVERY", demand_every_ms, "60s", HOUR,
	    "how often to read it"),
	TEXT(OPTIONS_NODE, CONFIG_BRING_UP, "name", "SSM_INSTANCE_NAME", name,
	    NULL, "TEXT",
	    "name of the node; words {task} {cluster} {family} {container} "
	    "{hostname}"),
	TEXT(OPTIONS_NODE, CONFIG_BRING_UP, "role", "SSM_ACTIVATE_ROLE", role,
	    "service-role/AmazonEC2RunCommandRoleForManagedInstances", "ROLE",
	    "IAM role of the node: name, path/name or ARN",
	    .alias = "MANAGED_INSTANCE_ROLE_NAME"),
	TEXT(OPTIONS_NODE, CONFIG_BRING_UP, "tags", "SSM_ACTIVATE_TAGS", tags,
	    NULL, "K=V,...", "tags of the node"),
	BOOL(OPTIONS_NODE, CONFIG_BRING_UP, "fis", "SSM_ACTIVATE_FIS", fis,
	    "off",
	    "add the tag that AWS Fault Injection Service looks for; tags "
	    "are then required"),

	TEXT(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "id", "SSM_ACTIVATE_ID", id,
	    NULL, "UUID",
	    "use this activation instead of making one; needs a code"),
	TEXT(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "id-file",
	    "SSM_ACTIVATE_ID_FILE", id_file, NULL, "FILE",
	    "file that holds the id, or id, code and region as JSON"),
	TEXT(OPTIONS_REGISTRATION, CONFIG_BRING_UP, NULL, "SSM_ACTIVATE_CODE",
	    code, NULL, "CODE",
	    "its code; better: a file, which no process inherits"),
	TEXT(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "code-file",
	    "SSM_ACTIVATE_CODE_FILE", code_file, NULL, "FILE",
	    "file that holds the code"),
	SPAN(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "expires",
	    "SSM_ACTIVATE_EXPIRES", expires_ms, "1h", 30 * DAY,
	    "life of the activation that we make"),
	CHOICE(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "registrar",
	    "SSM_ACTIVATE_REGISTRAR", registrar, "self", "self|agent",
	    "who registers; agent: amazon-ssm-agent -register, which shows "
	    "the code in its arguments"),
	BOOL(OPTIONS_REGISTRATION, CONFIG_BRING_UP, "keep-identity",
	    "SSM_ACTIVATE_KEEP_IDENTITY", keep_identity, "off",
	    "use the registration of an earlier container again, and leave "
	    "it for the next one"),

	WISH(OPTIONS_SESSIONS, CONFIG_BRING_UP, "sudo", "SSM_ACTIVATE_SUDO",
	    sudo,
	    "let ssm-user use sudo; default: on if nobody shares its uid, "
	    "off with SSM_ACTIVATE_SESSION_USER"),
	BOOL(OPTIONS_SESSIONS, CONFIG_BRING_UP, "create-user",
	    "SSM_ACTIVATE_CREATE_USER", create_user, "on",
	    "make ssm-user where it is missing"),
	TEXT(OPTIONS_SESSIONS, CONFIG_BRING_UP, "session-user",
	    "SSM_ACTIVATE_SESSION_USER", session_user, NULL, "UID:GID",
	    "make ssm-user a second name of these ids"),
	TEXT(OPTIONS_SESSIONS, CONFIG_BRING_UP | CONFIG_VERSION, "agent",
	    "SSM_ACTIVATE_AGENT", agent, "auto", "auto|builtin|PATH",
	    "the agent; auto: amazon-ssm-agent where it is installed, else "
	    "our own (builtin)"),
	CHOICE(OPTIONS_SESSIONS, CONFIG_BRING_UP, "agent-env",
	    "SSM_ACTIVATE_AGENT_ENV", agent_env, "inherit", "inherit|minimal",
	    "environment of the agent, and so of sessions"),
	DIR(OPTIONS_SESSIONS, CONFIG_BRING_UP, "shell", "SSM_ACTIVATE_SHELL",
	    shell, "/bin/sh", "PATH",
	    "program of a session, if the agent is our own"),

	SPAN(OPTIONS_FAILURE, CONFIG_BRING_UP, "timeout",
	    "SSM_ACTIVATE_TIMEOUT", timeout_ms, "10s", DAY,
	    "longest time that up takes"),
	SPAN(OPTIONS_FAILURE, CONFIG_BRING_UP, "give-up",
	    "SSM_ACTIVATE_GIVE_UP", give_up_ms, "1h", 7 * DAY,
	    "how long to go on when AWS throttles or cannot be reached"),
	BOOL(OPTIONS_FAILURE, CONFIG_BRING_UP | CONFIG_STATUS, "required",
	    "SSM_ACTIVATE_REQUIRED", required, "off",
	    "a failure ends the command with its status"),

	SIGNALS(OPTIONS_END, CONFIG_RUN, "stop-signals",
	    "SSM_ACTIVATE_STOP_SIGNALS", stop_signals, "TERM,INT,QUIT",
	    "SIG,...", "signals that also start the clean-up"),
	SPAN(OPTIONS_END, CONFIG_BRING_UP | CONFIG_DOWN, "down-timeout",
	    "SSM_ACTIVATE_DOWN_TIMEOUT", down_timeout_ms, "8s", HOUR,
	    "longest time that the clean-up takes"),
	SPAN(OPTIONS_END, CONFIG_BRING_UP, "ttl", "SSM_ACTIVATE_TTL", ttl_ms,
	    NULL, 365 * DAY, "take the node down after this time"),
	SPAN(OPTIONS_END, CONFIG_BRING_UP, "ttl-grace",
	    "SSM_ACTIVATE_TTL_GRACE", ttl_grace_ms, "20m", 7 * DAY,
	    "what open sessions get on top of it"),
	SPAN(OPTIONS_END, CONFIG_BRING_UP, "watch", "SSM_ACTIVATE_WATCH",
	    watch_ms, "5s", HOUR,
	    "how often to ask ECS whether the task stops; 0: never"),

	DIR(OPTIONS_PROGRAM, CONFIG_NODE, "state-dir", "SSM_ACTIVATE_STATE_DIR",
	    state_dir, "/var/lib/ssm-activate", "DIR",
	    "where state, lock and control socket are"),
	CHOICE(OPTIONS_PROGRAM, CONFIG_AWS, "log", "SSM_ACTIVATE_LOG",
	    log_level, "info", "error|warn|info|debug", "what is logged"),
	CHOICE(OPTIONS_PROGRAM, CONFIG_AWS, "log-format",
	    "SSM_ACTIVATE_LOG_FORMAT", log_format, "text", "text|json", "how"),
	TEXT(OPTIONS_PROGRAM, CONFIG_RUN, "on-up", "SSM_ACTIVATE_ON_UP", on_up,
	    NULL, "CMD",
	    "run this beside the application each time a node is up"),

	TEXT(OPTIONS_COMMAND, CONFIG_RUN, "user", NULL, user, NULL, "U[:G]",
	    "run CMD as this user; the keeper stays root"),
	SWITCH(OPTIONS_COMMAND, CONFIG_RUN, "no-linger", NULL, no_linger,
	    "end with CMD, without waiting for the clean-up"),
	SWITCH(OPTIONS_COMMAND, CONFIG_UP, "background", NULL, background,
	    "return at once; the keeper goes on"),
	SWITCH(OPTIONS_COMMAND,
	    CONFIG_STATUS | CONFIG_API | CONFIG_GC | CONFIG_NODES, "json", NULL,
	    json,
	    "one JSON object; of api also for a failure; of gc and nodes one "
	    "a line"),
	SWITCH(OPTIONS_COMMAND, CONFIG_STATUS, "strict", NULL, strict,
	    "0 only when the node is up"),
	TEXT(OPTIONS_COMMAND, CONFIG_API, "body", NULL, body, "{}", "JSON|-",
	    "the parameters; -: standard input"),
	SPAN(OPTIONS_COMMAND, CONFIG_API, "read-timeout", NULL, read_timeout_ms,
	    NULL, HOUR, "of each wait for AWS"),
	SWITCH(OPTIONS_COMMAND, CONFIG_GC, "yes", NULL, yes,
	    "remove what is found"),
	SWITCH(OPTIONS_COMMAND, CONFIG_GC, "dry-run", NULL, dry_run,
	    "change nothing, as without --yes"),
	SPAN(OPTIONS_COMMAND, CONFIG_GC, "older-than", NULL, older_than_ms,
	    "24h", 365 * DAY, "how long a node of no known task may be silent"),
	TEXT(OPTIONS_COMMAND, CONFIG_GC | CONFIG_NODES, "task", NULL, task,
	    NULL, "ARN|ID", "only nodes of this ECS task"),
	TEXT(OPTIONS_COMMAND, CONFIG_NODES, "name", NULL, name, NULL, "GLOB",
	    "only nodes whose name fits the pattern"),
	TEXT(OPTIONS_COMMAND, CONFIG_NODES, "family", NULL, family, NULL,
	    "TEXT", "only tasks of this family"),
	TEXT(OPTIONS_COMMAND, CONFIG_NODES, "cluster", NULL, cluster, NULL,
	    "TEXT", "only tasks of this cluster"),
	TEXT(OPTIONS_COMMAND, CONFIG_CONNECT, "port", NULL, port, NULL,
	    "[LOCAL:][HOST:]PORT",
	    "forward a port of the node, or of a host that it reaches"),
	SWITCH(OPTIONS_COMMAND, CONFIG_CONNECT, "newest", NULL, newest,
	    "of several nodes take the one that was registered last"),
	SWITCH(OPTIONS_COMMAND, CONFIG_CONNECT, "print", NULL, print,
	    "print the command that would be run"),
	SWITCH(OPTIONS_COMMAND, CONFIG_VERSION, "licenses", NULL, licenses,
	    "licences of what is linked in"),
	SWITCH(OPTIONS_COMMAND, CONFIG_ALL, "help", NULL, help, "this text"),

	TEXT(OPTIONS_AWS, CONFIG_BRING_UP | CONFIG_DOWN | CONFIG_DESK,
	    "profile", NULL, profile, NULL, "NAME",
	    "AWS profile, over AWS_PROFILE"),
	TEXT(OPTIONS_AWS, CONFIG_BRING_UP | CONFIG_DESK, "region", NULL, region,
	    NULL, "REGION", "over AWS_REGION"),
	TEXT(OPTIONS_AWS, CONFIG_BRING_UP | CONFIG_DOWN | CONFIG_DESK,
	    "endpoint-url", NULL, endpoint_url, NULL, "URL",
	    "over AWS_ENDPOINT_URL"),
};

const size_t options_count = sizeof options_table / sizeof options_table[0];

const char *const options_groups[OPTIONS_GROUPS] = {
	[OPTIONS_NODE] = "the node",
	[OPTIONS_REGISTRATION] = "its registration",
	[OPTIONS_SESSIONS] = "agent and sessions",
	[OPTIONS_FAILURE] = "when it fails",
	[OPTIONS_END] = "the end",
	[OPTIONS_PROGRAM] = "this program",
	[OPTIONS_COMMAND] = "this command",
	[OPTIONS_AWS] = "AWS",
};
