/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/help.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "settings/config.h"

static const struct {
	struct help_entry help;
	int (*run)(struct config *cfg, struct err *err);
} commands[] = {
	{
	    {
	        "run",
	        CONFIG_RUN,
	        "[OPTION...] [--] [CMD [ARG...]]",
	        "run CMD as its init, with the container as a managed node",
	        "CMD starts at once; the node comes up beside it and is taken down\n"
	        "when CMD ends or a stop signal comes. The status is CMD's.\n"
	        "Without CMD: in the foreground until the agent ends (a sidecar).\n"
	        "With SSM_ACTIVATE off nothing is done but CMD.\n",
	    },
	    cmd_run,
	},
	{
	    {
	        "up",
	        CONFIG_UP,
	        "[OPTION...]",
	        "make this container a managed node; prints its id",
	        "For an entrypoint that cannot use run. The keeper stays; `down` must\n"
	        "run before the container stops.\n",
	    },
	    cmd_up,
	},
	{
	    {
	        "down",
	        CONFIG_DOWN,
	        "[OPTION...]",
	        "remove the node and the activation, stop the agent",
	        NULL,
	    },
	    cmd_down,
	},
	{
	    {
	        "status",
	        CONFIG_STATUS,
	        "[OPTION...]",
	        "what the keeper does, and the last error",
	        "The status is 0 when the node is up, when SSM_ACTIVATE is off, and\n"
	        "for a failure that is not REQUIRED to be one; see --strict.\n",
	    },
	    cmd_status,
	},
	{
	    {
	        "gc",
	        CONFIG_GC,
	        "[OPTION...]",
	        "find nodes and activations of containers that are gone",
	        "A line each: kind, id, reason, last sign of life, task, name.\n"
	        "Nothing is changed without --yes.\n",
	    },
	    cmd_gc,
	},
	{
	    {
	        "nodes",
	        CONFIG_NODES,
	        "[OPTION...]",
	        "which nodes of the account are our containers",
	        "On a terminal in columns, else one JSON object a line.\n",
	    },
	    cmd_nodes,
	},
	{
	    {
	        "connect",
	        CONFIG_CONNECT,
	        "[OPTION...] NAME|NODE|TASK [-- CMD [ARG...]]",
	        "find a node and start a session on it with the AWS CLI",
	        "NAME: of the node, a pattern too, else of family or service; TASK: an\n"
	        "ARN or id. One word of CMD is a line for the shell, several are CMD\n"
	        "and its arguments. Needs `aws` and session-manager-plugin.\n",
	    },
	    cmd_connect,
	},
	{
	    {
	        "api",
	        CONFIG_API,
	        "[OPTION...] ssm|sts|ecs OPERATION",
	        "one signed call of AWS; the answer on stdout",
	        NULL,
	    },
	    cmd_api,
	},
	{
	    {
	        "version",
	        CONFIG_VERSION,
	        "[OPTION...]",
	        "versions of the program and of what is linked in",
	        NULL,
	    },
	    cmd_version,
	},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* The index in the table, or COMMANDS. */
static size_t
find(const char *name)
{
	size_t i = 0;

	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	while (i < COMMANDS && strcmp(commands[i].help.name, name) != 0)
		i++;
	return i;
}

static int
print(struct buf *text, int fd)
{
	int rc = file_write_fd(fd, buf_str(text), text->len, NULL);

	buf_free(text);
	return rc == 0 ? 0 : ERR_SYSTEM;
}

static int
print_usage(int fd)
{
	struct buf text = { 0 };

	buf_puts(&text,
	    "usage: ssm-activate COMMAND [OPTION...]\n\n"
	    "AWS Systems Manager access for this container.\n\ncommands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		help_line(&text, &commands[i].help);
	buf_puts(&text,
	    "  help     the options of a command: help COMMAND\n\n"
	    "exit status: 0 done, 64 usage, 69 network, 70 AWS, 71 system,\n"
	    "76 protocol, 77 credentials, 78 configuration; run: CMD's own,\n"
	    "126 not executable, 127 not found.\n");
	return print(&text, fd);
}

static int
print_help(const char *name, struct err *err)
{
	struct buf text = { 0 };
	size_t i = name != NULL ? find(name) : COMMANDS;

	if (name == NULL || strcmp(name, "help") == 0)
		return print_usage(STDOUT_FILENO);
	if (i == COMMANDS) {
		err_set(err, ERR_KIND_USAGE, "unknown command %.64s", name);
		return (int)err->code;
	}
	help_command(&text, &commands[i].help);
	return print(&text, STDOUT_FILENO);
}

static int
run_help(struct config *cfg, char **argv, struct err *err)
{
	struct env none = { 0 };

	if (config_load(cfg, CONFIG_HELP, argv, none, err) != 0)
		return (int)err->code;
	return print_help(cfg->words[0], err);
}

static int
run_command(char **argv, struct err *err)
{
	struct env env = { environ };
	struct config cfg = { 0 };
	size_t i = find(argv[0]);

	if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], "--help") == 0 ||
	    strcmp(argv[0], "-h") == 0)
		return run_help(&cfg, argv + 1, err);
	if (i == COMMANDS) {
		err_set(err, ERR_KIND_USAGE, "unknown command %.64s", argv[0]);
		return (int)err->code;
	}
	/* An application starts behind these two. */
	if (commands[i].run == cmd_run || commands[i].run == cmd_up)
		log_never_wait();
	if (config_load(&cfg, commands[i].help.command, argv + 1, env, err) !=
	    0)
		return (int)err->code;
	if (cfg.help)
		return print_help(commands[i].help.name, err);
	log_open((enum log_level)cfg.log_level,
	    (enum log_format)cfg.log_format);
	return commands[i].run(&cfg, err);
}

/*
 * Constants that hold addresses, tables of functions above all, are written by
 * the start code of a static program, which leaves it to the program to make
 * them read-only.  Where a policy of the container denies that, they stay as
 * they are.  The linker says where they are (build.d/start.ld).
 */
extern char relocated_start[], relocated_end[];

static void
seal(void)
{
	uintptr_t page = (uintptr_t)getpagesize();
	uintptr_t start = (uintptr_t)relocated_start & -page;
	uintptr_t end = ((uintptr_t)relocated_end + page - 1) & -page;

	syscall(SYS_mprotect, start, end - start, PROT_READ);
}

int
main(int argc, char **argv)
{
	struct err err = { 0 };
	int status = 0;

	seal();
	if (argc < 2) {
		print_usage(STDERR_FILENO);
		return ERR_USAGE;
	}
	status = run_command(argv + 1, &err);
	if (err.kind == ERR_KIND_USAGE)
		err_fix(&err, "see: ssm-activate help");
	if (err.code != ERR_OK)
		log_err(LOG_ERROR, "failed", &err);
	return status;
}
