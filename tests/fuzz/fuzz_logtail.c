/*
 * Lines of the agent's log, followed through a file in pieces whose size the
 * first byte decides.  However the text is cut, the news are the same as those
 * of its lines.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/logtail.h"
#include "base/log.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

#define NAME "log"

enum { INPUT_MAX = 16384 };

static char folder[] = "/tmp/fuzz_logtail.XXXXXX";
static char path[sizeof(folder) + sizeof(NAME)];

static void
clean_up(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

static void
set_up(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (mkdtemp(folder) == NULL || atexit(clean_up) != 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/" NAME, folder);
}

/* What each line that has an end is worth by itself. */
static unsigned
judge_all(struct slice text)
{
	struct slice line;
	unsigned news = 0;

	while (slice_split(text, '\n', &line, &text)) {
		char *copy = slice_dup(slice_head(line, LOGTAIL_LINE_MAX - 1));
		bool forward = false;
		int level = 0;

		if (copy == NULL)
			abort();
		news |= logtail_judge(copy, &forward, &level);
		free(copy);
	}
	return news;
}

static unsigned
follow(struct slice text, size_t step)
{
	struct logtail tail;
	unsigned news = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);

	if (fd < 0)
		abort();
	logtail_open(&tail, folder, NAME);
	if (tail.fd < 0)
		abort();
	while (text.len > 0) {
		struct slice piece = slice_head(text, step);

		if (write(fd, piece.ptr, piece.len) != (ssize_t)piece.len)
			abort();
		news |= logtail_read(&tail);
		text = slice_skip(text, step);
	}
	logtail_close(&tail);
	(void)close(fd);
	return news;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	size_t step;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	set_up();
	log_open(LOG_ERROR, LOG_TEXT);
	step = 1 + (size_t)data[0] * 4 + size / 64;
	text = slice_skip(text, 1);
	if (follow(text, step) != judge_all(text))
		abort();
	return 0;
}
