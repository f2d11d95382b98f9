#include "work/job_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/* Credit is needed for as much as one read takes. */
enum { SECOND_MS = 1000, PIECE = PIPE_BUF };

/* With O_DIRECT what is written at once is read at once, so that no line is
 * cut; not every kernel that calls itself Linux knows that. */
static int
open_pipe(int fds[static 2])
{
	if (pipe2(fds, O_CLOEXEC | O_DIRECT) == 0)
		return 0;
	return errno == EINVAL ? pipe2(fds, O_CLOEXEC) : -1;
}

int
job_log_open(struct job_log *log, int *theirs, struct err *err)
{
	int fds[2];

	if (open_pipe(fds) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "fcntl");
		close(fds[0]);
		close(fds[1]);
		return -1;
	}
	*theirs = fds[1];
	*log = (struct job_log){
		.fd = fds[0],
		.credit = JOB_LOG_BURST,
		.counted_at = clock_ms(),
	};
	return 0;
}

static void
drop(struct job_log *log)
{
	close(log->fd);
	log->fd = -1;
}

static void
count_up(struct job_log *log)
{
	int64_t now = clock_ms();

	log->credit += (now - log->counted_at) * JOB_LOG_RATE / SECOND_MS;
	if (log->credit > JOB_LOG_BURST)
		log->credit = JOB_LOG_BURST;
	log->counted_at = now;
}

/* False when there is nothing more now. */
static bool
pass_one(struct job_log *log)
{
	char text[PIECE];
	ssize_t n = read(log->fd, text, sizeof(text));

	if (n > 0) {
		log->credit -= n;
		log_raw(text, (size_t)n);
		return true;
	}
	/* Without anybody who writes there is no more to wait for. */
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		drop(log);
	return false;
}

void
job_log_pass(struct job_log *log)
{
	if (log->fd < 0)
		return;
	if (log->credit < PIECE)
		count_up(log);
	while (log->fd >= 0 && log->credit >= PIECE && pass_one(log)) {
	}
}

void
job_log_close(struct job_log *log, const char *name)
{
	char more;

	job_log_pass(log);
	if (log->fd < 0)
		return;
	if (read(log->fd, &more, sizeof(more)) > 0) {
		log_event(LOG_WARN, "worker_log",
		    "%s: the worker's log was too long, its end is dropped",
		    name);
	}
	drop(log);
}

int
job_log_fd(const struct job_log *log)
{
	return log->credit >= PIECE ? log->fd : -1;
}

int64_t
job_log_due(const struct job_log *log)
{
	int64_t missing = PIECE - log->credit;

	if (log->fd < 0 || missing <= 0)
		return INT64_MAX;
	return log->counted_at + missing * SECOND_MS / JOB_LOG_RATE + 1;
}
