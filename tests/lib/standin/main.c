/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/paths.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

enum { FDS_MAX = 64, DUMP_MAX = 1024 * 1024 };

/* From the end of a shell until its client knows, and until the worker ends. */
enum { TELL_MS = 60, STAY_MS = 3000 };

/* filepath.Abs(filepath.Dir(os.Args[0])) */
static int
find_folder(char out[static STANDIN_PATH_MAX], const char *argv0)
{
	struct slice folder = slice_of("."), name;
	char cwd[STANDIN_PATH_MAX];

	if (slice_rsplit(slice_of(argv0), '/', &folder, &name) &&
	    argv0[0] == '/')
		return slice_copy(folder, out, STANDIN_PATH_MAX) ? 0 : -1;
	if (getcwd(cwd, sizeof(cwd)) == NULL ||
	    snprintf(out, STANDIN_PATH_MAX, "%s/%.*s", cwd, (int)folder.len,
	        folder.ptr) >= STANDIN_PATH_MAX)
		return -1;
	return 0;
}

static void
write_dump(const char *path, const struct buf *text)
{
	struct err err = { 0 };

	if (!buf_ok(text) ||
	    file_write(path, 0600, buf_str(text), text->len, &err) != 0)
		(void)fprintf(stderr, "STANDIN_ENV_DUMP: %s\n", err.msg);
}

static void
describe_start(struct buf *text, const char *argv0)
{
	char target[STANDIN_PATH_MAX], path[32];
	ssize_t n;

	buf_printf(text,
	    "argv0 %s\ncwd %s\npid %d\nppid %d\npgrp %d\n"
	    "sid %d\nuid %u\ngid %u\n",
	    argv0, getcwd(target, sizeof(target)) != NULL ? target : "?",
	    (int)getpid(), (int)getppid(), (int)getpgrp(), (int)getsid(0),
	    (unsigned)geteuid(), (unsigned)getegid());
	for (int fd = 0; fd < FDS_MAX; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		buf_printf(text, "fd %d %s\n", fd, target);
	}
}

/* What the tests want to know about how the agent was started. */
static void
dump(const char *argv0)
{
	const char *path = knob_get("STANDIN_ENV_DUMP");
	struct buf text = { .max = DUMP_MAX }, name = { 0 };

	if (path == NULL)
		return;
	for (size_t i = 0; environ[i] != NULL; i++) {
		buf_puts(&text, environ[i]);
		buf_putc(&text, '\n');
	}
	write_dump(path, &text);
	buf_cut(&text, 0);
	describe_start(&text, argv0);
	buf_printf(&name, "%s.start", path);
	if (buf_ok(&name))
		write_dump(buf_str(&name), &text);
	buf_free(&text);
	buf_free(&name);
}

/* As the agent does it: ssm-user's ids, groups and home, and for the rest the
 * environment that the agent has. */
static _Noreturn void
become_session(const char *script)
{
	struct user_ids user = { 0 };
	struct err err = { 0 };

	(void)setsid();
	if (script == NULL) {
		script = "sleep 3600; :";
	} else if (user_find(&user, USER_NAME, &err) != 0 ||
	           exec_become_user(user.uid, user.gid, user.groups,
	               (size_t)user.group_count) != 0 ||
	           setenv("HOME", user.home, 1) != 0 || chdir("/") != 0) {
		(void)fprintf(stderr, "STANDIN_SESSION_RUN: %s\n", err.msg);
		_exit(1);
	}
	(void)execlp("sh", "sh", "-c", script, (char *)NULL);
	_exit(127);
}

/* Its client has been told that the shell ended, so it ends, too. */
static void
tell_client(void)
{
	const char *path = knob_get("STANDIN_SESSION_TOLD");
	struct err err = { 0 };

	if (path != NULL && file_write(path, 0644, "told\n", 5, &err) != 0)
		(void)fprintf(stderr, "STANDIN_SESSION_TOLD: %s\n", err.msg);
}

/* A shell that somebody works in. */
static int
session_run(void)
{
	pid_t shell;

	/* The worker that started us does not wait for its own. */
	(void)signal(SIGCHLD, SIG_DFL);
	shell = fork();
	if (shell == 0)
		become_session(knob_get("STANDIN_SESSION_RUN"));
	if (waitpid(shell, NULL, 0) == shell) {
		clock_sleep(clock_in(TELL_MS));
		tell_client();
		clock_sleep(clock_in(STAY_MS));
	}
	return 0;
}

/* When this program began, for who measures how long a start takes. */
static int
clock_run(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	return 0;
}

int
main(int argc, char **argv)
{
	char folder[STANDIN_PATH_MAX];
	struct slice name, rest;

	if (argc == 2 && strcmp(argv[1], "clock") == 0)
		return clock_run();
	if (argc < 1 || find_folder(folder, argv[0]) != 0)
		return 1;
	name = slice_of(argv[0]);
	(void)slice_rsplit(name, '/', &rest, &name);
	knob_load(folder);
	if (slice_eq(name, PATHS_WORKER))
		return worker_run(folder);
	if (slice_eq(name, PATHS_SESSION) || slice_eq(name, PATHS_DOCUMENT))
		return session_run();
	if (argc > 1)
		return register_run(argc, argv, folder);
	dump(argv[0]);
	return core_run(argv[0], folder);
}
