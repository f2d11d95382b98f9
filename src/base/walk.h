/* SPDX-License-Identifier: MIT */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct err;
struct stat;

/*
 * Paths that root follows although others may write in some folders of the
 * machine.  Each folder on the way is looked at through its descriptor before
 * a name in it is used: it must be root's, without write rights of group and
 * others (or with the sticky bit, which keeps them from what is root's there,
 * or in a mount that is read-only).  A link is followed if it is root's.  So
 * nobody else decides where the path leads, now and later.
 */

/* What came of looking for a file. */
enum file_found { FILE_FOUND = 0, FILE_ABSENT = 1, FILE_FAILED = -1 };

struct walk {
	int dir;                 /* the folder that was reached */
	int links;               /* followed so far */
	bool make;               /* what is missing above the end, 0755 */
	char at[PATH_MAX];       /* where dir is, for messages; "" = a start */
	char name[NAME_MAX + 1]; /* in dir */
	char rest[PATH_MAX];     /* what comes after the name */
};

enum { WALK_OTHERS = 0022 }; /* write rights of group and others */

/*
 * Go from the folder dir to the one that holds the end of the path, with all
 * links followed.  FILE_FOUND: the name in it may be of any kind but a link,
 * may be somebody else's, and may not be there.  FILE_ABSENT: a folder above
 * is not there.  Before: .dir = -1; after, whatever came of it: walk_end().
 */
enum file_found walk_to(struct walk *walk, int dir, const char *path,
    struct err *err);
void walk_end(struct walk *walk);

/* Open the name as a folder, made with that mode where it is missing and that
 * is wanted.  -1 with errno. */
int walk_open_folder(const struct walk *walk, int flags, mode_t mode);

/* The path of the name, in out. */
const char *walk_place(char out[static PATH_MAX], const struct walk *walk);

/* An error: errno; or that this is not root's alone.  Both give -1. */
int walk_fail(const struct walk *walk, const char *what, struct err *err);
int walk_refuse(struct err *err, const char *path, const struct stat *st);

/* Whoever may write there cannot in this mount, whatever the mode says: the
 * kubelet's volumes of files are so. */
bool walk_read_only(int fd);

/* Nobody but root can change that file, or put another in its place.  Always
 * so where we are not root, since what we would do with it others can do. */
int walk_trusted(const char *path, struct err *err);

#endif
