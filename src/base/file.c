/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/walk.h"

enum { CHUNK = 4096, PARENT_MODE = 0755 };
enum { PROBE_BLOCK = 4096, PROBE_BLOCKS = FILE_PROBE_BYTES / PROBE_BLOCK };

/* Beside the file whose name follows; a file has one only, so that what a
 * crash leaves goes with the next writing or removal of that file. */
#define TEMP ".ssm-activate."

void
file_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A read(2) that signals do not cut short. */
static ssize_t
read_some(int fd, void *data, size_t len)
{
	ssize_t n;

	do
		n = read(fd, data, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static int
read_all(int fd, const char *path, struct buf *out, struct err *err)
{
	size_t max = out->max == 0 ? BUF_MAX_DEFAULT : out->max;
	size_t start = out->len;
	char chunk[CHUNK];
	ssize_t n;
	int rc = -1;

	while ((n = read_some(fd, chunk, sizeof chunk)) > 0) {
		/* Checked first, so that a file that is too large does not make
		 * out fail for good. */
		if (out->len > max || (size_t)n > max - out->len) {
			err_set(err, ERR_KIND_SYSTEM,
			    "%s is larger than %zu bytes", path, max - start);
			goto out;
		}
		buf_add(out, chunk, (size_t)n);
	}
	if (n == 0 && buf_ok(out)) {
		rc = 0;
		goto out;
	}
	if (n == 0)
		errno = ENOMEM;
	err_sys(err, ERR_KIND_SYSTEM, "cannot read %s", path);
out:
	explicit_bzero(chunk, sizeof chunk);
	if (rc != 0)
		buf_cut(out, start);
	return rc;
}

/* Of a file that was to be opened.  ENXIO: a socket, or a device without a
 * driver. */
static bool
is_absence(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENXIO;
}

/* What was opened, and is closed now. */
static enum file_found
read_opened(int fd, const char *path, struct buf *out, struct err *err)
{
	enum file_found found = FILE_FAILED;
	struct stat st;

	if (fstat(fd, &st) != 0)
		err_sys(err, ERR_KIND_SYSTEM, "cannot read %s", path);
	else if (!S_ISREG(st.st_mode))
		found = FILE_ABSENT;
	else if (read_all(fd, path, out, err) == 0)
		found = FILE_FOUND;
	file_close(&fd);
	return found;
}

enum file_found
file_read(const char *path, struct buf *out, struct err *err)
{
	return file_read_fd(open(path, FILE_READ_FLAGS), path, out, err);
}

enum file_found
file_read_fd(int fd, const char *path, struct buf *out, struct err *err)
{
	if (fd >= 0)
		return read_opened(fd, path, out, err);
	if (is_absence(errno))
		return FILE_ABSENT;
	err_sys(err, ERR_KIND_SYSTEM, "cannot read %s", path);
	return FILE_FAILED;
}

enum file_found
file_read_at(int dir, const char *name, struct buf *out, struct err *err)
{
	int fd = -1;
	enum file_found found = file_open_at(&fd, dir, name, err);

	return found == FILE_FOUND ? read_opened(fd, name, out, err) : found;
}

int
file_write_fd(int fd, const void *data, size_t len, struct err *err)
{
	struct slice rest = slice_make(data, len);

	while (rest.len > 0) {
		ssize_t n = write(fd, rest.ptr, rest.len);

		if (n > 0) {
			rest = slice_skip(rest, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* no progress and no reason */
		return err_sys(err, ERR_KIND_SYSTEM, "cannot write");
	}
	return 0;
}

/* A new empty file in the folder; its descriptor, or -1.  The umask may take
 * something off its mode. */
static int
open_temp(int dir, const char *name, mode_t mode, struct err *err)
{
	int fd;

	unlinkat(dir, name, 0);
	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		err_sys(err, ERR_KIND_SYSTEM, "cannot make a file");
	return fd;
}

/* Contents and mode of the temporary file, safe on disk; closes fd. */
static int
fill_temp(int fd, mode_t mode, struct slice data, struct err *err)
{
	int rc = file_write_fd(fd, data.ptr, data.len, err);

	if (rc == 0 && file_chmod(fd, mode) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "fchmod");
	if (rc == 0 && file_sync(fd) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "fsync");
	/* Network file systems report a full disk only now. */
	if (close(fd) != 0 && rc == 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot write");
	return rc;
}

/* The folder of path, opened, and the name in it, borrowed from path. */
static int
open_parent(const char *path, const char **name, struct err *err)
{
	struct slice whole = slice_of(path);
	struct slice folder = slice_of(".");
	struct slice base = whole;
	char dir[PATH_MAX];
	int fd;

	if (slice_rsplit(whole, '/', &folder, &base) && folder.len == 0)
		folder = slice_of("/");
	if (base.len == 0 || slice_eq(base, ".") || slice_eq(base, "..")) {
		errno = EISDIR;
		return err_sys(err, ERR_KIND_SYSTEM, "cannot write");
	}
	if (!slice_copy(folder, dir, sizeof dir)) {
		errno = ENAMETOOLONG;
		return err_sys(err, ERR_KIND_SYSTEM, "cannot write");
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "cannot open the folder");
	*name = base.ptr;
	return fd;
}

int
file_write_at(int dir, const char *name, mode_t mode, struct slice data,
    struct err *err)
{
	char temp[NAME_MAX + 1];
	int fd;
	int rc = -1;

	snprintf(temp, sizeof temp, TEMP "%s", name);
	fd = open_temp(dir, temp, mode, err);
	if (fd < 0)
		return -1;
	if (fill_temp(fd, mode, data, err) == 0) {
		rc = renameat(dir, temp, dir, name);
		if (rc != 0)
			err_sys(err, ERR_KIND_SYSTEM, "cannot rename %s to it",
			    temp);
	}
	if (rc != 0)
		unlinkat(dir, temp, 0);
	else if (file_sync(dir) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "fsync");
	return rc;
}

int
file_write(const char *path, mode_t mode, const void *data, size_t len,
    struct err *err)
{
	const char *name = NULL;
	int dir = open_parent(path, &name, err);
	int rc = -1;

	if (dir >= 0)
		rc = file_write_at(dir, name, mode, slice_make(data, len), err);
	file_close(&dir);
	return rc == 0 ? 0 : err_wrap(err, path);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* mkdir(2) takes the umask off the mode; put it back. */
static int
exact_mode(const char *path, mode_t mode, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || file_chmod(fd, mode) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot set the mode of %s",
		    path);
	file_close(&fd);
	return rc;
}

static int
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (is_folder(path))
		return 0;
	if (mkdir(path, mode) == 0)
		return exact_mode(path, mode, err);
	if (errno == EEXIST) {
		if (is_folder(path)) /* made by somebody else just now */
			return 0;
		errno = ENOTDIR;
	}
	return err_sys(err, ERR_KIND_SYSTEM, "cannot make the folder %s", path);
}

int
file_mkdirs(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!slice_copy(slice_make(path, len), part, sizeof part) || len == 0) {
		errno = len == 0 ? ENOENT : ENAMETOOLONG;
		return err_sys(err, ERR_KIND_SYSTEM,
		    "cannot make the folder %s", path);
	}
	for (size_t i = 1; part[i] != '\0'; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		if (make_folder(part, PARENT_MODE, err) != 0)
			return -1;
		part[i] = '/';
	}
	return make_folder(part, mode, err);
}

int
file_remove(const char *path, struct err *err)
{
	struct slice folder, name;
	char temp[PATH_MAX];

	if (slice_rsplit(slice_of(path), '/', &folder, &name)) {
		snprintf(temp, sizeof temp, "%.*s/" TEMP "%s", (int)folder.len,
		    folder.ptr, name.ptr);
		unlink(temp);
	}
	if (unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "cannot remove %s", path);
}

int
file_remove_at(int dir, const char *name, struct err *err)
{
	char temp[NAME_MAX + 1];

	snprintf(temp, sizeof temp, TEMP "%s", name);
	unlinkat(dir, temp, 0);
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "cannot remove %s", name);
}

static int
check_file(int fd, const struct walk *walk, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (fd < 0)
		return walk_fail(walk, "read", err);
	if (geteuid() != 0)
		return 0;
	if (fstat(fd, &st) != 0)
		return walk_fail(walk, "look at", err);
	if (st.st_uid != 0)
		return walk_refuse(err, walk_place(path, walk), &st);
	return 0;
}

enum file_found
file_open_at(int *fd, int dir, const char *name, struct err *err)
{
	struct walk walk = { .dir = -1 };
	enum file_found found = FILE_FOUND;
	int file = -1;

	if (geteuid() != 0) {
		slice_copy(slice_of(name), walk.name, sizeof walk.name);
		file = openat(dir, name, FILE_READ_FLAGS);
	} else {
		found = walk_to(&walk, dir, name, err);
		if (found == FILE_FOUND)
			file = openat(walk.dir, walk.name,
			    FILE_READ_FLAGS | O_NOFOLLOW);
	}
	if (file < 0 && found == FILE_FOUND && is_absence(errno))
		found = FILE_ABSENT;
	else if (found == FILE_FOUND && check_file(file, &walk, err) != 0)
		found = FILE_FAILED;
	walk_end(&walk);
	if (found == FILE_FOUND)
		*fd = file;
	else if (file >= 0)
		close(file);
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

	slice_rsplit(slice_of(path), '/', &folder, &base);
	*name = base.ptr;
	/* The end of that path is the folder itself, whatever leads there. */
	snprintf(text, sizeof text, "%.*s/.", (int)folder.len, folder.ptr);
	*found = walk_to(&walk, AT_FDCWD, text, err);
	if (*found == FILE_FOUND) {
		fd = openat(walk.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			walk_fail(&walk, "open", err);
			*found = FILE_FAILED;
		}
	}
	walk_end(&walk);
	return fd;
}

enum file_found
file_read_own(const char *path, struct buf *out, struct err *err)
{
	if (geteuid() != 0)
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

	if (geteuid() != 0)
		return file_write(path, mode, data.ptr, data.len, err);
	dir = own_folder(path, &name, &found, err);
	if (found == FILE_ABSENT)
		err_set(err, ERR_KIND_SYSTEM, "there is no such folder");
	if (dir >= 0) {
		rc = file_write_at(dir, name, mode, data, err);
		close(dir);
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

	if (geteuid() != 0)
		return file_remove(path, err);
	dir = own_folder(path, &name, &found, err);
	if (dir < 0)
		return found == FILE_ABSENT ? 0 : err_wrap(err, path);
	rc = file_remove_at(dir, name, err);
	close(dir);
	return rc;
}

int
file_probe_at(int dir, struct err *err)
{
	static const char temp[] = TEMP "probe";
	char block[PROBE_BLOCK] = "";
	int fd = open_temp(dir, temp, 0600, err);
	int rc = fd >= 0 ? 0 : -1;

	for (int i = 0; rc == 0 && i < PROBE_BLOCKS; i++)
		rc = file_write_fd(fd, block, sizeof block, err);
	if (fd >= 0 && unlinkat(dir, temp, 0) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot remove %s", temp);
	file_close(&fd);
	return rc;
}

/* Some file systems have nothing to sync and say so. */
int
file_sync(int fd)
{
	if (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ||
	    log_denied("fsync",
	        "what is written now may be lost if the machine fails"))
		return 0;
	return -1;
}

int
file_chmod(int fd, mode_t mode)
{
	struct stat st;
	int error;

	if (fchmod(fd, mode) == 0)
		return 0;
	error = errno;
	if (fstat(fd, &st) == 0 && (st.st_mode & 07777 & ~mode) == 0) {
		errno = error;
		if (log_denied("fchmod",
		        "files keep the mode with which they were made"))
			return 0;
	}
	errno = error;
	return -1;
}
