#include "work/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "work/jail.h"

enum { STREAMS = 2, PIECE = 8192, CHARACTER_MAX = 4 };

/* One of the child's two outputs. */
struct stream {
	int from, to; /* from: -1 = at its end */
	size_t len;   /* of text */
	char text[PIECE];
};

/* The beginning of a character, the rest of which is still to come. */
static bool
is_partial(struct slice text)
{
	return text.len < CHARACTER_MAX && (unsigned char)text.ptr[0] >= 0x80 &&
	       slice_printable(text) == 0;
}

/* In place; what stays behind is a partial character.  All of it at the end
 * of the stream. */
static size_t
clean(struct stream *stream, bool end)
{
	struct slice rest = slice_make(stream->text, stream->len);

	while (rest.len > 0 && (end || !is_partial(rest))) {
		size_t len = slice_printable(rest);

		if (len == 0 && rest.ptr[0] != '\n' && rest.ptr[0] != '\t')
			stream->text[stream->len - rest.len] = '?';
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
	return stream->len - rest.len;
}

static void
pass_on(struct stream *stream, struct err *err)
{
	ssize_t n = read(stream->from, &stream->text[stream->len],
	    sizeof(stream->text) - stream->len);
	size_t done = 0;

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0)
		stream->len += (size_t)n;
	done = clean(stream, n <= 0);
	/* Once it failed, the child goes on with its work all the same. */
	if (err->code == ERR_OK)
		file_write_fd(stream->to, stream->text, done, err);
	stream->len -= done;
	memmove(stream->text, &stream->text[done], stream->len);
	if (n <= 0) {
		close(stream->from);
		stream->from = -1;
	}
}

static void
pass_all(struct stream streams[static STREAMS], struct err *err)
{
	while (streams[0].from >= 0 || streams[1].from >= 0) {
		struct pollfd fds[STREAMS] = {
			{ .fd = streams[0].from, .events = POLLIN },
			{ .fd = streams[1].from, .events = POLLIN },
		};

		if (poll(fds, STREAMS, -1) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < STREAMS; i++) {
			if (fds[i].revents != 0)
				pass_on(&streams[i], err);
		}
	}
}

/* Its end of the two pipes becomes the child's output. */
static bool
take_outputs(const int ends[static STREAMS])
{
	return dup2(ends[0], STDOUT_FILENO) >= 0 &&
	       dup2(ends[1], STDERR_FILENO) >= 0;
}

int
caller_run(int (*work)(void *argument), void *argument, struct err *err)
{
	struct stream streams[STREAMS] = {
		{ .from = -1, .to = STDOUT_FILENO },
		{ .from = -1, .to = STDERR_FILENO },
	};
	int theirs[STREAMS] = { -1, -1 };
	pid_t pid = -1;
	int status = 0;

	file_close_cover();
	for (size_t i = 0; i < STREAMS; i++) {
		int ends[2] = { -1, -1 };

		if (pipe2(ends, O_CLOEXEC) != 0)
			err_sys(err, ERR_KIND_SYSTEM, "pipe");
		streams[i].from = ends[0];
		theirs[i] = ends[1];
	}
	if (err->code == ERR_OK)
		pid = fork();
	if (pid == 0) {
		jail_private(SIGKILL);
		_exit(take_outputs(theirs) ? work(argument) : (int)ERR_SYSTEM);
	}
	if (pid < 0 && err->code == ERR_OK)
		err_sys(err, ERR_KIND_SYSTEM, "fork");
	file_close(&theirs[0]);
	file_close(&theirs[1]);
	if (pid > 0)
		pass_all(streams, err);
	file_close(&streams[0].from);
	file_close(&streams[1].from);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return err->code != ERR_OK ? (int)err->code : child_status(status);
}
