/* SPDX-License-Identifier: MIT */
#ifndef AGENT_SWAP_H
#define AGENT_SWAP_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"

struct err;

/*
 * A few small files replaced together: all or none, and without losing what
 * others write to them at the same time, who know no lock.  What takes long,
 * writing and syncing the new versions beside the old ones, comes first; then
 * each file is compared with what was read, and renamed over at once.
 *
 * The owner zeroes a file but for path and temp, loads it, adds the new text
 * to `new` (a file without one stays as it is), stages and commits all files
 * and drops them, whatever came of it; then it may load them again.
 */
struct swap_file {
	const char *path;
	const char *temp;    /* beside it; a crash leaves it behind */
	bool found;          /* there is such a file, */
	struct stat st;      /* with this owner and mode, */
	struct buf old, new; /* and this text */
	int staged, seen;    /* descriptors: of temp, of the file; 0 = none */
	bool synced;         /* what is staged is on disk */
	size_t kept;         /* of a replaced file: bytes taken over */
};

/* Read it, at most SWAP_MAX bytes.  A file that is not there is fine. */
enum { SWAP_MAX = 4 * 1024 * 1024 };
int swap_load(struct swap_file *file, struct err *err);

/* Write the new versions beside the files, with their owners and modes.  sync:
 * and to disk, which may take long; without, swap_commit() does it. */
int swap_stage(struct swap_file *files, int count, bool sync, struct err *err);

/*
 * Put them in place, in their order.  Gives 1 when a file is no longer what was
 * read: then nothing was changed.  A file that is mounted by itself cannot be
 * renamed over and is written in place, the room for it reserved before.  Where
 * that fails the files become again what they were.
 */
int swap_commit(struct swap_file *files, int count, struct err *err);

/* After that: who had opened a file before it was replaced may write to the end
 * of the old one yet; what was added there so far is added to the new one.
 * swap_commit() has done it once. */
void swap_rescue(struct swap_file *files, int count);

/* Close and remove what swap_stage() made, and give up the texts. */
void swap_drop(struct swap_file *files, int count);

#endif
