/* SPDX-License-Identifier: MIT */
#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

#include <stddef.h>

#include "base/err.h"
#include "settings/config.h"

/*
 * A state directory for the test that runs.  The directory itself is not made
 * yet; the folder that will hold it is.
 */
struct folder {
	char base[64];  /* holds the directory */
	char state[96]; /* the state directory */
	char path[128]; /* the file in it that the test is about */
	struct config cfg;
	struct err err;
};
extern struct folder folder;

/* Make it for a test about this file; remove it, as cmocka's teardown. */
int folder_make(const char *file);
int folder_remove(void **state);

/* Make folder.base for a group of tests and enter it; remove it, when they
 * have removed what they put there. */
int folder_enter(void **state);
int folder_leave(void **state);

/* Wait for all children, and remove a folder with what may be in it; as
 * rmdir(2). */
int folder_drop(const char *path, const char *const *files, size_t count);

#endif
