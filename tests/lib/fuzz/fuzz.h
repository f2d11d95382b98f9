/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* What libFuzzer and replay.c call (https://llvm.org/docs/LibFuzzer.html). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input: a crash is what is looked for. */
static inline void
require(bool holds)
{
	if (!holds)
		abort();
}

#endif
