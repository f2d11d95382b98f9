/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/walk.h"

static bool
is_root(void)
{
	return geteuid() == 0;
}

/* A folder that everybody shares, such as /tmp, must stay shared. */
static bool
is_shared(const struct stat *st)
{
	static const char *const paths[] = { "/tmp", "/var/tmp", "/dev/shm" };
	struct stat other;

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (stat(paths[i], &other) == 0 && other.st_ino == st->st_ino &&
		    other.st_dev == st->st_dev)
			return true;
	}
	return false;
}

/* Take the folder away from others, or say why that cannot be. */
static int
mend(int fd, const char *path, mode_t mode, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "cannot look at %s", path);
	if (st.st_uid != 0)
		return walk_refuse(err, path, &st);
	if ((st.st_mode & WALK_OTHERS) == 0 || walk_read_only(fd))
		return 0;
	if (is_shared(&st)) {
		err_set(err, ERR_KIND_CONFIG,
		    "%s is a folder that everybody shares", path);
		err_fix(err, "name a folder below it, which will be made");
		return -1;
	}
	if (fchmod(fd, mode | S_ISVTX) == 0 && fstat(fd, &st) == 0 &&
	    (st.st_mode & WALK_OTHERS) == 0)
		return 0;
	return walk_refuse(err, path, &st);
}

/* As file_folder_find() and file_folder_open(). */
static enum file_found
open_end(int *out, struct walk *walk, mode_t mode, struct err *err)
{
	char path[PATH_MAX];
	int fd = walk_open_folder(walk, O_RDONLY, mode);

	if (fd < 0 && !walk->make && (errno == ENOENT || errno == ENOTDIR))
		return FILE_ABSENT;
	if (fd < 0) {
		walk_fail(walk, walk->make ? "make the folder" : "open", err);
		return FILE_FAILED;
	}
	if (mend(fd, walk_place(path, walk), mode, err) != 0) {
		close(fd);
		return FILE_FAILED;
	}
	*out = fd;
	return FILE_FOUND;
}

static enum file_found
open_plainly(int *out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return FILE_ABSENT;
	if (fd < 0) {
		err_sys(err, ERR_KIND_SYSTEM, "cannot open %s", path);
		return FILE_FAILED;
	}
	*out = fd;
	return FILE_FOUND;
}

enum file_found
file_folder_find(int *fd, const char *path, mode_t mode, struct err *err)
{
	struct walk walk = { .dir = -1 };
	enum file_found found;

	if (!is_root())
		return open_plainly(fd, path, err);
	found = walk_to(&walk, AT_FDCWD, path, err);
	if (found == FILE_FOUND)
		found = open_end(fd, &walk, mode, err);
	walk_end(&walk);
	return found;
}

int
file_folder_open(const char *path, mode_t mode, struct err *err)
{
	struct walk walk = { .dir = -1, .make = true };
	int fd = -1;

	if (!is_root()) {
		if (file_mkdirs(path, mode, err) == 0)
			open_plainly(&fd, path, err);
		return fd;
	}
	if (walk_to(&walk, AT_FDCWD, path, err) == FILE_FOUND)
		open_end(&fd, &walk, mode, err);
	walk_end(&walk);
	return fd;
}

int
file_folder_below(int dir, const char *name, mode_t mode, struct err *err)
{
	struct walk walk = { .dir = dir, .make = true };
	int fd = -1;

	if (slice_has(slice_of(name), '/') ||
	    !slice_copy(slice_of(name), walk.name, sizeof walk.name)) {
		errno = EINVAL;
		return err_sys(err, ERR_KIND_SYSTEM, "cannot open %s", name);
	}
	if (is_root())
		open_end(&fd, &walk, mode, err);
	else if ((fd = walk_open_folder(&walk, O_RDONLY, mode)) < 0)
		walk_fail(&walk, "make the folder", err);
	return fd;
}
