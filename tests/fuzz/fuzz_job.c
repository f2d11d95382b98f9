/* SPDX-License-Identifier: MIT */
/*
 * Records of a worker: the type, then what overwrites a good one from its
 * text on.  One that is taken for valid leaves a valid state, that can be
 * saved and loaded again.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "work/job.h"

/* As job_tell() makes it. */
static void
make_good(struct job_record *out)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0 ||
	    job_tell(ends[1], JOURNAL_DONE, "", NULL) != 0 ||
	    job_receive(ends[0], out) != 1 || close(ends[0]) != 0 ||
	    close(ends[1]) != 0)
		abort();
}

static void
check(const struct job_record *record)
{
	struct state state = { .unsettled = true }, again = { .since = 0 };
	struct buf text = { .data = NULL };
	struct err err = { .code = ERR_OK };

	strcpy(state.region, "eu-west-1");
	(void)state_apply(&state, (enum journal)record->type, record->text,
	    &record->state);
	if (!state_valid(&state) || state_encode(&text, &state, &err) != 0 ||
	    state_decode(&again, buf_str(&text), &err) != 0 ||
	    state_settled(&state) != state_settled(&again))
		abort();
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t begin = offsetof(struct job_record, text);
	static struct job_record good;
	struct job_record record;

	if (good.magic == 0)
		make_good(&good);
	if (size == 0)
		return 0;
	record = good;
	record.type = data[0];
	if (--size > sizeof record - begin)
		size = sizeof record - begin;
	memcpy((unsigned char *)&record + begin, data + 1, size);
	if (job_valid(&record))
		check(&record);
	return 0;
}
