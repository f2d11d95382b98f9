/* SPDX-License-Identifier: MIT */
#ifndef BASE_REACH_H
#define BASE_REACH_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/owner.h"

enum { REACH_WHY_SIZE = 400 };

/*
 * How far the word of root goes on the way to a file: the walk ends at the
 * file, or at the first thing that is not root's alone (base/trust.h).
 */
struct reach {
	int dir;             /* the folder that was reached, O_PATH; or -1 */
	char rest[PATH_MAX]; /* below it; "" = nothing */
	bool sticky;         /* others may make entries in dir */
	bool whole;          /* rest is one entry, and st is what it is */
	bool through;        /* ... behind a link that the kernel follows */
	bool link;           /* rest begins with a link of its owner's */
	struct stat st;
	int links;
	struct owner owner; /* zero = it is all root's */
	char why[REACH_WHY_SIZE];
};

/* From the top of the tree to the path, with our rights; -1 with errno.
 * reach_end() closes what it has opened, in each case. */
int reach_path(struct reach *w, const char *path);
void reach_end(struct reach *w);

#endif
