/* SPDX-License-Identifier: MIT */
/*
 * Lines of the agent's log, followed in pieces whose size the first byte
 * decides.  However the text is cut, the news are the same as those of its
 * lines, and what is forwarded is one of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { INPUT_MAX = 16384 };

static void
forwarded(enum log_level level, const char *prefix, const char *line)
{
	(void)prefix;
	require((level <= LOG_WARN || level == LOG_DEBUG) && line[0] != '\0' &&
	        strchr(line, '\n') == NULL);
}

#define log_forward forwarded
#include "agent/logtail.c"

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
		news = add(news, logtail_judge(copy, &forward, &level));
		free(copy);
	}
	return news;
}

static unsigned
follow(struct slice text, size_t step)
{
	struct logtail tail = { .fd = -1, .file = -1 };
	unsigned news = 0;

	for (; text.len > 0; text = slice_skip(text, step))
		news = add(news, take(&tail, slice_head(text, step)));
	return news;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	size_t step;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	step = 1 + (size_t)data[0] * 4 + size / 64;
	text = slice_skip(text, 1);
	require(follow(text, step) == judge_all(text));
	return 0;
}
