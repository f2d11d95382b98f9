/* SPDX-License-Identifier: MIT */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct slice;

/*
 * Another user, for whom something is read or run.  Zero is "we ourselves",
 * for root never acts for root.
 */
enum { OWNER_NOBODY = 65534, OWNER_GROUPS_MAX = 32 };

struct owner {
	uid_t uid;
	gid_t gid;
	size_t count;
	gid_t groups[OWNER_GROUPS_MAX]; /* besides gid */
};

/* The user as /etc/passwd and /etc/group list him.  One who is not listed has
 * the group OWNER_NOBODY and no other: the group of a file may be one that
 * its owner is not in. */
void owner_find(struct owner *out, uid_t uid);

/* The same from the two texts; pure. */
void owner_parse(struct owner *out, uid_t uid, struct slice passwd,
    struct slice group);

/*
 * openat(2), for reading, with the rights of the user: ids and groups of file
 * accesses, no capability.  The process is what it was when this returns.
 * -1 with errno; EPERM means that CAP_SETUID or CAP_SETGID is missing.
 */
int owner_open(const struct owner *owner, int dir, const char *path, int flags);

/* 0, or -1 with EPERM, if we could act for the user. */
int owner_check(const struct owner *owner);

/*
 * Become the user for good, in a process of its own before execve(2): ids and
 * groups, no capability, no_new_privs, no terminal.  Async-signal-safe.  -1
 * with errno.
 */
int owner_become(const struct owner *owner);

#endif
