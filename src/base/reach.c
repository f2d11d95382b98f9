/* SPDX-License-Identifier: MIT */
#include "base/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/slice.h"

enum {
	LINKS_MAX = 40, /* as the kernel has it, path_resolution(7) */
	OTHERS_WRITE = S_IWGRP | S_IWOTH,
};

static void
blame_owner(struct reach *w, const char *what, const char *name, uid_t uid)
{
	owner_find(&w->owner, uid);
	snprintf(w->why, sizeof w->why, "%s \"%.255s\" is uid %u's", what, name,
	    (unsigned)uid);
}

/* In a mode without S_IWOTH the group is who else may write. */
static void
blame_mode(struct reach *w, const char *what, const char *name,
    const struct stat *st)
{
	bool all = (st->st_mode & S_IWOTH) != 0;

	w->owner = (struct owner){
		.uid = OWNER_NOBODY,
		.gid = all ? OWNER_NOBODY : st->st_gid,
	};
	snprintf(w->why, sizeof w->why, "%s \"%.255s\" can be written by %s",
	    what, name, all ? "everybody" : "its group");
}

/* The folder that is walked through now. */
static void
judge_folder(struct reach *w, const char *name, const struct stat *st)
{
	w->sticky = false;
	if (st->st_uid != 0)
		blame_owner(w, "the folder", name, st->st_uid);
	else if ((st->st_mode & S_ISVTX) != 0)
		w->sticky = (st->st_mode & OTHERS_WRITE) != 0;
	else if ((st->st_mode & OTHERS_WRITE) != 0)
		blame_mode(w, "the folder", name, st);
}

static void
judge_file(struct reach *w, const char *name)
{
	if (w->st.st_uid != 0)
		blame_owner(w, "the file", name, w->st.st_uid);
	else if ((w->st.st_mode & OTHERS_WRITE) != 0)
		blame_mode(w, "the file", name, &w->st);
}

static int
go_to(struct reach *w, int fd)
{
	if (fd < 0)
		return -1;
	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
	return 0;
}

/* Begin at the top, as absolute paths do. */
static int
go_up(struct reach *w)
{
	struct stat st;

	if (go_to(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) != 0 ||
	    fstat(w->dir, &st) != 0)
		return -1;
	judge_folder(w, "/", &st);
	return 0;
}

/* "head/tail" becomes the rest, without '/' in front. */
static int
set_rest(struct reach *w, struct slice head, struct slice tail)
{
	struct slice all;
	char text[sizeof w->rest];

	if (head.len + tail.len + 2 > sizeof text) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(text, sizeof text, "%.*s%s%.*s", (int)head.len, head.ptr,
	    tail.len > 0 ? "/" : "", (int)tail.len, tail.ptr);
	all = slice_of(text);
	while (slice_starts(all, "/"))
		all = slice_skip(all, 1);
	slice_copy(all, w->rest, sizeof w->rest);
	return 0;
}

/* Put what the link says in its place. */
static int
follow(struct reach *w, int link, struct slice tail)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof text);

	if (n <= 0 || ++w->links > LINKS_MAX) {
		errno = n < 0 ? errno : ELOOP;
		return -1;
	}
	if (set_rest(w, slice_make(text, (size_t)n), tail) != 0)
		return -1;
	return text[0] == '/' ? go_up(w) : 0;
}

/* Links of proc(5) lead to open files, whatever their text says. */
static bool
in_proc(int dir)
{
	struct statfs fs;

	return fstatfs(dir, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* One entry of the folder; w->whole or an owner ends the walk.  Gives what is
 * below the entry in *tail. */
static int
enter(struct reach *w, int entry, const char *name, struct slice tail)
{
	if (fstat(entry, &w->st) != 0)
		return -1;
	if (S_ISLNK(w->st.st_mode) && tail.len == 0 && in_proc(w->dir)) {
		w->whole = w->through = true;
		if (fstatat(w->dir, name, &w->st, 0) != 0)
			return -1;
		judge_file(w, name);
		return 0;
	}
	if (S_ISLNK(w->st.st_mode)) {
		if (!w->sticky || w->st.st_uid == 0)
			return follow(w, entry, tail);
		w->link = true;
		blame_owner(w, "the link", name, w->st.st_uid);
		return 0;
	}
	if (tail.len == 0) {
		w->whole = true;
		judge_file(w, name);
		return 0;
	}
	if (!S_ISDIR(w->st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	judge_folder(w, name, &w->st);
	if (go_to(w, fcntl(entry, F_DUPFD_CLOEXEC, 0)) != 0)
		return -1;
	return set_rest(w, tail, slice_of(""));
}

/* The first name of the rest. */
static int
step(struct reach *w)
{
	char copy[sizeof w->rest], name[NAME_MAX + 1];
	struct slice tail, first;
	int entry, rc, saved;

	slice_copy(slice_of(w->rest), copy, sizeof copy);
	tail = slice_of(copy);
	if (!slice_cut(&tail, '/', &first) ||
	    !slice_copy(first, name, sizeof name)) {
		errno = first.len > 0 ? ENAMETOOLONG : EISDIR;
		return -1;
	}
	while (slice_starts(tail, "/"))
		tail = slice_skip(tail, 1);
	if (slice_eq(first, "."))
		return set_rest(w, tail, slice_of(""));
	entry = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (entry < 0)
		return -1;
	rc = enter(w, entry, name, tail);
	saved = errno;
	close(entry);
	errno = saved;
	return rc;
}

int
reach_path(struct reach *w, const char *path)
{
	char here[PATH_MAX] = "";
	int rc;

	*w = (struct reach){ .dir = -1 };
	if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
		return -1;
	if (set_rest(w, slice_of(here), slice_of(path)) != 0)
		return -1;
	rc = go_up(w);
	while (rc == 0 && !w->whole && w->owner.uid == 0)
		rc = step(w);
	return rc;
}

void
reach_end(struct reach *w)
{
	if (w->dir >= 0)
		close(w->dir);
	w->dir = -1;
}
