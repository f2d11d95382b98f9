/* SPDX-License-Identifier: MIT */
/*
 * passwd, group and shadow: the first byte says what is wanted, the files
 * follow with NUL bytes between.  What was there stays; the user is there
 * afterwards.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { PARTS = 3 };

/* The old text, perhaps with the newline that it lacked, begins the new. */
static void
check_kept(const struct buf *now, const char *before)
{
	size_t len = before != NULL ? strlen(before) : 0;

	if (now->len < len || (len > 0 && memcmp(now->data, before, len) != 0))
		abort();
	if (now->len > 0 && now->data[now->len - 1] != '\n')
		abort();
}

static void
check(const struct buf *texts, char *const *before,
    const struct user_want *want)
{
	struct buf again[PARTS] = { { 0 } };
	struct user_texts out = { &again[0], &again[1], &again[2] };
	struct err err = { 0 };

	check_kept(&texts[0], before[0]);
	if (!want->alias)
		check_kept(&texts[1], before[1]);
	if (before[2] != NULL)
		check_kept(&texts[2], before[2]);
	else if (texts[2].len != 0)
		abort();
	if (user_add(&out, buf_str(&texts[0]), buf_str(&texts[1]),
	        before[2] != NULL ? buf_str(&texts[2]) : NULL, want, &err) != 1)
		abort();
	if (again[0].len + again[1].len + again[2].len != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct buf texts[PARTS] = { { 0 } };
	struct user_texts out = { &texts[0], &texts[1], &texts[2] };
	struct user_want want = { 0 };
	char *before[PARTS] = { NULL };
	struct err err = { 0 };

	if (size > 0) {
		want.alias = data[0] % 2 == 1;
		want.uid = data[0] / 2;
		want.gid = data[0] / 4;
		rest = slice_skip(rest, 1);
	}
	for (size_t i = 0; i < PARTS; i++) {
		struct slice part = { 0 };

		if (slice_cut(&rest, '\0', &part))
			before[i] = slice_dup(part);
	}
	if (user_add(&out, before[0], before[1], before[2], &want, &err) == 0)
		check(texts, before, &want);
	for (size_t i = 0; i < PARTS; i++) {
		buf_free(&texts[i]);
		free(before[i]);
	}
	return 0;
}
