/* SPDX-License-Identifier: MIT */
/*
 * What a parameter says, and what a worker says of it: every text has a
 * meaning, and one that is passed on is the same afterwards.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "work/wish.h"

enum { NOW = 1796061600, LAST = 253402387199 };

static void
check_meaning(struct slice text)
{
	uint64_t meaning = wish_meaning(text, "3f2a", NOW);

	require(meaning <= WISH_ON || (meaning > NOW && meaning <= LAST));
}

static void
check_passed_on(const char *text)
{
	struct wish wish = { 0 }, again = { 0 };
	char copy[WISH_TEXT_SIZE];

	if (!wish_parse(text, &wish))
		return;
	wish_text(copy, &wish);
	require(wish_parse(copy, &again));
	require(memcmp(&wish, &again, sizeof wish) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[256];

	check_meaning(slice_make((const char *)data, size));
	if (slice_copy(slice_make((const char *)data, size), text, sizeof text))
		check_passed_on(text);
	return 0;
}
