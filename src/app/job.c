#include "app/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/jail.h"
#include "app/record.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"

/* A pipe holds 64 KiB (pipe(7)). */
enum { PIPE_RECORDS = 64 };

static void __attribute__((noreturn))
be_worker(const struct job_spec *spec, int out, pid_t keeper)
{
	int keep[JOB_KEEP_MAX + 1];
	size_t count = 0;

	for (; count < spec->keep_count; count++)
		keep[count] = spec->keep[count];
	keep[count++] = out;
	/* A group of its own: what is typed at the terminal is for the
	 * application, and what the worker starts ends with it. */
	setpgid(0, 0);
	/* The mask is the keeper's; a worker dies of signals. */
	exec_reset_signals();
	signal(SIGPIPE, SIG_IGN);
	jail_worker(keep, count);
	if (getppid() == keeper)
		spec->work(spec->input, out);
	_exit(0);
}

int
job_start(struct job *job, const struct job_spec *spec, struct err *err)
{
	pid_t keeper = getpid();
	int fds[2];
	pid_t pid = 0;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	pid = fork();
	if (pid == 0)
		be_worker(spec, fds[1], keeper);
	close(fds[1]);
	if (pid < 0) {
		err_sys(err, ERR_KIND_SYSTEM, "fork");
		close(fds[0]);
		return -1;
	}
	/* Whichever of the two comes first. */
	setpgid(pid, pid);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*job = (struct job){
		.name = spec->name,
		.pid = pid,
		.fd = fds[0],
		.deadline = spec->deadline,
		.active = true,
	};
	return 0;
}

/* A worker that nobody listens to any more is gone before we go on, with what
 * it has started, so that none is left when its keeper is. */
static void
bury(struct job *job)
{
	if (job->pid <= 0)
		return;
	kill(-job->pid, SIGKILL);
	/* Without CAP_KILL one that is of another user by now ends when it
	 * will. */
	if (kill(job->pid, SIGKILL) != 0)
		return;
	waitpid(job->pid, NULL, 0);
	job->pid = 0;
}

static void
end(struct job *job)
{
	bury(job);
	close(job->fd);
	job->fd = -1;
	job->active = false;
}

static int
fail(struct job *job, struct record *out, const char *why, bool timed_out)
{
	*out = (struct record){ .type = RECORD_FAILED };
	err_set(&out->err, timed_out ? ERR_KIND_CONNECTION : ERR_KIND_SYSTEM,
	    "%s: %s", job->name, why);
	out->err.timed_out = timed_out;
	out->err.retry = ERR_TRANSIENT;
	end(job);
	return 1;
}

int
job_next(struct job *job, struct record *out)
{
	bool late = job->active && clock_ms() >= job->deadline;
	int got = 0;

	if (!job->active)
		return 0;
	/* What it wrote in its last moment still counts: then the pipe is read
	 * to its end before the job is over. */
	if (late)
		bury(job);
	for (int i = 0; got == 0 && i < (late ? PIPE_RECORDS : 1); i++)
		got = record_receive(job->fd, out);
	if (got == 0 && !late)
		return 0;
	if (got <= 0)
		return fail(job, out,
		    late ? "no end within its time" : "the worker died", late);
	if (out->type == RECORD_DONE || out->type == RECORD_FAILED)
		end(job);
	return 1;
}

void
job_kill(struct job *job)
{
	if (job->active)
		end(job);
}

bool
job_reaped(struct job *job, pid_t pid)
{
	if (job->pid != pid)
		return false;
	job->pid = 0;
	return true;
}
