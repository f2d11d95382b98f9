/* SPDX-License-Identifier: MIT */
#include "base/near.h"

#include <string.h>

enum { ROW = NEAR_WORD + 1 };

static int
least(int a, int b)
{
	return a < b ? a : b;
}

/* One row of the table of distances from the two before it. */
static void
fill(int *row, const int *above, const int *above2, struct slice a,
    struct slice b, size_t i)
{
	row[0] = (int)i;
	for (size_t j = 1; j <= b.len; j++) {
		bool same = a.ptr[i - 1] == b.ptr[j - 1];

		row[j] = least(above[j - 1] + (same ? 0 : 1),
		    least(above[j], row[j - 1]) + 1);
		if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] &&
		    a.ptr[i - 2] == b.ptr[j - 1])
			row[j] = least(row[j], above2[j - 2] + 1);
	}
}

/* Edits that make one word the other, swaps of neighbours among them (optimal
 * string alignment). */
static int
distance(struct slice a, struct slice b)
{
	int rows[3][ROW] = { { 0 } };

	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a.len; i++)
		fill(rows[i % 3], rows[(i + 2) % 3], rows[(i + 1) % 3], a, b,
		    i);
	return rows[a.len % 3][b.len];
}

void
near_try(struct near *best, struct slice typed, const char *known)
{
	struct slice word = slice_of(known);
	int edits = 0;

	if (typed.len > NEAR_WORD || word.len > NEAR_WORD)
		return;
	edits = distance(typed, word);
	if (edits > NEAR_MAX || 2 * (size_t)edits > word.len ||
	    (best->word != NULL && best->edits <= edits))
		return;
	*best = (struct near){ known, edits };
}
