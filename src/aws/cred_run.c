#include "aws/cred_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

enum { CHUNK = 4096, LOOK_MS = 20, NOT_STARTED = 127 };

/* A program that runs, and our ends of its outputs (-1 = ended). */
struct helper {
	pid_t pid;
	int out, errors;
	bool ended; /* it was waited for */
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* In the child: what a program may expect to find, whatever our own process
 * did with its signals. */
static void
reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* To whoever reads standard error; there is nobody else to tell. */
static void
tell(const char *text)
{
	(void)file_write_fd(STDERR_FILENO, text, strlen(text), NULL);
}

static _Noreturn void
become(const struct cred_run *run, int out, int errors)
{
	(void)setpgid(0, 0);
	reset_signals();
	if (dup2(out, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0) {
		file_close_others(NULL, 0);
		/* execvpe(3) would look for it in the PATH of our own. */
		environ = (char **)(uintptr_t)run->env.vars;
		execvp(run->argv[0], run->argv);
		tell("cannot run it: ");
		tell(strerror(errno));
	}
	_exit(NOT_STARTED);
}

static int
start(struct helper *helper, const struct cred_run *run, struct err *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int rc = -1;

	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
		rc = err_sys(err, ERR_KIND_SYSTEM, "pipe");
		goto out;
	}
	helper->pid = fork();
	if (helper->pid < 0) {
		rc = err_sys(err, ERR_KIND_SYSTEM, "fork");
		goto out;
	}
	if (helper->pid == 0)
		become(run, out[1], errors[1]);
	/* Both sides do it, so that it is done whoever comes first. */
	(void)setpgid(helper->pid, helper->pid);
	helper->out = out[0];
	helper->errors = errors[0];
	out[0] = -1;
	errors[0] = -1;
	rc = 0;
out:
	close_fd(&out[0]);
	close_fd(&out[1]);
	close_fd(&errors[0]);
	close_fd(&errors[1]);
	return rc;
}

/* Take what is there; the descriptor is closed at its end.  False: it did not
 * all fit. */
static bool
take(int *fd, struct buf *into)
{
	char chunk[CHUNK];
	ssize_t n = read(*fd, chunk, sizeof chunk);

	if (n > 0)
		buf_add(into, chunk, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		close_fd(fd);
	explicit_bzero(chunk, sizeof chunk);
	return buf_ok(into);
}

/* Keep reading what is too much, so that the program is not held up. */
static void
take_errors(int *fd, struct buf *into)
{
	struct buf rest = { 0 };

	if (into->len + CHUNK > into->max)
		into = &rest;
	(void)take(fd, into);
	buf_free(&rest);
}

/* What is there to be read within wait_ms; 0 = nothing. */
static int
read_some(struct helper *helper, struct cred_run *run, int wait_ms,
    struct err *err)
{
	struct pollfd fds[2] = { { helper->out, POLLIN, 0 },
		{ helper->errors, POLLIN, 0 } };
	int n = poll(fds, 2, wait_ms);

	if (n <= 0)
		return 0;
	if (fds[1].revents != 0)
		take_errors(&helper->errors, &run->errors);
	if (fds[0].revents != 0 && !take(&helper->out, &run->out))
		return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
		    "it wrote more than %zu bytes", run->out.max);
	return n;
}

static void
look(struct helper *helper, struct cred_run *run)
{
	pid_t got = waitpid(helper->pid, &run->status, WNOHANG);

	/* Somebody else may have taken the status: it ended all the same. */
	if (got < 0 && errno != EINTR)
		run->status = NOT_STARTED << 8;
	if (got == helper->pid || (got < 0 && errno != EINTR))
		helper->ended = true;
}

/*
 * Until the program itself has ended and the pipes hold nothing more.  Their
 * end is not waited for: what the program left running may keep them open.
 */
static int
watch(struct helper *helper, struct cred_run *run, struct err *err)
{
	int n = 0;

	while (clock_left(run->deadline) > 0) {
		int wait_ms = helper->ended ? 0 : LOOK_MS;

		n = read_some(helper, run, wait_ms, err);
		if (n < 0)
			return -1;
		if (n == 0 && helper->ended)
			return 0;
		if (!helper->ended)
			look(helper, run);
	}
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "it did not end in time");
}

static void
kill_group(struct helper *helper)
{
	int status;
	pid_t got;

	/* Without its leader the number of a group may be another's; who is
	 * left of it fails at the closed pipes. */
	if (helper->ended)
		return;
	(void)kill(-helper->pid, SIGKILL);
	do
		got = waitpid(helper->pid, &status, 0);
	while (got < 0 && errno == EINTR);
}

int
cred_run_program(struct cred_run *run, struct err *err)
{
	struct helper helper = { .out = -1, .errors = -1 };
	int rc = -1;

	if (start(&helper, run, err) != 0)
		return -1;
	rc = watch(&helper, run, err);
	if (rc != 0)
		kill_group(&helper);
	close_fd(&helper.out);
	close_fd(&helper.errors);
	return rc;
}
