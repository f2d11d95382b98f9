/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/exec.h"
#include "base/log.h"
#include "base/reach.h"
#include "base/slice.h"

static bool
is_ours(const struct owner *owner)
{
	return owner == NULL || owner->uid == 0;
}

/* What was opened is what was judged. */
static int
check_same(int fd, const struct reach *w)
{
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_dev == w->st.st_dev &&
	    st.st_ino == w->st.st_ino && st.st_uid == w->st.st_uid)
		return fd;
	close(fd);
	errno = EAGAIN;
	return -1;
}

/* The link may lead to what its owner has, as with the kernel's
 * fs.protected_symlinks. */
static int
check_link(int fd, uid_t uid)
{
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && st.st_uid == uid))
		return fd;
	close(fd);
	errno = EACCES;
	return -1;
}

/* The path goes on below a folder of another user.  A file that is not there
 * needs no rights. */
static int
open_below(const struct reach *w)
{
	const char *rest = w->rest[0] != '\0' ? w->rest : ".";
	int fd = owner_open(&w->owner, w->dir, rest, FILE_READ_FLAGS);

	if (fd < 0 && errno == EPERM &&
	    (faccessat(w->dir, rest, F_OK, 0) == 0 || errno != ENOENT))
		errno = EPERM;
	return w->link ? check_link(fd, w->owner.uid) : fd;
}

/* Open what the walk has led to. */
static int
open_end(struct trust_file *file, const struct reach *w)
{
	int flags = FILE_READ_FLAGS | (w->through ? 0 : O_NOFOLLOW);
	int fd;

	if (!w->whole)
		return open_below(w);
	if (!S_ISREG(w->st.st_mode)) {
		errno = ENXIO;
		return -1;
	}
	if (!is_ours(&w->owner) && !file->value && owner_check(&w->owner) != 0)
		return -1;
	/* Root's configuration names this very file, so root reads it; or,
	 * without CAP_DAC_OVERRIDE, its owner does. */
	fd = openat(w->dir, w->rest, flags);
	if (fd < 0 && errno == EACCES && !is_ours(&w->owner))
		fd = owner_open(&w->owner, w->dir, w->rest, flags);
	return check_same(fd, w);
}

/* Say once as whom the file is read, or why it is not. */
static int
tell(struct trust_file *file, const struct reach *w, int fd, struct err *err)
{
	int number = errno;

	if (fd < 0 && number != ENOENT && number != ENOTDIR &&
	    number != ENXIO) {
		file->refused = true;
		file->untold = log_once(file->path);
		return err_set(err, ERR_KIND_SYSTEM,
		    "%s cannot be read as uid %u (%s): %s%s", file->path,
		    (unsigned)w->owner.uid, w->why, strerror(number),
		    number == EPERM ? ", CAP_SETUID or CAP_SETGID is missing"
		                    : "");
	}
	if (fd >= 0 && (!file->value || !w->whole) && log_once(file->path)) {
		log_event(LOG_WARN, "untrusted_file",
		    "%s is read as uid %u, not as root: %s; who can write it "
		    "decides where this node belongs, so better make it and "
		    "the folders above it root's, writable by root alone",
		    file->path, (unsigned)w->owner.uid, w->why);
	}
	return 0;
}

/* The path is root's word. */
static int
open_ours(struct trust_file *file, struct err *err)
{
	struct reach w;
	int fd = -1;
	int saved;

	if (reach_path(&w, file->path) != 0)
		file->hidden = errno == EACCES;
	else
		fd = open_end(file, &w);
	saved = errno;
	file->owner = w.owner;
	if (!is_ours(&w.owner))
		tell(file, &w, fd, err);
	reach_end(&w);
	errno = saved;
	return fd;
}

/* A user that is not root has no rights that the file could misuse. */
static int
open_plain(struct trust_file *file)
{
	int fd = open(file->path, FILE_READ_FLAGS);
	int saved = errno;
	struct stat st;

	file->hidden = fd < 0 && saved == EACCES && stat(file->path, &st) != 0;
	errno = saved;
	return fd;
}

enum file_found
trust_read(struct trust_file *file, struct buf *out, struct err *err)
{
	struct stat st;
	int fd;

	file->owner = (struct owner){ 0 };
	file->hidden = file->refused = file->untold = false;
	if (geteuid() != 0) {
		fd = open_plain(file);
	} else if (is_ours(file->by)) {
		fd = open_ours(file, err);
	} else {
		file->owner = *file->by;
		fd =
		    owner_open(file->by, AT_FDCWD, file->path, FILE_READ_FLAGS);
	}
	if (fd >= 0 && fstat(fd, &st) == 0)
		file->mode = st.st_mode;
	return file_read_fd(fd, file->path, out, err);
}

/* Who can change the program. */
static int
judge_program(struct trust_program *out, struct err *err)
{
	struct reach w;
	int rc = reach_path(&w, out->path);

	if (rc != 0)
		err_sys(err, ERR_KIND_SYSTEM, "cannot run %s", out->path);
	else if (w.whole && !S_ISREG(w.st.st_mode))
		rc = err_set(err, ERR_KIND_SYSTEM, "%s is no program",
		    out->path);
	out->owner = w.owner;
	if (rc == 0 && !is_ours(&w.owner) && log_once(out->path)) {
		log_event(LOG_WARN, "untrusted_file",
		    "%s is run as uid %u, not as root: %s", out->path,
		    (unsigned)w.owner.uid, w.why);
	}
	reach_end(&w);
	return rc;
}

int
trust_program(struct trust_program *out, const char *name, struct env env,
    const struct owner *by, struct err *err)
{
	out->owner = (struct owner){ 0 };
	if (!is_ours(by))
		out->owner = *by;
	if (geteuid() != 0 || !is_ours(by) || slice_has(slice_of(name), '/')) {
		if (!slice_copy(slice_of(name), out->path, sizeof out->path))
			return err_set(err, ERR_KIND_SYSTEM,
			    "the program's path is too long");
	} else if (exec_find(out->path, name, env) != 0) {
		return err_sys(err, ERR_KIND_SYSTEM, "cannot run %s", name);
	}
	if (geteuid() != 0 || !is_ours(by))
		return 0;
	return judge_program(out, err);
}
