/* SPDX-License-Identifier: MIT */
#include "work/caller.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "agent/child.h"
#include "base/capture.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "work/jail.h"

enum { CHARACTER_MAX = 4 };

/* One of the child's two outputs. */
struct stream {
	int to;
	bool terminal; /* a line may begin anew on it */
	size_t len;    /* of text */
	char text[CAPTURE_PIECE + CHARACTER_MAX];
	struct err *err;
};

struct caller {
	int (*work)(void *argument);
	void *argument;
};

/* The beginning of a character, the rest of which is still to come. */
static bool
is_partial(struct slice text)
{
	return text.len < CHARACTER_MAX && (unsigned char)text.ptr[0] >= 0x80 &&
	       slice_printable(text) == 0;
}

static bool
is_allowed(const struct stream *stream, char c)
{
	return c == '\n' || c == '\t' || (c == '\r' && stream->terminal);
}

/* Clean the text in place and give how much of it is whole; a partial character
 * at its end waits for the rest, unless the stream has ended. */
static size_t
clean(struct stream *stream, bool end)
{
	struct slice rest = slice_make(stream->text, stream->len);

	while (rest.len > 0 && (end || !is_partial(rest))) {
		size_t len = slice_printable(rest);

		if (len == 0 && !is_allowed(stream, rest.ptr[0]))
			stream->text[stream->len - rest.len] = '?';
		rest = slice_skip(rest, len > 0 ? len : 1);
	}
	return stream->len - rest.len;
}

/* After a failure of writing the child goes on with its work all the same. */
static bool
pass_on(void *into, const char *text, size_t len)
{
	struct stream *stream = into;
	size_t done = 0;

	memcpy(&stream->text[stream->len], text, len);
	stream->len += len;
	done = clean(stream, len == 0);
	if (stream->err->code == ERR_OK)
		file_write_fd(stream->to, stream->text, done, stream->err);
	stream->len -= done;
	memmove(stream->text, &stream->text[done], stream->len);
	return true;
}

static int
be_caller(void *argument)
{
	const struct caller *caller = argument;

	jail_private(SIGKILL);
	return caller->work(caller->argument);
}

static int
run(int (*work)(void *argument), void *argument,
    const struct capture_stream *out, struct err *err)
{
	struct stream errors = {
		.to = STDERR_FILENO,
		.terminal = isatty(STDERR_FILENO) == 1,
		.err = err,
	};
	struct caller caller = { work, argument };
	struct capture capture = {
		.work = be_caller,
		.argument = &caller,
		.deadline = INT64_MAX,
		.streams = { *out, { pass_on, &errors } },
	};

	file_close_cover();
	/* Who ignores it, as we may have been started, learns no status. */
	signal(SIGCHLD, SIG_DFL);
	capture_run(&capture, err);
	return err->code != ERR_OK ? (int)err->code
	                           : child_status(capture.status);
}

int
caller_run(int (*work)(void *argument), void *argument, struct err *err)
{
	struct stream out = { .to = STDOUT_FILENO, .err = err };

	return run(work, argument, &(struct capture_stream){ pass_on, &out },
	    err);
}

int
caller_ask(int (*work)(void *argument), void *argument, struct buf *out,
    struct err *err)
{
	return run(work, argument, &(struct capture_stream){ capture_all, out },
	    err);
}
