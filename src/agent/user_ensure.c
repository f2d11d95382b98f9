#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"

#define HOME "/home/" USER_NAME
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

static const char *const names[FILES][2] = {
	{ "/etc/group", "/etc/.group.ssm-activate" },
	{ "/etc/shadow", "/etc/.shadow.ssm-activate" },
	{ "/etc/passwd", "/etc/.passwd.ssm-activate" },
};

static int
fail(struct err *err, const char *path)
{
	return err_sys(err, ERR_KIND_SYSTEM, "%s", path);
}

static void
files_free(struct file *files)
{
	for (int i = 0; i < FILES; i++) {
		buf_free(&files[i].old);
		buf_free(&files[i].new);
	}
}

static int
load(struct file *f, struct err *err)
{
	enum file_found found = file_read(f->path, &f->old, err);

	if (found == FILE_FAILED)
		return -1;
	f->found = found == FILE_FOUND;
	if (f->found && stat(f->path, &f->st) != 0)
		return fail(err, f->path);
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
prepare(struct file *files, const struct user_want *want, struct err *err)
{
	struct user_texts out = { .passwd = &files[PASSWD].new,
		.group = &files[GROUP].new,
		.shadow = &files[SHADOW].new };

	for (int i = 0; i < FILES; i++) {
		files[i] = (struct file){ .path = names[i][0],
			.temp = names[i][1],
			.old = { .max = FILE_MAX },
			.new = { .max = FILE_MAX + 1024 * 1024 } };
		if (load(&files[i], err) != 0)
			return -1;
	}
	return user_add(&out, text_of(&files[PASSWD]), text_of(&files[GROUP]),
	    text_of(&files[SHADOW]), want, err);
}

static int
fill_temp(int fd, const struct file *f, const struct buf *text, struct err *err)
{
	mode_t mode = f->found ? f->st.st_mode & 07777 : 0644;

	if ((f->found && fchown(fd, f->st.st_uid, f->st.st_gid) != 0) ||
	    fchmod(fd, mode) != 0 ||
	    file_write_fd(fd, buf_str(text), text->len, err) != 0 ||
	    fsync(fd) != 0)
		return fail(err, f->temp);
	return 0;
}

/* A file that container runtimes mount by itself cannot be renamed over. */
static int
write_in_place(const struct file *f, const struct buf *text, struct err *err)
{
	int fd = open(f->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || file_write_fd(fd, buf_str(text), text->len, err) != 0 ||
	    ftruncate(fd, (off_t)text->len) != 0 || fsync(fd) != 0)
		rc = fail(err, f->path);
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
		return fail(err, f->temp);
	if (fill_temp(fd, f, text, err) == 0) {
		rc = rename(f->temp, f->path);
		if (rc != 0)
			rc = errno == EBUSY ? write_in_place(f, text, err)
			                    : fail(err, f->temp);
	}
	(void)close(fd);
	(void)unlink(f->temp);
	return rc;
}

/* Put back what was there before the files [0, count). */
static void
restore(const struct file *files, int count)
{
	for (int i = 0; i < count; i++) {
		const struct file *f = &files[i];
		struct err err = { 0 };

		if (f->new.len > 0 &&
		    (f->found ? replace(f, &f->old, &err)
		              : file_remove(f->path, &err)) != 0)
			log_err(LOG_WARN, "setup", &err);
	}
}

static int
rewrite(const struct file *files, struct err *err)
{
	for (int i = 0; i < FILES; i++) {
		const struct file *f = &files[i];

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
	int fd;

	if (file_mkdirs("/etc", 0755, err) != 0)
		return -1;
	fd = open(LOCK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0) {
		if ((errno != EAGAIN && errno != EACCES) || fd < 0 ||
		    clock_left(deadline) == 0) {
			fail(err, LOCK);
			(void)close(fd);
			return -1;
		}
		clock_sleep(clock_in(LOCK_STEP_MS));
	}
	return fd;
}

/* Whose folder it becomes is decided on a descriptor, so that nobody can put
 * a link in its place in between.  A folder that is there stays as it is. */
static int
make_home(struct err *err)
{
	struct user_ids ids = { 0 };
	int fd, rc = 0;

	if (user_find(&ids, USER_NAME, err) != 0 ||
	    file_mkdirs("/home", 0755, err) != 0)
		return -1;
	if (mkdir(HOME, 0700) != 0)
		return errno == EEXIST ? 0 : fail(err, HOME);
	fd = open(HOME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0700) != 0 ||
	    fchown(fd, ids.uid, ids.gid) != 0)
		rc = fail(err, HOME);
	(void)close(fd);
	return rc;
}

static int
add_locked(const struct user_want *want, struct err *err)
{
	struct err minor = { 0 };
	struct file files[FILES] = { 0 };
	int rc = prepare(files, want, err);

	if (rc == 0)
		rc = rewrite(files, err);
	files_free(files);
	if (rc == 0 && make_home(&minor) != 0)
		log_err(LOG_WARN, "setup", &minor);
	return rc;
}

int
user_ensure(const struct user_want *want, struct err *err)
{
	struct file files[FILES] = { 0 };
	int lock, rc;

	/* An image that has the user needs nothing written: its root may be
	 * read-only. */
	rc = prepare(files, want, err);
	files_free(files);
	if (rc == 0) {
		lock = take_lock(err);
		rc = lock < 0 ? -1 : add_locked(want, err);
		(void)close(lock);
	}
	return rc == -1 ? err_wrap(err, USER_NAME) : rc;
}
