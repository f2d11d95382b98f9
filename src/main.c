/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/cmd.h"
#include "app/completion.h"
#include "app/help.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/near.h"
#include "settings/config.h"

static const struct {
	struct help_entry help;
	/* NULL: main does it, from this table. */
	int (*run)(struct config *cfg, struct err *err);
} commands[] = {
	{
	    {
	        .name = "run",
	        .command = CONFIG_RUN,
	        .usage = "[OPTION...] [--] [CMD [ARG...]]",
	        .summary =
	            "run CMD as its init, with the container as a managed node",
	        .text =
	            "CMD starts at once; the node comes up beside it and is taken down\n"
	            "when CMD ends or a stop signal comes. The status is CMD's.\n"
	            "Without CMD: in the foreground until the agent ends (a sidecar).\n"
	            "With SSM_ACTIVATE off nothing is done but CMD.\n",
	        .examples =
	            "run -- ruby app.rb\n"
	            "run --user 1000:1000 --ttl 8h -- ./server --port 80",
	        .page = "docs/start.md",
	        .operands = HELP_CMD,
	    },
	    cmd_run,
	},
	{
	    {
	        .name = "up",
	        .command = CONFIG_UP,
	        .usage = "[OPTION...]",
	        .summary = "make this container a managed node; prints its id",
	        .text =
	            "For an entrypoint that cannot use run. The keeper stays; `down` must\n"
	            "run before the container stops. Where a keeper waits to be asked\n"
	            "(SSM_ACTIVATE=demand), this asks it.\n",
	        .examples = "up --background\n"
	                    "up --role my-node-role --timeout 30s",
	        .page = "docs/commands.md",
	    },
	    cmd_up,
	},
	{
	    {
	        .name = "down",
	        .command = CONFIG_DOWN,
	        .usage = "[OPTION...]",
	        .summary = "remove the node and the activation, stop the agent",
	        .examples = "down\n"
	                    "down --down-timeout 20s",
	        .page = "docs/lifecycle.md",
	    },
	    cmd_down,
	},
	{
	    {
	        .name = "status",
	        .command = CONFIG_STATUS,
	        .usage = "[OPTION...]",
	        .summary = "what the keeper does, and the last error",
	        .text =
	            "The status is 0 when the node is up, when SSM_ACTIVATE is off, and\n"
	            "for a failure that is not REQUIRED to be one; see --strict.\n",
	        .examples = "status\n"
	                    "status --json --strict",
	        .page = "docs/commands.md",
	    },
	    cmd_status,
	},
	{
	    {
	        .name = "gc",
	        .command = CONFIG_GC,
	        .usage = "[OPTION...]",
	        .summary =
	            "find nodes and activations of containers that are gone",
	        .text =
	            "A line each: kind, id, reason, last sign of life, task, name.\n"
	            "Nothing is changed without --yes.\n",
	        .examples = "gc --older-than 7d\n"
	                    "gc --yes --region eu-west-1",
	        .page = "docs/lifecycle.md#leftovers",
	    },
	    cmd_gc,
	},
	{
	    {
	        .name = "nodes",
	        .command = CONFIG_NODES,
	        .usage = "[OPTION...]",
	        .summary = "which nodes of the account are our containers",
	        .text =
	            "On a terminal in columns, else one JSON object a line.\n",
	        .examples =
	            "nodes --family web\n"
	            "nodes --json --task 3f2a1b0c4d5e6f708192a3b4c5d6e7f8",
	        .page = "docs/commands.md",
	    },
	    cmd_nodes,
	},
	{
	    {
	        .name = "connect",
	        .command = CONFIG_CONNECT,
	        .usage = "[OPTION...] NAME|NODE|TASK [-- CMD [ARG...]]",
	        .summary =
	            "find a node and start a session on it with the AWS CLI",
	        .text =
	            "NAME: of the node, a pattern too, else of family or service; TASK: an\n"
	            "ARN or id. One word of CMD is a line for the shell, several are CMD\n"
	            "and its arguments. Needs `aws` and session-manager-plugin.\n",
	        .examples = "connect web\n"
	                    "connect --newest --port 5432:db.internal:5432 web",
	        .page = "docs/commands.md",
	    },
	    cmd_connect,
	},
	{
	    {
	        .name = "api",
	        .command = CONFIG_API,
	        .usage = "[OPTION...] ssm|sts|ecs OPERATION",
	        .summary = "one signed call of AWS; the answer on stdout",
	        .examples =
	            "api sts GetCallerIdentity\n"
	            "api ssm DescribeActivations --body '{\"MaxResults\":5}'",
	        .page = "docs/commands.md",
	        .operands = "ssm|sts|ecs",
	    },
	    cmd_api,
	},
	{
	    {
	        .name = "version",
	        .command = CONFIG_VERSION,
	        .usage = "[OPTION...]",
	        .summary = "versions of the program and of what is linked in",
	        .examples = "version\n"
	                    "version --licenses",
	        .page = "docs/releases.md",
	    },
	    cmd_version,
	},
	{
	    {
	        .name = "completion",
	        .command = CONFIG_COMPLETION,
	        .usage = "bash|zsh|fish",
	        .summary = "completion of commands and flags, for a shell",
	        .examples =
	            "completion bash >/etc/bash_completion.d/ssm-activate\n"
	            "completion fish >~/.config/fish/completions/ssm-activate.fish",
	        .page = "docs/commands.md#completion",
	        .operands = "bash|zsh|fish",
	    },
	    NULL,
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
	    "  help       the options of a command: help COMMAND\n\n"
	    "examples:\n"
	    "  ssm-activate run -- ruby app.rb\n"
	    "  ssm-activate help run\n\n"
	    "exit status: 0 done, 64 usage, 69 network, 70 AWS, 71 system,\n"
	    "76 protocol, 77 credentials, 78 configuration; run: CMD's own,\n"
	    "126 not executable, 127 not found.\n\n"
	    "read on: docs/README.md\n");
	return print(&text, fd);
}

/* Gives the exit status. */
static int
unknown_command(const char *name, struct err *err)
{
	struct near best = { 0 };

	err_set(err, ERR_KIND_USAGE, "unknown command %.64s", name);
	for (size_t i = 0; i < COMMANDS; i++)
		near_try(&best, slice_of(name), commands[i].help.name);
	near_try(&best, slice_of(name), "help");
	if (best.word != NULL)
		err_fix(err, "did you mean %s?", best.word);
	return (int)err->code;
}

static int
print_help(const char *name, struct err *err)
{
	struct buf text = { 0 };
	size_t i = name != NULL ? find(name) : COMMANDS;

	if (name == NULL || strcmp(name, "help") == 0)
		return print_usage(STDOUT_FILENO);
	if (i == COMMANDS)
		return unknown_command(name, err);
	help_command(&text, &commands[i].help);
	return print(&text, STDOUT_FILENO);
}

static const struct help_entry *
entry_at(size_t i)
{
	return i < COMMANDS ? &commands[i].help : NULL;
}

static int
print_completion(const char *shell, struct err *err)
{
	struct buf text = { 0 };

	if (completion_write(&text, shell, entry_at, err) != 0)
		return (int)err->code;
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
	if (i == COMMANDS)
		return unknown_command(argv[0], err);
	/* An application starts behind these two. */
	if (commands[i].run == cmd_run || commands[i].run == cmd_up)
		log_never_wait();
	if (config_load(&cfg, commands[i].help.command, argv + 1, env, err) !=
	    0)
		return (int)err->code;
	if (cfg.help)
		return print_help(commands[i].help.name, err);
	if (commands[i].run == NULL)
		return print_completion(cfg.words[0], err);
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
