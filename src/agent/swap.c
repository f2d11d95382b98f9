/* SPDX-License-Identifier: MIT */
#include "agent/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

/* linux/fs.h, which not every C library repeats. */
#ifndef RENAME_EXCHANGE
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2 };
#endif

enum { CHUNK = 16 * 1024, NEW_MODE = 0644 };

static int
fail(struct err *err, const char *path)
{
	return err_sys(err, ERR_KIND_SYSTEM, "%s", path);
}

static void
close_fd(int *fd)
{
	if (*fd > 0)
		close(*fd);
	*fd = 0;
}

static struct slice
text_of(const struct buf *text)
{
	return slice_make(text->data, text->len);
}

/* Everything from an offset on. */
static int
read_from(int fd, off_t at, struct buf *out)
{
	char *room;
	ssize_t n;

	while ((room = buf_room(out, CHUNK)) != NULL) {
		do
			n = pread(fd, room, CHUNK, at);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return (int)n;
		buf_grew(out, (size_t)n);
		at += n;
	}
	errno = EFBIG;
	return -1;
}

/* Open and read the file as it is now; *fd becomes 0 when there is none, or
 * none that is regular. */
static int
look(const char *path, int flags, int *fd, struct stat *st, struct buf *text)
{
	int got = open(path, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	*fd = 0;
	if (got < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(got, st) != 0 ||
	    (S_ISREG(st->st_mode) && read_from(got, 0, text) != 0)) {
		close(got);
		return -1;
	}
	if (S_ISREG(st->st_mode))
		*fd = got;
	else
		close(got);
	return 0;
}

int
swap_load(struct swap_file *f, struct err *err)
{
	int fd;

	f->old.max = SWAP_MAX;
	if (look(f->path, O_RDONLY, &fd, &f->st, &f->old) != 0)
		return fail(err, f->path);
	f->found = fd > 0;
	close_fd(&fd);
	return 0;
}

static bool
same_file(const struct swap_file *f, const struct stat *st,
    const struct buf *text, const struct buf *expected)
{
	return st->st_mode == f->st.st_mode && st->st_uid == f->st.st_uid &&
	       st->st_gid == f->st.st_gid &&
	       slice_same(text_of(text), text_of(expected));
}

/*
 * Whether it is still what was read: 1 = no.  Opened for writing, since an
 * overlay file system copies the file then; so what is added to it later is
 * seen by this descriptor.
 */
static int
check(struct swap_file *f, struct err *err)
{
	struct buf now = { .max = SWAP_MAX };
	struct stat st = { 0 };
	int rc;

	close_fd(&f->seen);
	rc = look(f->path, O_RDWR, &f->seen, &st, &now);
	if (rc != 0)
		rc = look(f->path, O_RDONLY, &f->seen, &st, &now);
	if (rc != 0)
		fail(err, f->path);
	else if (f->found != (f->seen > 0) ||
	         (f->found && !same_file(f, &st, &now, &f->old)))
		rc = 1;
	buf_free(&now);
	return rc;
}

static int
fill(struct swap_file *f, const struct buf *text, bool sync, struct err *err)
{
	struct stat st;

	if (fstat(f->staged, &st) != 0)
		return fail(err, f->temp);
	if (f->found &&
	    (st.st_uid != f->st.st_uid || st.st_gid != f->st.st_gid) &&
	    fchown(f->staged, f->st.st_uid, f->st.st_gid) != 0)
		return fail(err, f->temp);
	if (fchmod(f->staged, f->found ? f->st.st_mode & 07777 : NEW_MODE) !=
	        0 ||
	    file_write_fd(f->staged, buf_str(text), text->len, err) != 0 ||
	    (sync && file_sync(f->staged) != 0))
		return fail(err, f->temp);
	f->synced = sync;
	return 0;
}

/* A temporary file with that text. */
static int
stage(struct swap_file *f, const struct buf *text, bool sync, struct err *err)
{
	close_fd(&f->staged);
	/* One that a crash left behind. */
	if (file_remove(f->temp, err) != 0)
		return -1;
	f->staged = open(f->temp,
	    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (f->staged < 0)
		return fail(err, f->temp);
	return fill(f, text, sync, err);
}

int
swap_stage(struct swap_file *files, int count, bool sync, struct err *err)
{
	for (int i = 0; i < count; i++) {
		if (files[i].new.len > 0 &&
		    stage(&files[i], &files[i].new, sync, err) != 0)
			return -1;
	}
	return 0;
}

/* How many bytes two texts have in common at their beginning. */
static size_t
common(const struct buf *a, const struct buf *b)
{
	size_t n = 0;

	while (n < a->len && n < b->len && a->data[n] == b->data[n])
		n++;
	return n;
}

/* Blocks for a text of that length; the file itself stays as it is.  Not
 * every file system can do that. */
static int
reserve(int fd, size_t len)
{
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)len) != 0 &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return -1;
	return 0;
}

static int
write_from(int fd, const struct buf *text, size_t at, struct err *err)
{
	struct slice rest = slice_skip(text_of(text), at);

	if (lseek(fd, (off_t)at, SEEK_SET) < 0 ||
	    file_write_fd(fd, rest.ptr, rest.len, err) != 0)
		return -1;
	return 0;
}

/*
 * Change the text of the file itself from one into the other, from where they
 * differ; a text that only becomes longer is appended to, so that nobody's
 * lines are written over.
 */
static int
write_in_place(const char *path, const struct buf *from, const struct buf *to,
    struct err *err)
{
	size_t same = common(from, to);
	bool append = same == from->len;
	int fd = open(path,
	    O_WRONLY | O_NOFOLLOW | O_CLOEXEC | (append ? O_APPEND : 0));
	struct err ignored = { 0 };
	int rc = 0;

	if (fd < 0)
		return fail(err, path);
	if (reserve(fd, to->len) != 0) {
		rc = fail(err, path);
	} else if (write_from(fd, to, same, err) != 0 ||
	           (!append && ftruncate(fd, (off_t)to->len) != 0) ||
	           file_sync(fd) != 0) {
		rc = fail(err, path);
		if (write_from(fd, from, same, &ignored) != 0 ||
		    ftruncate(fd, (off_t)from->len) != 0)
			log_event(LOG_WARN, "setup",
			    "%s could not be put back as it was", path);
	}
	close(fd);
	return rc;
}

/* Take over what was added to the end of the file that was replaced. */
static void
rescue(struct swap_file *f)
{
	struct buf tail = { .max = SWAP_MAX };
	struct err err = { 0 };

	if (read_from(f->seen, (off_t)f->kept, &tail) == 0 && tail.len > 0) {
		f->synced = false;
		f->kept += tail.len;
		if (file_write_fd(f->staged, tail.data, tail.len, &err) != 0)
			log_err(LOG_WARN, "setup", &err);
	}
	buf_free(&tail);
}

void
swap_rescue(struct swap_file *files, int count)
{
	for (int i = 0; i < count; i++)
		if (files[i].kept > 0)
			rescue(&files[i]);
}

static int
rename_as(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* The file at the temporary name is the one that was checked. */
static bool
took_out_the_checked(const struct swap_file *f)
{
	struct stat seen, out;

	return fstat(f->seen, &seen) == 0 && stat(f->temp, &out) == 0 &&
	       seen.st_dev == out.st_dev && seen.st_ino == out.st_ino;
}

/*
 * Put the new version in place, at once.  What was there gets the temporary
 * name, if the file system can do that; so it shows whether somebody put
 * another file there since the check, and that one goes back.  1 = so it was.
 */
static int
put_in_place(const struct swap_file *f)
{
	unsigned flags = f->found ? RENAME_EXCHANGE : RENAME_NOREPLACE;

	if (rename_as(f->temp, f->path, flags) == 0) {
		if (!f->found || took_out_the_checked(f))
			return 0;
		return rename_as(f->temp, f->path, RENAME_EXCHANGE) == 0 ? 1
		                                                         : -1;
	}
	if (errno == EEXIST || errno == ENOENT)
		return 1;
	return errno == EBUSY ? -1 : rename(f->temp, f->path);
}

static int
put(struct swap_file *f, struct err *err)
{
	int rc = put_in_place(f);

	if (rc == 0 && f->found) {
		f->kept = f->old.len;
		rescue(f);
	}
	if (rc >= 0)
		return rc;
	return errno == EBUSY ? write_in_place(f->path, &f->old, &f->new, err)
	                      : fail(err, f->path);
}

/* Put back what was there, unless somebody changed it since. */
static int
restore(struct swap_file *f, struct err *err)
{
	struct buf now = { .max = SWAP_MAX };
	struct stat st = { 0 };
	int fd = 0, rc;
	bool ours;

	rc = look(f->path, O_RDONLY, &fd, &st, &now);
	ours = rc == 0 && fd > 0 && slice_same(text_of(&now), text_of(&f->new));
	close_fd(&fd);
	buf_free(&now);
	if (rc != 0)
		return fail(err, f->path);
	if (!ours)
		return 0;
	if (!f->found)
		return file_remove(f->path, err);
	if (stage(f, &f->old, false, err) != 0)
		return -1;
	if (rename(f->temp, f->path) == 0)
		return 0;
	return errno == EBUSY ? write_in_place(f->path, &f->new, &f->old, err)
	                      : fail(err, f->path);
}

static int
check_all(struct swap_file *files, int count, struct err *err)
{
	int rc = 0;

	for (int i = 0; i < count && rc == 0; i++) {
		if (files[i].new.len > 0)
			rc = check(&files[i], err);
	}
	return rc;
}

int
swap_commit(struct swap_file *files, int count, struct err *err)
{
	struct err minor = { 0 };
	int done = 0, rc = check_all(files, count, err);

	for (; done < count && rc == 0; done++) {
		struct swap_file *f = &files[done];

		if (f->new.len == 0)
			continue;
		/* Once more, and nothing in between. */
		rc = check(f, err);
		if (rc == 0)
			rc = put(f, err);
		if (rc != 0)
			break;
	}
	for (int i = 0; i < count; i++) {
		if (rc == 0 && files[i].staged > 0 && !files[i].synced)
			file_sync(files[i].staged);
		if (rc != 0 && i < done && files[i].new.len > 0 &&
		    restore(&files[i], &minor) != 0)
			log_err(LOG_WARN, "setup", &minor);
	}
	return rc;
}

void
swap_drop(struct swap_file *files, int count)
{
	for (int i = 0; i < count; i++) {
		struct swap_file *f = &files[i];

		if (f->staged > 0)
			unlink(f->temp);
		close_fd(&f->staged);
		close_fd(&f->seen);
		buf_free(&f->old);
		buf_free(&f->new);
	}
}
