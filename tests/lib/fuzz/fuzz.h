/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/slice.h"

/* What libFuzzer and replay.c call (https://llvm.org/docs/LibFuzzer.html). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input: a crash is what is looked for. */
static inline void
require(bool holds)
{
	if (!holds)
		abort();
}

/* What may be shown to a terminal. */
static inline void
require_printable(const char *text, size_t len)
{
	struct slice rest = slice_make(text, len);

	while (rest.len > 0) {
		size_t n = slice_printable(rest);

		require(n > 0);
		rest = slice_skip(rest, n);
	}
}

#endif
