/* SPDX-License-Identifier: MIT */
#include "base/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"

/* linux/namei.h follows as many. */
enum { LINKS_MAX = 40, UPPER_MODE = 0755 };

int
walk_refuse(struct err *err, const char *path, const struct stat *st)
{
	if (st->st_uid != 0) {
		err_set(err, ERR_KIND_SYSTEM,
		    "%s belongs to uid %u and not to root", path,
		    (unsigned)st->st_uid);
	} else {
		err_set(err, ERR_KIND_SYSTEM,
		    "others than root may write to %s", path);
	}
	err_fix(err,
	    "what root is to use must be where root alone may write: chown "
	    "0:0 and chmod go-w on %s, or a volume of its own",
	    path);
	return -1;
}

bool
walk_read_only(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}

/* Nobody but root can put another thing in place of what is root's there. */
static int
check_firm(const struct walk *walk, struct err *err)
{
	struct stat st;

	if (fstat(walk->dir, &st) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "cannot look at %s",
		    walk->at);
	if (st.st_uid == 0 &&
	    ((st.st_mode & WALK_OTHERS) == 0 || (st.st_mode & S_ISVTX) != 0 ||
	        walk_read_only(walk->dir)))
		return 0;
	return walk_refuse(err, walk->at[0] == '\0' ? "the folder" : walk->at,
	    &st);
}

const char *
walk_place(char out[static PATH_MAX], const struct walk *walk)
{
	const char *between = "/";

	if (walk->at[0] == '\0' || slice_ends(slice_of(walk->at), "/"))
		between = "";
	snprintf(out, PATH_MAX, "%s%s%s", walk->at, between, walk->name);
	return out;
}

int
walk_fail(const struct walk *walk, const char *what, struct err *err)
{
	int error = errno;
	char path[PATH_MAX];

	walk_place(path, walk);
	errno = error;
	return err_sys(err, ERR_KIND_SYSTEM, "cannot %s %s", what, path);
}

void
walk_end(struct walk *walk)
{
	if (walk->dir >= 0)
		close(walk->dir);
	walk->dir = -1;
}

/* From the folder that is path in dir on. */
static int
start(struct walk *walk, int dir, const char *path, struct err *err)
{
	walk_end(walk);
	walk->at[0] = '\0';
	if (path[0] == '/')
		slice_copy(slice_of(path), walk->at, sizeof walk->at);
	walk->dir = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (walk->dir < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "cannot open %s", path);
	return check_firm(walk, err);
}

/* The first name of the rest; "." where there is none. */
static int
take_name(struct walk *walk, struct err *err)
{
	struct slice rest = slice_of(walk->rest), name = slice_of(".");

	while (slice_starts(rest, "/"))
		rest = slice_skip(rest, 1);
	if (rest.len > 0)
		slice_cut(&rest, '/', &name);
	if (!slice_copy(name, walk->name, sizeof walk->name)) {
		errno = ENAMETOOLONG;
		return walk_fail(walk, "open", err);
	}
	while (slice_starts(rest, "/"))
		rest = slice_skip(rest, 1);
	if (rest.len > 0)
		memmove(walk->rest, rest.ptr, rest.len);
	walk->rest[rest.len] = '\0';
	return 0;
}

/* The name is a link, which must be root's. */
static int
follow(struct walk *walk, const struct stat *st, struct err *err)
{
	char target[PATH_MAX], whole[PATH_MAX];
	ssize_t n;

	if (st->st_uid != 0)
		return walk_refuse(err, walk_place(target, walk), st);
	if (++walk->links > LINKS_MAX) {
		errno = ELOOP;
		return walk_fail(walk, "follow", err);
	}
	n = readlinkat(walk->dir, walk->name, target, sizeof target - 1);
	if (n < 0)
		return walk_fail(walk, "follow", err);
	target[n] = '\0';
	if ((size_t)snprintf(whole, sizeof whole, "%s/%s", target,
	        walk->rest) >= sizeof whole) {
		errno = ENAMETOOLONG;
		return walk_fail(walk, "follow", err);
	}
	slice_copy(slice_of(whole), walk->rest, sizeof walk->rest);
	return target[0] == '/' ? start(walk, AT_FDCWD, "/", err) : 0;
}

int
walk_open_folder(const struct walk *walk, int flags, mode_t mode)
{
	bool made = walk->make && mkdirat(walk->dir, walk->name, mode) == 0;
	int error = errno;
	int fd = openat(walk->dir, walk->name,
	    flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* Why it could not be made says more. */
	if (fd < 0 && errno == ENOENT && walk->make && !made)
		errno = error;
	/* mkdir(2) takes the umask off the mode. */
	if (fd < 0 || !made || fchmodat(walk->dir, walk->name, mode, 0) == 0 ||
	    log_denied("fchmodat",
	        "folders keep the mode with which they were made"))
		return fd;
	close(fd);
	return -1;
}

static int
enter(struct walk *walk, struct err *err)
{
	char path[PATH_MAX];
	int fd = walk_open_folder(walk, O_PATH, UPPER_MODE);

	if (fd < 0)
		return walk_fail(walk, walk->make ? "make the folder" : "open",
		    err);
	slice_copy(slice_of(walk_place(path, walk)), walk->at, sizeof walk->at);
	walk_end(walk);
	walk->dir = fd;
	return check_firm(walk, err);
}

/* One name of the rest further.  At the end, false: *found tells what came of
 * it. */
static bool
go_on(struct walk *walk, enum file_found *found, struct err *err)
{
	struct stat st;
	int seen;

	*found = FILE_FAILED;
	if (take_name(walk, err) != 0)
		return false;
	seen = fstatat(walk->dir, walk->name, &st, AT_SYMLINK_NOFOLLOW);
	if (seen == 0 && S_ISLNK(st.st_mode))
		return follow(walk, &st, err) == 0;
	if (walk->rest[0] == '\0') {
		*found = FILE_FOUND;
		return false;
	}
	if (seen != 0 && !walk->make && (errno == ENOENT || errno == ENOTDIR)) {
		*found = FILE_ABSENT;
		return false;
	}
	return enter(walk, err) == 0;
}

enum file_found
walk_to(struct walk *walk, int dir, const char *path, struct err *err)
{
	enum file_found found;
	bool more;

	if (!slice_copy(slice_of(path), walk->rest, sizeof walk->rest) ||
	    path[0] == '\0') {
		errno = path[0] == '\0' ? ENOENT : ENAMETOOLONG;
		err_sys(err, ERR_KIND_SYSTEM, "cannot open %s", path);
		return FILE_FAILED;
	}
	if (start(walk, dir, path[0] == '/' ? "/" : ".", err) != 0)
		return FILE_FAILED;
	do
		more = go_on(walk, &found, err);
	while (more);
	return found;
}

int
walk_trusted(const char *path, struct err *err)
{
	struct walk walk = { .dir = -1 };
	char at[PATH_MAX];
	struct stat st;
	int rc = -1;

	if (geteuid() != 0)
		return 0;
	switch (walk_to(&walk, AT_FDCWD, path, err)) {
	case FILE_ABSENT:
		rc = err_set(err, ERR_KIND_SYSTEM, "there is no %s", path);
		break;
	case FILE_FOUND:
		if (fstatat(walk.dir, walk.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			rc = walk_fail(&walk, "look at", err);
		else if (st.st_uid != 0 || (st.st_mode & WALK_OTHERS) != 0)
			rc = walk_refuse(err, walk_place(at, &walk), &st);
		else
			rc = 0;
		break;
	default:
		break;
	}
	walk_end(&walk);
	return rc;
}
