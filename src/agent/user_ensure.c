#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

#define LOCK "/etc/.pwd.lock"

enum { FILE_MAX = 4 * 1024 * 1024, LOCK_WAIT_MS = 5000, LOCK_STEP_MS = 50 };

/* One of the three files: as it is, and as it will be. */
struct file {
	const char *path;
	const char *temp;
	bool found;
	struct stat st;
	struct buf old, new;
};

/* In the order in which they are written: an entry of passwd may only name a
 * group that is there. */
enum { GROUP, SHADOW, PASSWD, FILES };

struct files {
	struct file file[FILES];
};

static void
files_init(struct files *files)
{
	static const char *const paths[FILES] = { "/etc/group", "/etc/shadow",
		"/etc/passwd" };
	static const char *const temps[FILES] = { "/etc/.group.ssm-activate",
		"/etc/.shadow.ssm-activate", "/etc/.passwd.ssm-activate" };

	for (size_t i = 0; i < FILES; i++) {
		files->file[i] = (struct file){ .path = paths[i],
			.temp = temps[i],
			.old = { .max = FILE_MAX },
			.new = { .max = FILE_MAX + 1024 * 1024 } };
	}
}

static void
files_free(struct files *files)
{
	for (size_t i = 0; i < FILES; i++) {
		buf_free(&files->file[i].old);
		buf_free(&files->file[i].new);
	}
}

static int
load(struct file *f, struct err *err)
{
	enum file_found found = file_read(f->path, &f->old, err);

	if (found == FILE_FAILED)
		return -1;
	f->found = found == FILE_FOUND;
	if (!f->found)
		return 0;
	if (stat(f->path, &f->st) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "%s", f->path);
	if (slice_has(slice_make(f->old.data, f->old.len), '\0'))
		return err_set(err, ERR_KIND_SYSTEM, "%s holds a NUL byte",
		    f->path);
	return 0;
}

static const char *
text_of(const struct file *f)
{
	return f->found ? buf_str(&f->old) : NULL;
}

/* Read the files and work out what they should be; as user_add(). */
static int
prepare(struct files *files, const struct user_want *want, struct err *err)
{
	struct user_texts out = { .passwd = &files->file[PASSWD].new,
		.group = &files->file[GROUP].new,
		.shadow = &files->file[SHADOW].new };

	for (size_t i = 0; i < FILES; i++)
		if (load(&files->file[i], err) != 0)
			return -1;
	return user_add(&out, text_of(&files->file[PASSWD]),
	    text_of(&files->file[GROUP]), text_of(&files->file[SHADOW]), want,
	    err);
}

static int
fill_temp(int fd, const struct file *f, const struct buf *text, struct err *err)
{
	mode_t mode = f->found ? f->st.st_mode & 07777 : 0644;

	if (f->found && fchown(fd, f->st.st_uid, f->st.st_gid) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "chown %s", f->temp);
	if (fchmod(fd, mode) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "chmod %s", f->temp);
	if (file_write_fd(fd, buf_str(text), text->len, err) != 0)
		return err_wrap(err, f->temp);
	if (fsync(fd) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "fsync %s", f->temp);
	return 0;
}

/* A file that container runtimes mount by itself cannot be renamed over. */
static int
write_in_place(const struct file *f, const struct buf *text, struct err *err)
{
	int fd = open(f->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = -1;

	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "open %s", f->path);
	if (file_write_fd(fd, buf_str(text), text->len, err) != 0)
		err_wrap(err, f->path);
	else if (ftruncate(fd, (off_t)text->len) != 0 || fsync(fd) != 0)
		err_sys(err, ERR_KIND_SYSTEM, "write %s", f->path);
	else
		rc = 0;
	(void)close(fd);
	return rc;
}

static int
replace(const struct file *f, const struct buf *text, struct err *err)
{
	int fd, rc = -1;

	/* One that a crash left behind; the lock is ours. */
	if (file_remove(f->temp, err) != 0)
		return -1;
	fd = open(f->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "create %s", f->temp);
	if (fill_temp(fd, f, text, err) == 0)
		rc = rename(f->temp, f->path) == 0 ? 0 : 1;
	(void)close(fd);
	if (rc == 0)
		return 0;
	if (rc == 1 && errno != EBUSY)
		err_sys(err, ERR_KIND_SYSTEM, "rename %s", f->temp);
	else if (rc == 1) {
		return file_remove(f->temp, err) == 0
		           ? write_in_place(f, text, err)
		           : -1;
	}
	(void)file_remove(f->temp, err);
	return -1;
}

/* Put back what was there before the files [0, count). */
static void
restore(const struct files *files, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct file *f = &files->file[i];
		struct err err = { 0 };
		int rc;

		if (f->new.len == 0)
			continue;
		rc = f->found ? replace(f, &f->old, &err)
		              : file_remove(f->path, &err);
		if (rc != 0)
			log_err(LOG_WARN, "setup", &err);
	}
}

static int
rewrite(const struct files *files, struct err *err)
{
	for (size_t i = 0; i < FILES; i++) {
		const struct file *f = &files->file[i];

		if (f->new.len == 0 || replace(f, &f->new, err) == 0)
			continue;
		restore(files, i);
		return -1;
	}
	return 0;
}

/* The lock of the shadow tools, as lckpwdf(3) takes it; -1 = not got. */
static int
take_lock(struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t deadline = clock_in(LOCK_WAIT_MS);
	int fd = open(LOCK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "open " LOCK);
	while (fcntl(fd, F_SETLK, &lock) != 0) {
		if ((errno == EAGAIN || errno == EACCES) &&
		    clock_left(deadline) > 0) {
			clock_sleep(clock_in(LOCK_STEP_MS));
			continue;
		}
		err_sys(err, ERR_KIND_SYSTEM, "lock " LOCK);
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Whose folder it becomes is decided on a descriptor, so that nobody can put
 * a link in its place in between.  A folder that is there stays as it is. */
static int
make_home(const struct user_ids *ids, struct err *err)
{
	int home, fd = -1, rc = -1;

	if (file_mkdirs("/home", 0755, err) != 0)
		return -1;
	home = open("/home", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (home < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "open /home");
	if (mkdirat(home, USER_NAME, 0700) != 0) {
		rc = errno == EEXIST ? 0
		                     : err_sys(err, ERR_KIND_SYSTEM,
		                           "mkdir /home/" USER_NAME);
		goto out;
	}
	fd = openat(home, USER_NAME,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0700) != 0 ||
	    fchown(fd, ids->uid, ids->gid) != 0)
		err_sys(err, ERR_KIND_SYSTEM, "/home/" USER_NAME);
	else
		rc = 0;
out:
	if (fd >= 0)
		(void)close(fd);
	(void)close(home);
	return rc;
}

static int
add_locked(const struct user_want *want, struct err *err)
{
	struct err minor = { 0 };
	struct user_ids ids = { 0 };
	struct files files;
	int rc;

	files_init(&files);
	rc = prepare(&files, want, err);
	if (rc == 0)
		rc = rewrite(&files, err);
	files_free(&files);
	if (rc != 0)
		return rc;
	if (user_find(&ids, USER_NAME, &minor) != 0 ||
	    make_home(&ids, &minor) != 0)
		log_err(LOG_WARN, "setup", &minor);
	return 0;
}

int
user_ensure(const struct user_want *want, struct err *err)
{
	struct files files;
	int lock, rc;

	/* An image that has the user needs nothing written: its root may be
	 * read-only. */
	files_init(&files);
	rc = prepare(&files, want, err);
	files_free(&files);
	if (rc == 0) {
		lock = -1;
		if (file_mkdirs("/etc", 0755, err) == 0)
			lock = take_lock(err);
		rc = lock < 0 ? -1 : add_locked(want, err);
		if (lock >= 0)
			(void)close(lock);
	}
	return rc == -1 ? err_wrap(err, USER_NAME) : rc;
}
