/* SPDX-License-Identifier: MIT */
/*
 * The input is /etc/os-release.
 */
#include <stdint.h>
#include <string.h>

#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "serve/facts.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct facts facts = { 0 };

	facts_platform(&facts, slice_make((const char *)data, size));
	require(memchr(facts.platform, 0, sizeof facts.platform) != NULL);
	require(memchr(facts.version, 0, sizeof facts.version) != NULL);
	require(facts.platform[0] != '\0' && facts.version[0] != '\0');
	require(slice_utf8(slice_of(facts.platform)));
	require(slice_utf8(slice_of(facts.version)));
	return 0;
}
