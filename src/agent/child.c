/* SPDX-License-Identifier: MIT */
#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/procs.h"
#include "agent/user.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"

/* As every shell has it. */
enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* What the child says through a pipe: which files are the agent's, and that it
 * cannot become the program; the pipe just closes when it can. */
struct report {
	struct procs_files files;
	const char *step; /* a constant, at one place in both processes;
	                     NULL = exec itself */
	int error;        /* 0 = none yet */
};

/* A report is written in one piece, so it is read in one piece (pipe(7)). */
_Static_assert(sizeof(struct report) <= PIPE_BUF, "one write each");

static void
set_group(const struct child_options *options)
{
	int tty;

	if (!options->new_group)
		return;
	/* Without a group of its own the child gets the terminal's signals with
	 * us. */
	if (setpgid(0, 0) != 0 || !options->foreground)
		return;
	/* Without a terminal on standard input the one of the session is tried;
	 * without that there is no foreground. */
	if (tcsetpgrp(STDIN_FILENO, getpid()) == 0)
		return;
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0) {
		tcsetpgrp(tty, getpid());
		close(tty);
	}
}

/* A root without /dev gets a folder in its place: reading and writing fail,
 * and the number is taken. */
static int
set_null(int fd)
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY);
	int rc = 0;

	if (null < 0 && errno == ENOENT)
		null = open("/", O_RDONLY | O_DIRECTORY);
	if (null < 0)
		return -1;
	if (null == fd)
		return 0;
	if (dup2(null, fd) < 0)
		rc = -1;
	close(null);
	return rc;
}

static int
put(int fd, int as)
{
	return fd > 0 ? dup2(fd, as) : 0;
}

/* No terminal is the session's before. */
static int
set_terminal(int fd)
{
	if (fd <= 0)
		return 0;
	if (setsid() < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
		return -1;
	return put(fd, STDIN_FILENO) < 0 || put(fd, STDOUT_FILENO) < 0 ||
	               put(fd, STDERR_FILENO) < 0
	           ? -1
	           : 0;
}

static int
set_stdio(const struct child_options *options)
{
	if (options->with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (set_terminal(options->terminal) != 0 ||
	    put(options->output, STDOUT_FILENO) < 0 ||
	    put(options->errors, STDERR_FILENO) < 0)
		return -1;
	if (options->null_stdin && set_null(STDIN_FILENO) != 0)
		return -1;
	if (options->null_stdout && set_null(STDOUT_FILENO) != 0)
		return -1;
	if (options->null_stderr && set_null(STDERR_FILENO) != 0)
		return -1;
	return 0;
}

static int
set_user(const struct user_ids *user)
{
	if (user == NULL)
		return 0;
	return exec_become_user(user->uid, user->gid, user->groups,
	    (size_t)user->group_count);
}

static void
say(int fd, const struct report *report)
{
	while (write(fd, report, sizeof *report) < 0 && errno == EINTR)
		;
}

/* From here to the end only functions that signal-safety(7) lists, and pure
 * ones: the copy of the process may hold any lock. */
_Noreturn static void
become(const struct child_options *options, int pipe_fd)
{
	struct report report = { .step = "change folder" };

	set_group(options);
	if (options->agent) {
		procs_look(&report.files, options->argv[0]);
		say(pipe_fd, &report);
	}
	if (options->dir != NULL && chdir(options->dir) != 0)
		goto fail;
	report.step = "standard input and output";
	if (set_stdio(options) != 0)
		goto fail;
	report.step = "change user";
	if (set_user(options->user) != 0)
		goto fail;
	/* Changing the user takes the signal back. */
	if (options->killed_with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.step = NULL;
	if (options->signals != NULL)
		exec_restore_signals(options->signals);
	else
		exec_reset_signals();
	exec_program(options->argv, options->envp, options->search);
fail:
	report.error = errno;
	say(pipe_fd, &report);
	_exit(report.step == NULL ? child_exec_status(report.error)
	                          : NOT_FOUND);
}

static int
explain(const struct report *report, const char *program, struct err *err)
{
	errno = report->error;
	if (report->step == NULL)
		return err_sys(err, ERR_KIND_SYSTEM, "cannot run %s", program);
	return err_sys(err, ERR_KIND_SYSTEM, "cannot start %s: %s", program,
	    report->step);
}

int
child_begin(struct child *child, const struct child_options *options,
    struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	pid = fork();
	if (pid == 0)
		become(options, ends[1]);
	if (pid < 0)
		err_sys(err, ERR_KIND_SYSTEM, "fork");
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*child = (struct child){
		.pid = pid,
		.fd = ends[0],
		.program = options->argv[0],
	};
	return 0;
}

enum child_news
child_look(struct child *child, int *exec_errno, struct err *err)
{
	struct report report;
	ssize_t n = 0;

	*exec_errno = 0;
	while (child->fd >= 0) {
		n = read(child->fd, &report, sizeof report);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return CHILD_PENDING;
		if (n != (ssize_t)sizeof report) {
			child_drop(child);
		} else if (report.error == 0) {
			procs_learn(&report.files);
		} else {
			child_drop(child);
			if (report.step == NULL)
				*exec_errno = report.error;
			explain(&report, child->program, err);
			return CHILD_FAILED;
		}
	}
	return CHILD_RUNS;
}

void
child_wait(const struct child *child, int ms)
{
	struct pollfd news = { .fd = child->fd, .events = POLLIN };
	int64_t until = ms >= 0 ? clock_in(ms) : INT64_MAX;

	if (child->fd < 0)
		return;
	while (poll(&news, 1, ms >= 0 ? clock_left(until) : -1) < 0 &&
	       errno == EINTR)
		;
}

void
child_drop(struct child *child)
{
	if (child->fd >= 0)
		close(child->fd);
	child->fd = -1;
}

int
child_exec_status(int exec_errno)
{
	return exec_errno == ENOENT || exec_errno == ENOTDIR ? NOT_FOUND
	                                                     : NOT_EXECUTABLE;
}

int
child_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}
