/* SPDX-License-Identifier: MIT */
#include "aws/cred/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"

enum { NOT_STARTED = 127 };

/* What the process gets. */
struct start {
	const struct cred_run *run;
	pid_t parent;
};

/* The end of a process that could not become the program. */
static _Noreturn void
exit_with(const char *what)
{
	struct err err = { 0 };

	err_sys(&err, ERR_KIND_SYSTEM, "%s", what);
	file_write_fd(STDERR_FILENO, err.msg, strlen(err.msg), NULL);
	_exit(NOT_STARTED);
}

static _Noreturn void
become_program(const struct cred_run *run, pid_t guard)
{
	if (run->owner.uid != 0 && owner_become(&run->owner) != 0)
		exit_with("cannot run it as its owner");
	/* A change of the user would undo it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(NOT_STARTED);
	exec_reset_signals();
	exec_program((const char *const *)run->argv, run->env.vars, true);
	exit_with("cannot run it");
}

static void
end_group(int number)
{
	(void)number;
	kill(0, SIGKILL);
}

/* End as the program has ended. */
static _Noreturn void
pass_on(int status)
{
	sigset_t all;

	if (WIFSIGNALED(status)) {
		prctl(PR_SET_DUMPABLE, 0);
		exec_reset_signals();
		raise(WTERMSIG(status));
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : NOT_STARTED);
}

/*
 * The leader of the program's group, which is told by the kernel when our
 * process has ended.  Its signal is one that no script sends to its group, and
 * all others are held back.
 */
static int
lead(void *argument)
{
	const struct start *start = argument;
	const struct cred_run *run = start->run;
	struct sigaction action = { .sa_handler = end_group };
	sigset_t others;
	int status = NOT_STARTED << 8;
	pid_t pid;

	if (run->owner.uid == 0 || setsid() < 0)
		setpgid(0, 0);
	exec_reset_signals();
	sigfillset(&others);
	sigdelset(&others, SIGRTMAX);
	sigprocmask(SIG_SETMASK, &others, NULL);
	sigaction(SIGRTMAX, &action, NULL);
	prctl(PR_SET_PDEATHSIG, SIGRTMAX);
	if (getppid() != start->parent)
		return NOT_STARTED;
	file_close_others(NULL, 0);
	pid = fork();
	if (pid < 0)
		exit_with("cannot start a process");
	if (pid == 0)
		become_program(run, getppid());
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	pass_on(status);
}

int
cred_run_program(struct cred_run *run, struct err *err)
{
	struct start start = { run, getpid() };
	struct capture capture = {
		.work = lead,
		.argument = &start,
		.deadline = run->deadline,
		.streams = { { capture_all, &run->out },
		    { capture_head, &run->errors } },
	};

	switch (capture_run(&capture, err)) {
	case CAPTURE_ENDED:
		run->status = capture.status;
		return 0;
	case CAPTURE_LATE:
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "it did not end in time");
	case CAPTURE_STOPPED:
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "it wrote more than %zu bytes", run->out.max);
	default:
		return -1;
	}
}
