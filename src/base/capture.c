/* SPDX-License-Identifier: MIT */
#include "base/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"

enum { LOOK_MS = 5, KILL_MS = 100, NOT_STARTED = 127 };

/* The process, and what its parent has of it. */
struct process {
	pid_t pid;
	int handle; /* of pidfd_open(2), -1 = none */
	bool ended;
	int from[CAPTURE_STREAMS]; /* -1 = closed, or not taken */
};

/* pidfd_open(2) came with Linux 5.3, and some seccomp profiles refuse it. */
static int
open_handle(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Somebody else may have taken the status: it ended all the same. */
static bool
has_ended(pid_t pid, int *status)
{
	pid_t got = waitpid(pid, status, WNOHANG);

	if (got < 0)
		*status = NOT_STARTED << 8;
	return got != 0;
}

static int
wait_ms(int handle, int64_t until)
{
	int left = clock_left(until);

	return handle >= 0 || left < LOOK_MS ? left : LOOK_MS;
}

bool
capture_ended(pid_t pid, int *status, int64_t until)
{
	struct pollfd wait = { .fd = open_handle(pid), .events = POLLIN };
	bool ended = has_ended(pid, status);

	while (!ended && clock_left(until) > 0) {
		poll(&wait, 1, wait_ms(wait.fd, until));
		ended = has_ended(pid, status);
	}
	file_close(&wait.fd);
	return ended;
}

static int
start(struct process *process, const struct capture *capture, struct err *err)
{
	int ends[CAPTURE_STREAMS][2] = { { -1, -1 }, { -1, -1 } };
	bool ready = true;

	for (int i = 0; i < CAPTURE_STREAMS; i++) {
		if (capture->streams[i].take != NULL &&
		    pipe2(ends[i], O_CLOEXEC) != 0)
			ready = false;
	}
	process->pid = ready ? fork() : -1;
	if (process->pid < 0)
		err_sys(err, ERR_KIND_SYSTEM, "cannot start a process");
	for (int i = 0; i < CAPTURE_STREAMS; i++) {
		if (process->pid == 0 && ends[i][1] >= 0 &&
		    dup2(ends[i][1], STDOUT_FILENO + i) < 0)
			_exit(NOT_STARTED);
		file_close(&ends[i][1]);
		if (process->pid <= 0)
			file_close(&ends[i][0]);
		process->from[i] = ends[i][0];
	}
	if (process->pid == 0)
		_exit(capture->work(capture->argument));
	return process->pid > 0 ? 0 : -1;
}

/* One piece, or the end. */
static bool
take(const struct capture_stream *stream, int *from)
{
	char piece[CAPTURE_PIECE];
	ssize_t n = read(*from, piece, sizeof piece);
	bool taken;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		file_close(from);
	taken = stream->take(stream->into, piece, n > 0 ? (size_t)n : 0);
	explicit_bzero(piece, sizeof piece);
	return taken;
}

/* Tell the end of the streams that were not read to their end. */
static void
take_ends(const struct capture *capture, struct process *process)
{
	for (int i = 0; i < CAPTURE_STREAMS; i++) {
		const struct capture_stream *stream = &capture->streams[i];

		if (process->from[i] >= 0)
			stream->take(stream->into, "", 0);
		file_close(&process->from[i]);
	}
}

/* Poll the streams and, behind them, the handle of the process. */
static int
wait_for_news(const struct process *process, int64_t until,
    struct pollfd fds[static CAPTURE_STREAMS + 1])
{
	int handle = process->ended ? -1 : process->handle;

	for (int i = 0; i < CAPTURE_STREAMS; i++)
		fds[i] = (struct pollfd){ process->from[i], POLLIN, 0 };
	fds[CAPTURE_STREAMS] = (struct pollfd){ handle, POLLIN, 0 };
	return poll(fds, CAPTURE_STREAMS + 1,
	    process->ended ? 0 : wait_ms(handle, until));
}

static enum capture_end
follow(struct capture *capture, struct process *process)
{
	struct pollfd fds[CAPTURE_STREAMS + 1];

	do {
		int n = wait_for_news(process, capture->deadline, fds);

		for (int i = 0; n > 0 && i < CAPTURE_STREAMS; i++) {
			if (fds[i].revents != 0 &&
			    !take(&capture->streams[i], &process->from[i]))
				return CAPTURE_STOPPED;
		}
		if (n == 0 && process->ended)
			return CAPTURE_ENDED;
		process->ended =
		    process->ended || has_ended(process->pid, &capture->status);
	} while (clock_left(capture->deadline) > 0);
	return CAPTURE_LATE;
}

/* Without its leader the number of a group may be another's; who is left of
 * it fails at the closed pipes. */
static void
end(const struct process *process)
{
	int status;

	if (process->ended)
		return;
	kill(-process->pid, SIGKILL);
	kill(process->pid, SIGKILL);
	capture_ended(process->pid, &status, clock_in(KILL_MS));
}

enum capture_end
capture_run(struct capture *capture, struct err *err)
{
	struct process process = { .pid = -1 };
	enum capture_end how;

	if (start(&process, capture, err) != 0)
		return CAPTURE_FAILED;
	process.handle = open_handle(process.pid);
	how = follow(capture, &process);
	end(&process);
	take_ends(capture, &process);
	file_close(&process.handle);
	return how;
}

bool
capture_all(void *buf, const char *text, size_t len)
{
	buf_add(buf, text, len);
	return buf_ok(buf);
}

bool
capture_head(void *buf, const char *text, size_t len)
{
	struct buf *into = buf;

	if (into->len + len <= into->max)
		buf_add(into, text, len);
	return true;
}
