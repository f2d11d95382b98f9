/* SPDX-License-Identifier: MIT */
/*
 * The input as /proc/PID/status, as /etc/passwd and /etc/group, and as the map
 * of a user namespace.
 */
#include <stdint.h>

#include "fuzz/fuzz.h"

#include "agent/used.c"
#include "base/owner.h"

enum { FIRST = 60000, LAST = 60255 };

static struct used used;

/* What a map names is what it leaves alone. */
static void
check_map(struct slice text)
{
	uint64_t inside, outside, count;
	struct slice line;

	used_begin(&used, FIRST, LAST);
	take_map(&used, used.uids, text);
	while (slice_cut(&text, '\n', &line)) {
		if (!next_number(&line, &inside) ||
		    !next_number(&line, &outside) ||
		    !next_number(&line, &count))
			continue;
		for (uint64_t id = FIRST; id <= LAST; id++) {
			if (id >= inside && id < inside + count)
				require(!used_has_uid(&used, (uint32_t)id));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct status status = { .in_key = true };
	struct owner owner = { 0 };
	uint32_t free_id;

	used_begin(&used, FIRST, LAST);
	for (size_t i = 0; i < size; i++)
		scan_byte(&used, &status, (char)data[i]);
	end_number(&used, &status);
	used_entries(&used, text, text, "root");
	owner_parse(&owner, FIRST, text, text);
	require(owner.uid == FIRST);
	free_id = used_free(&used);
	require(free_id == 0 || (free_id >= FIRST && free_id <= LAST &&
	                            !used_has_uid(&used, free_id) &&
	                            !used_has_gid(&used, free_id)));
	check_map(text);
	return 0;
}
