/* SPDX-License-Identifier: MIT */
/*
 * What a keeper answers: it overwrites a good answer.  One that is taken for
 * valid can be shown, and what is shown has no control character but the ends
 * of lines.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "work/control.h"

static void
check(const struct buf *text)
{
	struct slice rest = slice_make(text->data, text->len), line;

	require(buf_ok(text));
	while (slice_cut(&rest, '\n', &line))
		require_printable(line.ptr, line.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_status status = { .phase = "up" };
	struct buf text = { .data = NULL }, json = { .data = NULL };

	if (size > sizeof status)
		size = sizeof status;
	if (size > 0)
		memcpy(&status, data, size);
	if (!control_valid(&status))
		return 0;
	control_text(&text, &status);
	control_json(&json, &status);
	check(&text);
	check(&json);
	buf_free(&text);
	buf_free(&json);
	return 0;
}
