/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

enum { KNOBS_MAX = 16 };

static char *values[KNOBS_MAX];
static size_t count;

/* Kept for the life of the process, like an environment. */
static void
keep(struct slice line)
{
	char *copy;

	if (count == KNOBS_MAX || !slice_starts(line, "STANDIN_"))
		return;
	copy = slice_dup(line);
	if (copy != NULL)
		values[count++] = copy;
}

void
knob_load(const char *folder)
{
	struct buf path = { 0 }, text = { 0 };
	struct err err = { 0 };
	struct slice rest, line;

	buf_printf(&path, "%s/standin.conf", folder);
	if (buf_ok(&path) &&
	    file_read(buf_str(&path), &text, &err) == FILE_FOUND) {
		rest = slice_make(text.data, text.len);
		while (slice_line(&rest, &line))
			keep(line);
	}
	buf_free(&path);
	buf_free(&text);
}

const char *
knob_get(const char *name)
{
	const char *value = getenv(name);
	struct slice have, rest;

	if (value != NULL)
		return value;
	for (size_t i = 0; i < count; i++) {
		if (slice_split(slice_of(values[i]), '=', &have, &rest) &&
		    slice_eq(have, name))
			return rest.ptr;
	}
	return NULL;
}

int64_t
knob_ms(const char *name, int64_t otherwise)
{
	uint64_t ms;

	if (!slice_u64(slice_of(knob_get(name)), INT32_MAX, &ms))
		return otherwise;
	return (int64_t)ms;
}

bool
knob_on(const char *name)
{
	return slice_eq(slice_of(knob_get(name)), "1");
}
