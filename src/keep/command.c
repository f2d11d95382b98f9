/* SPDX-License-Identifier: MIT */
#include "keep/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"

/* The environment for the user: HOME is his. */
static char *const *
environment(const struct config *cfg, const struct user_ids *user)
{
	static char home[sizeof(((struct user_ids *)0)->home) + 5];
	char *const *vars = cfg->env.vars;
	static char **copy; /* in use until the process ends */
	size_t count = 0, n = 0;

	while (vars[count] != NULL)
		count++;
	if (user != NULL)
		copy = calloc(count + 2, sizeof *copy);
	if (user == NULL || copy == NULL)
		return vars;
	snprintf(home, sizeof home, "HOME=%s", user->home);
	copy[n++] = home;
	for (; *vars != NULL; vars++) {
		if (!slice_starts(slice_of(*vars), "HOME="))
			copy[n++] = *vars;
	}
	return copy;
}

int
command_start(struct command *command, const struct config *cfg,
    const struct user_ids *user, const struct exec_signals *signals,
    struct err *err)
{
	struct child_options options = {
		.argv = (const char *const *)cfg->argv,
		.envp = environment(cfg, user),
		.search = true,
		.new_group = true,
		.foreground = isatty(STDIN_FILENO) == 1,
		.user = user,
		.signals = signals,
	};
	int exec_errno = 0;

	if (child_begin(&command->child, &options, err) == 0) {
		child_wait(&command->child, COMMAND_EXEC_MS);
		command->pid = command->child.pid;
		if (child_look(&command->child, &exec_errno, err) !=
		    CHILD_FAILED)
			return 0;
		waitpid(command->pid, NULL, 0);
		command->pid = 0;
	}
	command->status = exec_errno != 0
	                      ? child_exec_status(exec_errno)
	                      : command_replace(cfg, user, signals, err);
	return -1;
}

static int
become_user(const struct user_ids *user, struct err *err)
{
	if (user == NULL || exec_become_user(user->uid, user->gid, user->groups,
	                        (size_t)user->group_count) == 0)
		return 0;
	err_sys(err, ERR_KIND_SYSTEM, "--user");
	err_fix(err,
	    "add the capabilities SETUID and SETGID, or let the seccomp "
	    "policy allow setresuid, setresgid and setgroups");
	return -1;
}

static int
become_command(const struct config *cfg, const struct user_ids *user,
    struct err *err)
{
	exec_program((const char *const *)cfg->argv, environment(cfg, user),
	    true);
	err_sys(err, ERR_KIND_SYSTEM, "%s", cfg->argv[0]);
	return child_exec_status(errno);
}

int
command_replace(const struct config *cfg, const struct user_ids *user,
    const struct exec_signals *signals, struct err *err)
{
	struct err why = *err;

	if (cfg->argv == NULL || cfg->required)
		return (int)err->code;
	err_clear(err);
	if (become_user(user, err) != 0)
		return (int)err->code;
	log_err(LOG_WARN, "no_init", &why);
	if (signals != NULL)
		exec_restore_signals(signals);
	return become_command(cfg, user, err);
}

/* The variables of the application, with others in place of those of the same
 * names; NULL without memory. */
static char **
with_news(char *const *vars, const struct command_news *news)
{
	static const char names[] = "NODE REGION NAME";
	struct buf text = { 0 };
	char **all, *at;
	size_t n = 0;

	while (vars[n] != NULL)
		n++;
	all = calloc(n + 4, sizeof *all);
	buf_printf(&text, "NODE=%s%cREGION=%s%cNAME=%s", news->node, 0,
	    news->region, 0, news->name);
	if (all == NULL || !buf_ok(&text)) {
		free(all);
		return NULL;
	}
	for (n = 0; *vars != NULL; vars++) {
		struct slice name, value;

		if (!slice_split(slice_of(*vars), '=', &name, &value) ||
		    !slice_has_word(slice_of(names), name))
			all[n++] = *vars;
	}
	at = text.data;
	for (int i = 0; i < 3; i++, at += strlen(at) + 1)
		all[n++] = at;
	return all;
}

/* In a process of its own; a word alone needs no shell. */
static _Noreturn void
become_on_up(const struct config *cfg, const struct user_ids *user,
    const struct exec_signals *signals, const struct command_news *news)
{
	bool word = strpbrk(cfg->on_up, " \t\n\"'\\$`&|;<>()*?[#~=%!{") == NULL;
	const char *const argv[] = { word ? cfg->on_up : "/bin/sh",
		word ? NULL : "-c", cfg->on_up, NULL };
	char **vars = with_news(environment(cfg, user), news);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setpgid(0, 0);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	else
		close(STDIN_FILENO);
	if (vars == NULL || become_user(user, NULL) != 0)
		_exit(child_exec_status(EPERM));
	exec_restore_signals(signals);
	exec_program(argv, vars, true);
	_exit(child_exec_status(errno));
}

void
command_on_up(struct command *command, const struct config *cfg,
    const struct user_ids *user, const struct exec_signals *signals,
    const struct command_news *news)
{
	pid_t pid;

	if (cfg->on_up == NULL)
		return;
	pid = fork();
	if (pid == 0)
		become_on_up(cfg, user, signals, news);
	if (pid > 0)
		command->on_up = pid;
	else
		log_event(LOG_WARN, "on_up", "SSM_ACTIVATE_ON_UP: fork: %s",
		    strerror(errno));
}

static bool
on_up_reaped(struct command *command, pid_t pid, int status)
{
	int code = child_status(status);

	if (command->on_up == 0 || command->on_up != pid)
		return false;
	command->on_up = 0;
	if (code != 0) {
		log_event(LOG_WARN, "on_up",
		    "SSM_ACTIVATE_ON_UP has ended with %d%s", code,
		    code == 127   ? ", not found"
		    : code == 126 ? ", not executable"
		                  : "");
	}
	return true;
}

bool
command_reaped(struct command *command, pid_t pid, int status)
{
	struct err err = { 0 };
	int exec_errno = 0;

	if (on_up_reaped(command, pid, status))
		return false;
	if (command->pid == 0 || command->pid != pid)
		return false;
	if (child_look(&command->child, &exec_errno, &err) == CHILD_FAILED)
		log_err(LOG_ERROR, "no_command", &err);
	child_drop(&command->child);
	command->pid = 0;
	command->ended = true;
	command->status = child_status(status);
	return true;
}

int
command_become(const struct config *cfg, const struct user_ids *user,
    struct err *err)
{
	if (become_user(user, err) != 0)
		return (int)err->code;
	return become_command(cfg, user, err);
}
