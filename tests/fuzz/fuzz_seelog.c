/* SPDX-License-Identifier: MIT */
/* A log configuration of anybody's: the path found in it is absolute and whole,
 * and found again in what we write with it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/seelog.h"
#include "base/buf.h"
#include "base/err.h"
#include "fuzz/fuzz.h"

enum { PATH_SIZE = 256 };

static void
check(const char *path)
{
	struct buf text = { 0 };
	struct err err = { 0 };
	char again[PATH_SIZE];

	require(path[0] == '/');
	if (seelog_make(&text, path, &err) != 0)
		abort();
	require(seelog_is_made(slice_of(buf_str(&text))));
	/* What seelog takes for the log of errors alone is not followed. */
	if (seelog_find(slice_of(buf_str(&text)), again, sizeof again, &err) ==
	    0)
		require(strcmp(path, again) == 0);
	else
		require(slice_ends(slice_of(path), "/errors.log"));
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	char path[PATH_SIZE];

	if (seelog_find(slice_make((const char *)data, size), path, sizeof path,
	        &err) == 0)
		check(path);
	return 0;
}
