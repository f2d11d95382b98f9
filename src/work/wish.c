/* SPDX-License-Identifier: MIT */
#include "work/wish.h"

#include <stdio.h>

#include "base/clock.h"

#define HEX "0123456789abcdef-"

enum { TASK_MIN = 32 }; /* characters of a task's id; older ones are UUIDs */

uint64_t
wish_meaning(struct slice value, const char *task, int64_t now)
{
	static const char until[] = "on until ";
	struct slice line, head, id;
	int64_t end = 0;

	/* Editors and pipes leave a line end. */
	slice_line(&value, &line);
	id = line = slice_trim(line);
	if (value.len > 0)
		return WISH_ODD;
	if (slice_eq_nocase(line, "on"))
		return WISH_ON;
	if (slice_eq_nocase(line, "off"))
		return WISH_OFF;
	if (slice_starts(line, until)) {
		line = slice_trim(slice_skip(line, sizeof until - 1));
		if (!clock_parse_iso(line, &end))
			return WISH_ODD;
		return end > now && end > WISH_ON ? (uint64_t)end : WISH_NONE;
	}
	slice_rsplit(line, '/', &head, &id);
	if (*task != '\0' && slice_eq(id, task))
		return WISH_ON;
	return id.len >= TASK_MIN && slice_all_in(id, HEX) ? WISH_NONE
	                                                   : WISH_ODD;
}

void
wish_text(char out[static WISH_TEXT_SIZE], const struct wish *wish)
{
	snprintf(out, WISH_TEXT_SIZE, "%llu %llu %llu",
	    (unsigned long long)wish->version,
	    (unsigned long long)wish->written, (unsigned long long)wish->until);
}

bool
wish_parse(const char *text, struct wish *out)
{
	uint64_t *const to[] = { &out->version, &out->written, &out->until };
	struct slice rest = slice_of(text), word;

	for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
		slice_cut(&rest, ' ', &word);
		if (!slice_u64(word, INT64_MAX / 1000, to[i]))
			return false;
	}
	return rest.len == 0;
}
