#include "aws/cred/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"

enum { CHUNK = 4096, LOOK_MS = 20, NOT_STARTED = 127 };

/* A program that runs. */
struct helper {
	pid_t pid;
	struct pollfd outputs[2]; /* our ends of them; -1 = closed */
	bool ended;               /* it was waited for */
};

/* The end of a process that could not become the program. */
static _Noreturn void
give_up(const char *what)
{
	struct err err = { 0 };

	(void)err_sys(&err, ERR_KIND_SYSTEM, "%s", what);
	(void)file_write_fd(STDERR_FILENO, err.msg, strlen(err.msg), NULL);
	_exit(NOT_STARTED);
}

static _Noreturn void
become(const struct cred_run *run, pid_t guard)
{
	if (run->owner.uid != 0 && owner_become(&run->owner) != 0)
		give_up("cannot run it as its owner");
	/* A change of the user would undo it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(NOT_STARTED);
	exec_reset_signals();
	exec_program((const char *const *)run->argv, run->env.vars, true);
	give_up("cannot run it");
}

static void
end_group(int number)
{
	(void)number;
	(void)kill(0, SIGKILL);
}

/* End as the program has ended. */
static _Noreturn void
pass_on(int status)
{
	sigset_t all;

	if (WIFSIGNALED(status)) {
		(void)prctl(PR_SET_DUMPABLE, 0);
		exec_reset_signals();
		(void)raise(WTERMSIG(status));
	}
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : NOT_STARTED);
}

/*
 * The leader of the program's group, which is told by the kernel when our
 * process has ended.  Its signal is one that no script sends to its group, and
 * all others are held back.
 */
static _Noreturn void
lead(const struct cred_run *run, const int ends[static 4], pid_t parent)
{
	struct sigaction action = { .sa_handler = end_group };
	sigset_t others;
	int status = NOT_STARTED << 8;
	pid_t pid;

	if (run->owner.uid == 0 || setsid() < 0)
		(void)setpgid(0, 0);
	exec_reset_signals();
	(void)sigfillset(&others);
	(void)sigdelset(&others, SIGRTMAX);
	(void)sigprocmask(SIG_SETMASK, &others, NULL);
	(void)sigaction(SIGRTMAX, &action, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGRTMAX);
	if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0 ||
	    dup2(ends[3], STDERR_FILENO) < 0)
		_exit(NOT_STARTED);
	file_close_others(NULL, 0);
	pid = fork();
	if (pid < 0)
		give_up("cannot start a process");
	if (pid == 0)
		become(run, getppid());
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	pass_on(status);
}

static int
start(struct helper *helper, const struct cred_run *run, struct err *err)
{
	int ends[4] = { -1, -1, -1, -1 };
	pid_t self = getpid();
	int rc = -1;

	if (pipe2(&ends[0], O_CLOEXEC) == 0 && pipe2(&ends[2], O_CLOEXEC) == 0)
		helper->pid = fork();
	if (helper->pid < 0) {
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot start a process");
		goto out;
	}
	if (helper->pid == 0)
		lead(run, ends, self);
	/* Both sides do it, so that it is done whoever comes first; but who
	 * leads a group already cannot lead a session. */
	if (run->owner.uid == 0)
		(void)setpgid(helper->pid, helper->pid);
	for (size_t i = 0; i < 2; i++) {
		helper->outputs[i].fd = ends[2 * i];
		helper->outputs[i].events = POLLIN;
		ends[2 * i] = -1;
	}
	rc = 0;
out:
	for (size_t i = 0; i < 4; i++)
		file_close(&ends[i]);
	return rc;
}

/* Take what is there; the descriptor is closed at its end.  Reading goes on
 * where the rest is dropped, so that the program is not held up. */
static void
take(int *fd, struct buf *into, bool drop)
{
	char chunk[CHUNK];
	ssize_t n = read(*fd, chunk, sizeof chunk);

	if (n > 0 && (!drop || into->len + (size_t)n <= into->max))
		buf_add(into, chunk, (size_t)n);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		file_close(fd);
	explicit_bzero(chunk, sizeof chunk);
}

/* What is there to be read within wait_ms; 0 = nothing. */
static int
read_some(struct helper *helper, struct cred_run *run, int wait_ms,
    struct err *err)
{
	struct pollfd *outputs = helper->outputs;

	if (poll(outputs, 2, wait_ms) <= 0)
		return 0;
	if (outputs[0].revents != 0)
		take(&outputs[0].fd, &run->out, false);
	if (outputs[1].revents != 0)
		take(&outputs[1].fd, &run->errors, true);
	if (buf_ok(&run->out))
		return 1;
	return err_set(err, ERR_KIND_CREDENTIAL_RETRIEVAL,
	    "it wrote more than %zu bytes", run->out.max);
}

static void
look(struct helper *helper, struct cred_run *run)
{
	pid_t got = waitpid(helper->pid, &run->status, WNOHANG);

	helper->ended = got > 0 || (got < 0 && errno != EINTR);
	/* Somebody else may have taken the status: it ended all the same. */
	if (helper->ended && got < 0)
		run->status = NOT_STARTED << 8;
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
	/* Without its leader the number of a group may be another's; who is
	 * left of it fails at the closed pipes. */
	if (helper->ended)
		return;
	(void)kill(-helper->pid, SIGKILL);
	(void)kill(helper->pid, SIGKILL);
	while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
cred_run_program(struct cred_run *run, struct err *err)
{
	struct helper helper = { .pid = -1 };
	int rc;

	if (start(&helper, run, err) != 0)
		return -1;
	rc = watch(&helper, run, err);
	if (rc != 0)
		kill_group(&helper);
	file_close(&helper.outputs[0].fd);
	file_close(&helper.outputs[1].fd);
	return rc;
}
