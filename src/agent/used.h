/* SPDX-License-Identifier: MIT */
#ifndef AGENT_USED_H
#define AGENT_USED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * Which numbers of a range are somebody's user or group, so that a user of our
 * own shares none with anybody: who has the uid of a process may kill it and
 * read its memory.  First used_begin(), then whatever is to be heeded, then
 * the questions.  Numbers outside of the range are passed over.
 *
 * A network worker, still as root, would ask
 *
 *	used_begin(&used, first, last);
 *	used_machine(&used);
 *	user_heed(&used, cfg->user);
 *	used_files(&used);
 *	id = used_free(&used);
 *
 * Takes 16 KiB; USED_MAX numbers are the longest range, a longer one ends
 * there.  To ask for one number, first and last are that number.  What happens
 * after the look is not seen: two that look at once may find the same number.
 */
enum { USED_MAX = 64 * 1024 };
struct used {
	uint32_t first, last;
	uint8_t uids[USED_MAX / 8], gids[USED_MAX / 8];
};
void used_begin(struct used *used, uint32_t first, uint32_t last);

/* One number is somebody's. */
void used_uid(struct used *used, uint32_t uid);
void used_gid(struct used *used, uint32_t gid);

/*
 * The ids of every process that /proc shows (real, effective, saved, of the
 * file system, further groups; also our own), and of the owner of the working
 * folder.  What cannot be read counts for nothing: without /proc, or where it
 * hides others' processes, the rest has to do.
 */
void used_machine(struct used *used);

/* What /etc/passwd and /etc/group name; a file that is not there names
 * nothing.  used_entries: the same of two texts, pure, but for the entry of
 * passwd and the group that are called so (NULL = all count). */
void used_files(struct used *used);
void used_entries(struct used *used, struct slice passwd, struct slice group,
    const char *but);

/* What the user namespace does not map: no process and no file can have it. */
void used_unmapped(struct used *used);

/* Whether the number is in the range and somebody's. */
bool used_has_uid(const struct used *used, uint32_t uid);
bool used_has_gid(const struct used *used, uint32_t gid);

/* The highest number that is neither a user's nor a group's, 0 = none. */
uint32_t used_free(const struct used *used);

#endif
