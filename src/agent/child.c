#include "agent/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/user.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/ids.h"

/* What the child says through a pipe when it cannot become the program; the
 * pipe just closes when it can. */
struct report {
	const char *step; /* a constant, at one place in both processes;
	                     NULL = exec itself */
	int error;
};

static void
set_group(const struct child_options *options)
{
	int tty;

	if (!options->new_group)
		return;
	/* Where it is denied, a terminal speaks to both of us. */
	if (setpgid(0, 0) != 0 || !options->foreground)
		return;
	/* Without a terminal of our own there is nothing to be in front of. */
	if (tcsetpgrp(STDIN_FILENO, getpid()) == 0)
		return;
	tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty >= 0) {
		(void)tcsetpgrp(tty, getpid());
		(void)close(tty);
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
	(void)close(null);
	return rc;
}

static int
set_stdio(const struct child_options *options)
{
	if (options->with_parent)
		prctl(PR_SET_PDEATHSIG, SIGTERM);
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
	return ids_become(user->uid, user->gid, user->groups,
	    (size_t)user->group_count);
}

/* From here to the end only functions that signal-safety(7) lists, and pure
 * ones: the copy of the process may hold any lock. */
_Noreturn static void
become(const struct child_options *options, int pipe_fd)
{
	struct report report = { .step = "change folder" };

	set_group(options);
	if (options->dir != NULL && chdir(options->dir) != 0)
		goto fail;
	report.step = "standard input and output";
	if (set_stdio(options) != 0)
		goto fail;
	report.step = "change user";
	if (set_user(options->user) != 0)
		goto fail;
	report.step = NULL;
	if (options->signals != NULL)
		exec_restore_signals(options->signals);
	else
		exec_reset_signals();
	exec_program(options->argv, options->envp, options->search);
fail:
	report.error = errno;
	while (write(pipe_fd, &report, sizeof(report)) < 0 && errno == EINTR)
		;
	_exit(127);
}

/* True if the child has something to report. */
static bool
read_report(int fd, struct report *report)
{
	ssize_t n;

	do
		n = read(fd, report, sizeof(*report));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*report);
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
child_start(pid_t *pid, const struct child_options *options, int *exec_errno,
    struct err *err)
{
	struct report report;
	int ends[2];
	pid_t new;

	*exec_errno = 0;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	new = fork();
	if (new == 0)
		become(options, ends[1]);
	if (new < 0)
		err_sys(err, ERR_KIND_SYSTEM, "fork");
	(void)close(ends[1]);
	if (new > 0 && read_report(ends[0], &report)) {
		while (waitpid(new, NULL, 0) < 0 && errno == EINTR)
			;
		if (report.step == NULL)
			*exec_errno = report.error;
		explain(&report, options->argv[0], err);
		new = -1;
	}
	(void)close(ends[0]);
	if (new < 0)
		return -1;
	*pid = new;
	return 0;
}

int
child_status(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return 128 + WTERMSIG(wait_status);
	return WEXITSTATUS(wait_status);
}
