/* SPDX-License-Identifier: MIT */
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/entry.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/slice.h"

enum {
	LISTS_MAX = 1024 * 1024, /* of /etc/passwd and /etc/group */
	OUR_GROUPS = 256         /* more of our own cannot be restored */
};

/* What a change of the user for files takes from the process. */
struct before {
	struct __user_cap_header_struct header;
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	gid_t groups[OUR_GROUPS];
	int count;
	uid_t uid;
	gid_t gid;
	pid_t parent;
	int with_parent, dumpable;
};

static void
add_group(struct owner *out, gid_t gid)
{
	if (gid != out->gid && out->count < OWNER_GROUPS_MAX)
		out->groups[out->count++] = gid;
}

static void
add_groups(struct owner *out, struct slice name, struct slice group)
{
	struct entry e;
	gid_t gid;

	while (entry_next(&group, &e)) {
		if (entry_has_member(&e, name) &&
		    entry_id(e.field[ENTRY_ID], &gid))
			add_group(out, gid);
	}
}

void
owner_parse(struct owner *out, uid_t uid, struct slice passwd,
    struct slice group)
{
	struct entry e;
	uid_t number;

	*out = (struct owner){ .uid = uid, .gid = OWNER_NOBODY };
	while (entry_next(&passwd, &e)) {
		if (!entry_id(e.field[ENTRY_ID], &number) || number != uid)
			continue;
		if (!entry_id(e.field[ENTRY_GID], &out->gid))
			return;
		if (e.field[ENTRY_NAME].len > 0)
			add_groups(out, e.field[ENTRY_NAME], group);
		return;
	}
}

void
owner_find(struct owner *out, uid_t uid)
{
	struct buf passwd = { .max = LISTS_MAX };
	struct buf group = { .max = LISTS_MAX };

	file_read("/etc/passwd", &passwd, NULL);
	file_read("/etc/group", &group, NULL);
	owner_parse(out, uid, slice_make(buf_str(&passwd), passwd.len),
	    slice_make(buf_str(&group), group.len));
	buf_free(&passwd);
	buf_free(&group);
}

static int
set_groups(const gid_t *groups, size_t count)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

/* The ids of file accesses as they are now: a number that is none changes
 * nothing and gives the old one. */
static bool
files_are_of(uid_t uid, gid_t gid)
{
	return (uid_t)setfsuid((uid_t)-1) == uid &&
	       (gid_t)setfsgid((gid_t)-1) == gid;
}

/*
 * Restore our ids.  Our own uid may be taken without any capability, and the
 * groups, which need one, come back last.
 */
static int
leave(struct before *b)
{
	int rc = -1;

	setfsuid(b->uid);
	if (syscall(SYS_capset, &b->header, b->caps) == 0) {
		setfsgid(b->gid);
		rc = set_groups(b->groups, (size_t)b->count);
	}
	if (!files_are_of(b->uid, b->gid))
		rc = -1;
	/* The kernel has changed both of these with the uid. */
	prctl(PR_SET_DUMPABLE, b->dumpable == 1 ? 1 : 0);
	prctl(PR_SET_PDEATHSIG, b->with_parent);
	if (b->with_parent != 0 && getppid() != b->parent)
		raise(b->with_parent);
	return rc;
}

/* Act for the user; -1 when that is not allowed, and nothing has changed. */
static int
enter(const struct owner *owner, struct before *b)
{
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	*b = (struct before){
		.header.version = _LINUX_CAPABILITY_VERSION_3,
		.uid = geteuid(),
		.gid = getegid(),
		.parent = getppid(),
		.dumpable = prctl(PR_GET_DUMPABLE),
	};
	b->count = getgroups(OUR_GROUPS, b->groups);
	if (b->count < 0 || syscall(SYS_capget, &b->header, b->caps) != 0 ||
	    prctl(PR_GET_PDEATHSIG, &b->with_parent) != 0 ||
	    set_groups(owner->groups, owner->count) != 0)
		return -1;
	setfsgid(owner->gid);
	setfsuid(owner->uid);
	memcpy(none, b->caps, sizeof none);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		none[i].effective = 0;
	if (files_are_of(owner->uid, owner->gid) &&
	    syscall(SYS_capset, &b->header, none) == 0)
		return 0;
	leave(b);
	return -1;
}

int
owner_open(const struct owner *owner, int dir, const char *path, int flags)
{
	struct before b;
	int fd, saved;

	if (enter(owner, &b) != 0) {
		errno = EPERM;
		return -1;
	}
	fd = openat(dir, path, flags);
	saved = errno;
	if (leave(&b) != 0 && fd >= 0) {
		close(fd);
		fd = -1;
		saved = EPERM;
	}
	errno = saved;
	return fd;
}

int
owner_check(const struct owner *owner)
{
	struct before b;

	if (enter(owner, &b) == 0 && leave(&b) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

int
owner_become(const struct owner *owner)
{
	int null = open("/dev/null", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	/* The user must not get our terminal, nor standard input from it. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		close(STDIN_FILENO);
	if (exec_become_user(owner->uid, owner->gid, owner->groups,
	        owner->count) != 0)
		return -1;
	/* The user must not read our memory until execve(2). */
	if (prctl(PR_SET_DUMPABLE, 0) != 0 || exec_no_capabilities() != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return 0;
}
