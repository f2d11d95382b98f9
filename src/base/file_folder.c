#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/format.h"
#include "base/slice.h"
#include "base/walk.h"

static bool
is_root(void)
{
	return geteuid() == 0;
}

/* What everybody shares must go on being shared. */
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
		(void)err_set(err, ERR_KIND_CONFIG,
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
		(void)walk_fail(walk, walk->make ? "make the folder" : "open",
		    err);
		return FILE_FAILED;
	}
	if (mend(fd, walk_place(path, walk), mode, err) != 0) {
		(void)close(fd);
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
		(void)err_sys(err, ERR_KIND_SYSTEM, "cannot open %s", path);
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
			(void)open_plainly(&fd, path, err);
		return fd;
	}
	if (walk_to(&walk, AT_FDCWD, path, err) == FILE_FOUND)
		(void)open_end(&fd, &walk, mode, err);
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
		(void)open_end(&fd, &walk, mode, err);
	else if ((fd = walk_open_folder(&walk, O_RDONLY, mode)) < 0)
		(void)walk_fail(&walk, "make the folder", err);
	return fd;
}

static int
check_file(int fd, const struct walk *walk, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return walk_fail(walk, "look at", err);
	if (st.st_uid != 0)
		return walk_refuse(err, walk_place(path, walk), &st);
	return 0;
}

enum file_found
file_open_at(int *fd, int dir, const char *name, struct err *err)
{
	/* A FIFO without a writer or a terminal must not hold us up. */
	const int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	struct walk walk = { .dir = -1 };
	enum file_found found = FILE_FOUND;
	int file = -1;

	if (!is_root()) {
		(void)slice_copy(slice_of(name), walk.name, sizeof walk.name);
		file = openat(dir, name, flags);
	} else {
		found = walk_to(&walk, dir, name, err);
		if (found == FILE_FOUND)
			file = openat(walk.dir, walk.name, flags | O_NOFOLLOW);
	}
	/* ENXIO: a socket, or a device without a driver. */
	if (file < 0 && found == FILE_FOUND &&
	    (errno == ENOENT || errno == ENOTDIR || errno == ENXIO))
		found = FILE_ABSENT;
	else if (file < 0 && found == FILE_FOUND)
		found = (enum file_found)walk_fail(&walk, "read", err);
	else if (file >= 0 && is_root() && check_file(file, &walk, err) != 0)
		found = FILE_FAILED;
	walk_end(&walk);
	if (found == FILE_FOUND)
		*fd = file;
	else if (file >= 0)
		(void)close(file);
	return found;
}

/* The folder of the path, to work in; *name is borrowed from path.  -1 when it
 * is not there either: *found says so. */
static int
own_folder(const char *path, const char **name, enum file_found *found,
    struct err *err)
{
	struct slice folder = slice_of("."), base = slice_of(path);
	struct walk walk = { .dir = -1 };
	char text[PATH_MAX];
	int fd = -1;

	(void)slice_rsplit(slice_of(path), '/', &folder, &base);
	*name = base.ptr;
	/* The end of that path is the folder itself, whatever leads there. */
	(void)format_text(text, sizeof text, "%.*s/.", (int)folder.len,
	    folder.ptr);
	*found = walk_to(&walk, AT_FDCWD, text, err);
	if (*found == FILE_FOUND) {
		fd = openat(walk.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			*found = (enum file_found)walk_fail(&walk, "open", err);
	}
	walk_end(&walk);
	return fd;
}

enum file_found
file_read_own(const char *path, struct buf *out, struct err *err)
{
	if (!is_root())
		return file_read(path, out, err);
	return file_read_at(AT_FDCWD, path, out, err);
}

int
file_write_own(const char *path, mode_t mode, struct slice data,
    struct err *err)
{
	enum file_found found;
	const char *name;
	int rc = -1;
	int dir;

	if (!is_root())
		return file_write(path, mode, data.ptr, data.len, err);
	dir = own_folder(path, &name, &found, err);
	if (found == FILE_ABSENT)
		(void)err_set(err, ERR_KIND_SYSTEM, "there is no such folder");
	if (dir >= 0) {
		rc = file_write_at(dir, name, mode, data, err);
		(void)close(dir);
	}
	return rc == 0 ? 0 : err_wrap(err, path);
}

int
file_remove_own(const char *path, struct err *err)
{
	enum file_found found;
	const char *name;
	int rc = 0;
	int dir;

	if (!is_root())
		return file_remove(path, err);
	dir = own_folder(path, &name, &found, err);
	if (dir < 0)
		return found == FILE_ABSENT ? 0 : err_wrap(err, path);
	rc = file_remove_at(dir, name, err);
	(void)close(dir);
	return rc;
}
