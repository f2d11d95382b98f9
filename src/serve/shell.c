/* SPDX-License-Identifier: MIT */
#include "serve/shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/spec.h"
#include "agent/used.h"
#include "agent/user.h"
#include "aws/words.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "settings/options.h"

enum { STAT_SIZE = 512, KILL_PASSES = 4 };

/* Sessions where there is no ssm-user; 0 = there is one. */
static uid_t reserved;

void
shell_reserve(const struct config *cfg)
{
	struct user_ids ids = { 0 };
	struct err ignored = { 0 };
	struct used used;

	if (geteuid() != 0 || reserved != 0 || cfg->session_user != NULL ||
	    user_find(&ids, USER_NAME, &ignored) == 0)
		return;
	used_begin(&used, USER_ID_FIRST, USER_ID_LAST);
	used_machine(&used);
	user_heed(&used, cfg->user);
	used_files(&used);
	used_unmapped(&used);
	reserved = used_free(&used);
	log_event(LOG_WARN, "session_user",
	    "there is no " USER_NAME " in /etc/passwd: sessions run as uid %u, "
	    "with HOME=/, and cannot use sudo",
	    (unsigned)reserved);
}

/* The alias of these ids, with the groups that it was given; where it could not
 * be made, the ids. */
static int
session_user(struct user_ids *out, const char *spec, struct err *err)
{
	struct user_ids alias = { 0 };
	struct err ignored = { 0 };

	if (user_find(out, spec, err) != 0)
		return -1;
	if (user_find(&alias, USER_NAME, &ignored) == 0 &&
	    alias.uid == out->uid && alias.gid == out->gid)
		*out = alias;
	return 0;
}

static int
run_as(struct user_ids *out, const char *name, struct err *err)
{
	struct err ignored = { 0 };

	if (geteuid() != 0) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the session's document wants a user (RunAs %s), which "
		    "takes an agent that is root",
		    name);
	}
	if (slice_has(slice_of(name), ':') ||
	    user_find(out, name, &ignored) != 0 || out->name[0] == '\0')
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the RunAs user %s does not exist", name);
	if (out->uid == 0 || out->gid == 0) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the RunAs user %s has uid or gid 0, which is refused",
		    name);
	}
	return 0;
}

/* The user to stay. */
static void
stay(struct user_ids *out)
{
	char number[16];
	struct err ignored = { 0 };

	snprintf(number, sizeof number, "%u", (unsigned)geteuid());
	if (user_find(out, number, &ignored) != 0)
		slice_copy(slice_of("/"), out->home, sizeof out->home);
}

/* *change: the program's user is another one. */
static int
choose(struct user_ids *out, bool *change, const struct shell_in *in,
    struct err *err)
{
	const char *name = in->ask->user;
	struct err ignored = { 0 };

	*change = geteuid() == 0 && !in->ask->elevated;
	if (!in->ask->elevated && *name != '\0')
		return run_as(out, name, err);
	if (!*change) {
		stay(out);
		return 0;
	}
	if (in->cfg->session_user != NULL)
		return session_user(out, in->cfg->session_user, err);
	if (reserved == 0 || user_find(out, USER_NAME, &ignored) == 0)
		return user_find(out, USER_NAME, err);
	*out = (struct user_ids){
		.uid = reserved,
		.gid = reserved,
		.groups = { reserved },
		.group_count = 1,
		.home = "/",
	};
	return 0;
}

static int
make_vars(struct spec *vars, const struct shell_in *in, const char *home,
    struct err *err)
{
	struct spec_options options = {
		.env = in->cfg->env,
		.path = "",
		.minimal = in->cfg->agent_env == CONFIG_MINIMAL,
		.region = in->region,
		.home = home,
	};

	return spec_build(vars, &options, err);
}

static int
bad(struct err *err, const char *what)
{
	return err_sys(err, ERR_KIND_SYSTEM, "no terminal for the session: %s",
	    what);
}

/* The kernel makes it the opener's, for whom it is may not open it by its name
 * then; where that cannot be changed it works nevertheless. */
static int
open_terminal(struct shell *shell, int *slave, const struct user_ids *ids,
    const struct ask *ask, struct err *err)
{
	int zero = 0;

	shell->terminal =
	    open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (shell->terminal < 0) {
		shell->terminal = 0;
		return bad(err, "/dev/ptmx");
	}
	if (ioctl(shell->terminal, TIOCSPTLCK, &zero) != 0)
		return bad(err, "TIOCSPTLCK");
	*slave =
	    ioctl(shell->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave < 0)
		return bad(err, "TIOCGPTPEER");
	if (geteuid() == 0 && fchown(*slave, ids->uid, (gid_t)-1) != 0)
		log_debug("terminal: fchown: %s", strerror(errno));
	shell_resize(shell, ask);
	shell->fds[0] = shell->terminal;
	shell->count = 1;
	return 0;
}

/* theirs: the ends of the program. */
static int
open_pipes(struct shell *shell, int theirs[static 2], bool separate,
    struct err *err)
{
	int ends[2];

	for (size_t i = 0; i < (separate ? 2 : 1); i++) {
		if (pipe2(ends, O_CLOEXEC) != 0 ||
		    fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
			return err_sys(err, ERR_KIND_SYSTEM, "pipe");
		shell->fds[i] = ends[0];
		shell->count++;
		theirs[i] = ends[1];
	}
	return 0;
}

/* The words of the record's text. */
static int
make_argv(const char *argv[static WORDS_MAX + 1], const struct shell_in *in,
    char **copy, struct err *err)
{
	struct slice rest = slice_make(in->ask->text, in->ask->len), word;
	size_t n = 0;

	*copy = slice_dup(rest);
	if (*copy == NULL)
		return err_memory(err);
	if (in->ask->program != DOCUMENT_COMMAND) {
		argv[0] = in->cfg->shell;
		argv[1] = rest.len > 0 ? "-c" : NULL;
		argv[2] = rest.len > 0 ? *copy : NULL;
		argv[3] = NULL;
		return 0;
	}
	rest.ptr = *copy;
	while (n < WORDS_MAX && slice_cut(&rest, '\0', &word))
		argv[n++] = word.ptr;
	argv[n] = NULL;
	return 0;
}

static int
begin(struct shell *shell, const struct shell_in *in,
    const struct child_options *given, const char *home, struct err *err)
{
	struct child_options options = *given;
	const char *argv[WORDS_MAX + 1];
	struct spec vars = { 0 };
	char *copy = NULL;
	int rc = -1;

	if (make_argv(argv, in, &copy, err) == 0 &&
	    make_vars(&vars, in, home, err) == 0) {
		options.argv = argv;
		options.envp = vars.envp;
		rc = child_begin(&shell->child, &options, err);
	}
	spec_free(&vars);
	slice_drop(&copy);
	if (rc == 0) {
		shell->pid = shell->child.pid;
		shell->group = shell->child.pid;
		shell->child.program =
		    options.search ? "the command" : in->cfg->shell;
	}
	return rc;
}

/* How the program is connected; theirs: its own ends. */
static int
connect_to(struct shell *shell, struct child_options *options,
    int theirs[static 2], const struct shell_in *in, struct err *err)
{
	if (!options->search) {
		if (open_terminal(shell, &theirs[0], options->user, in->ask,
		        err) != 0)
			return -1;
		options->terminal = theirs[0];
		return 0;
	}
	if (open_pipes(shell, theirs, in->ask->separate, err) != 0)
		return -1;
	options->output = theirs[0];
	options->errors = theirs[1] >= 0 ? theirs[1] : theirs[0];
	return 0;
}

int
shell_start(struct shell *out, const struct shell_in *in, struct err *err)
{
	bool command = in->ask->program == DOCUMENT_COMMAND, change = false;
	struct user_ids ids = { 0 };
	int ends[2] = { -1, -1 }, rc = -1;
	struct child_options options = {
		.dir = "/",
		.search = command,
		.new_group = command,
		.null_stdin = command,
		.killed_with_parent = true,
		.user = &ids,
	};

	if (choose(&ids, &change, in, err) == 0 &&
	    connect_to(out, &options, ends, in, err) == 0) {
		if (!change)
			options.user = NULL;
		rc = begin(out, in, &options, ids.home, err);
	}
	file_close(&ends[0]);
	file_close(&ends[1]);
	return rc;
}

void
shell_explain(const struct shell_in *in, int exec_errno, struct err *err)
{
	struct err why = *err;

	if (in->ask->program == DOCUMENT_COMMAND ||
	    (exec_errno != ENOENT && exec_errno != EACCES &&
	        exec_errno != ENOTDIR))
		return;
	err_clear(err);
	err_set(err, ERR_KIND_SYSTEM,
	    "this image has no shell (%s: %s); ports can be forwarded, and "
	    "SSM_ACTIVATE_SHELL names a shell that is elsewhere",
	    in->cfg->shell, strerror(exec_errno));
	err->code = why.code;
}

void
shell_resize(const struct shell *shell, const struct ask *ask)
{
	struct winsize size = {
		.ws_col = ask->columns,
		.ws_row = ask->rows,
	};

	if (shell->terminal > 0 && ask->columns > 0)
		ioctl(shell->terminal, TIOCSWINSZ, &size);
}

void
shell_hang_up(const struct shell *shell)
{
	pid_t group = 0;

	if (shell->group == 0)
		return;
	if (shell->terminal > 0 &&
	    ioctl(shell->terminal, TIOCGPGRP, &group) == 0 && group > 1)
		kill(-group, SIGHUP);
	kill(-shell->group, SIGHUP);
	/* One that was stopped takes it now. */
	kill(-shell->group, SIGCONT);
}

/* The session of a process, 0 = it is gone (proc(5)). */
static pid_t
session_of(const char *pid)
{
	char path[sizeof "/proc//stat" + 20], text[STAT_SIZE + 1];
	struct slice head, rest, field = { 0 };
	uint64_t number = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, STAT_SIZE);
	close(fd);
	if (n <= 0 ||
	    !slice_rsplit(slice_make(text, (size_t)n), ')', &head, &rest))
		return 0;
	rest = slice_skip(rest, 1);
	for (int i = 0; i < 4; i++)
		slice_cut(&rest, ' ', &field);
	return slice_u64(field, INT32_MAX, &number) ? (pid_t)number : 0;
}

static size_t
signal_session(pid_t session, int number)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	size_t count = 0;
	uint64_t pid = 0;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL) {
		if (slice_u64(slice_of(entry->d_name), INT32_MAX, &pid) &&
		    session_of(entry->d_name) == session &&
		    kill((pid_t)pid, number) == 0)
			count++;
	}
	closedir(folder);
	return count;
}

bool
shell_lives(const struct shell *shell)
{
	if (shell->group == 0)
		return false;
	return shell->pid != 0 || kill(-shell->group, 0) == 0 ||
	       (shell->terminal > 0 && signal_session(shell->group, 0) > 0);
}

/* Those that are started meanwhile are found by the next pass. */
void
shell_kill(const struct shell *shell)
{
	if (shell->group == 0)
		return;
	kill(-shell->group, SIGKILL);
	for (int i = 0; shell->terminal > 0 && i < KILL_PASSES; i++) {
		if (signal_session(shell->group, SIGKILL) == 0)
			break;
	}
}

void
shell_handed(struct shell *shell)
{
	for (size_t i = 0; i < shell->count; i++) {
		if (shell->fds[i] != shell->terminal)
			close(shell->fds[i]);
	}
	shell->count = 0;
}
