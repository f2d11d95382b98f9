/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/capture.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/slice.h"

/* Images whose C library has other sources have it there. */
#define GETENT "/usr/bin/getent"

enum { NSSWITCH_MAX = 64 * 1024, ANSWER_MAX = 4096, NOT_RUN = 127 };

bool
user_elsewhere_sources(struct slice nsswitch)
{
	struct slice line, key, word;

	while (slice_cut(&nsswitch, '\n', &line)) {
		slice_split(line, '#', &line, &word);
		if (!slice_split(line, ':', &key, &line) ||
		    !slice_eq(slice_trim(key), "passwd"))
			continue;
		while (line.len > 0) {
			line = slice_trim(line);
			word = slice_until(&line, " \t");
			if (word.len > 0 && !slice_starts(word, "[") &&
			    !slice_has_word(slice_of("files compat"), word))
				return true;
		}
	}
	return false;
}

/* As root, since who can write there is root anyway. */
static int
be_getent(void *unused)
{
	static const char *const argv[] = { GETENT, "passwd", USER_NAME, NULL };
	char *vars[] = { NULL };

	(void)unused;
	setpgid(0, 0);
	exec_reset_signals();
	exec_program(argv, vars, false);
	return NOT_RUN;
}

static bool
take_answer(struct user_ids *out, struct slice answer)
{
	struct entry e;

	return entry_find(answer, ENTRY_NAME, slice_of(USER_NAME), &e) &&
	       entry_id(e.field[ENTRY_ID], &out->uid) && out->uid != 0 &&
	       entry_id(e.field[ENTRY_GID], &out->gid) &&
	       slice_copy(e.field[ENTRY_HOME], out->home, sizeof out->home);
}

static bool
has_sources(void)
{
	struct buf text = { .max = NSSWITCH_MAX };
	bool found =
	    file_read("/etc/nsswitch.conf", &text, NULL) == FILE_FOUND &&
	    user_elsewhere_sources(slice_make(text.data, text.len));

	buf_free(&text);
	return found;
}

bool
user_elsewhere(struct user_ids *out)
{
	struct buf answer = { .max = ANSWER_MAX };
	struct capture capture = {
		.work = be_getent,
		.deadline = clock_in(USER_ASK_MS),
		.streams = { { capture_all, &answer } },
	};
	bool known = has_sources() &&
	             capture_run(&capture, NULL) == CAPTURE_ENDED &&
	             capture.status == 0 &&
	             take_answer(out, slice_make(answer.data, answer.len));

	buf_free(&answer);
	return known;
}
