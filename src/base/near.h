/* SPDX-License-Identifier: MIT */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include "base/slice.h"

/*
 * "Did you mean": which of some known words somebody may have meant by one that
 * is not known.  Near are words at most NEAR_MAX edits apart (a character more,
 * less, another, or two swapped), in short words no more than half of them.
 */
enum { NEAR_MAX = 2, NEAR_WORD = 48 };

/* The nearest so far; zero is none. */
struct near {
	const char *word; /* borrowed; NULL = none is near */
	int edits;
};

/* Take a known word if it is nearer to the typed one than what is there.  A
 * word of more than NEAR_WORD bytes is near to nothing. */
void near_try(struct near *best, struct slice typed, const char *known);

#endif
