/* SPDX-License-Identifier: MIT */
/*
 * The input is what `amazon-ssm-agent -register` has said before it ended.
 */
#include <stdint.h>

#include "fuzz/fuzz.h"

#include "work/delegate.c"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf output = { .max = OUTPUT_MAX };
	struct err err = { 0 };

	buf_add(&output, data, size);
	require(explain(&output, 1, &err) == -1);
	require(err.kind == ERR_KIND_API && err.msg[0] != '\0');
	for (const char *c = err.msg; *c != '\0'; c++)
		require((unsigned char)*c >= ' ' && *c != 0x7F);
	buf_free(&output);
	return 0;
}
