/* SPDX-License-Identifier: MIT */
/*
 * --user against passwd and group: the three, with NUL bytes between.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "agent/user.c"

enum { SPEC_SIZE = 256 };

static void
check(const struct user_ids *ids)
{
	require(ids->group_count >= 1 && ids->group_count <= USER_GROUPS_MAX);
	require(ids->groups[0] == ids->gid);
	require(ids->uid != (uid_t)-1 && ids->gid != (gid_t)-1);
	require(memchr(ids->name, '\0', sizeof ids->name) != NULL);
	require(memchr(ids->home, '\0', sizeof ids->home) != NULL);
	require(ids->home[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct slice spec, passwd;
	struct user_ids ids = { .uid = 0 };
	struct err err = { 0 };
	char text[SPEC_SIZE];

	if (!slice_split(rest, '\0', &spec, &rest) ||
	    !slice_split(rest, '\0', &passwd, &rest) ||
	    !slice_copy(spec, text, sizeof text))
		return 0;
	if (find_ids(&ids, text, passwd, rest, &err) == 0)
		check(&ids);
	else
		require(err.kind != ERR_KIND_NONE);
	return 0;
}
