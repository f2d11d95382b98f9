/* SPDX-License-Identifier: MIT */
#include "agent/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/swap.h"
#include "agent/used.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/walk.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

#define HOME "/home/" USER_NAME
#define LOCK "/etc/.pwd.lock"

enum { LOCK_WAIT_MS = 5000, LOCK_STEP_MS = 50 };

/* With others who write all the time, the first TRIES_SYNCED wait for the disk
 * before the files are put in place, the others after that. */
enum { TRIES = 50, TRIES_SYNCED = 3 };

/* Files that changed so short a time ago may be the work of somebody who has
 * opened or read them and not written yet; then it is waited for. */
enum { RECENT_S = 2, SETTLE_MS = 200 };

/* Somebody wrote to the files meanwhile. */
enum { CHANGED = 2 };

/* In the order in which they are written: an entry of passwd may only name a
 * group that is there. */
enum { GROUP, SHADOW, PASSWD, FILES };

static const char *const names[FILES][2] = {
	{ "/etc/group", "/etc/.group.ssm-activate" },
	{ "/etc/shadow", "/etc/.shadow.ssm-activate" },
	{ "/etc/passwd", "/etc/.passwd.ssm-activate" },
};

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_KIND_INVALID_VALUE, "%s", why);
}

static int
find_user(struct user_ids *out, struct slice passwd, struct slice user,
    struct err *err)
{
	struct entry e;

	if (!entry_find(passwd, ENTRY_NAME, user, &e) &&
	    !entry_find(passwd, ENTRY_ID, user, &e)) {
		if (!entry_id(user, &out->uid))
			return refuse(err, "no such user");
	} else if (!entry_id(e.field[ENTRY_ID], &out->uid) ||
	           !entry_id(e.field[ENTRY_GID], &out->gid) ||
	           !slice_copy(e.field[ENTRY_NAME], out->name,
	               sizeof out->name) ||
	           !slice_copy(e.field[ENTRY_HOME], out->home,
	               sizeof out->home)) {
		return refuse(err, "unusable entry in /etc/passwd");
	}
	if (out->home[0] == '\0')
		out->home[0] = '/';
	return 0;
}

static int
add_group(struct user_ids *out, gid_t gid, struct err *err)
{
	for (int i = 0; i < out->group_count; i++)
		if (out->groups[i] == gid)
			return 0;
	if (out->group_count == USER_GROUPS_MAX)
		return refuse(err, "too many groups");
	out->groups[out->group_count++] = gid;
	return 0;
}

static int
add_memberships(struct user_ids *out, struct slice groups, struct err *err)
{
	struct entry e;
	gid_t gid;

	if (out->name[0] == '\0')
		return 0;
	while (entry_next(&groups, &e)) {
		if (entry_has_member(&e, slice_of(out->name)) &&
		    entry_id(e.field[ENTRY_ID], &gid) &&
		    add_group(out, gid, err) != 0)
			return -1;
	}
	return 0;
}

static int
find_ids(struct user_ids *out, const char *spec, struct slice passwd,
    struct slice groups, struct err *err)
{
	struct slice user = slice_of(spec), group = { 0 };
	bool both = slice_split(user, ':', &user, &group);
	struct entry e;

	if (user.len == 0 || (both && group.len == 0))
		return refuse(err, "a user is wanted as NAME or NAME:GROUP");
	if (find_user(out, passwd, user, err) != 0)
		return -1;
	if (entry_find(groups, ENTRY_NAME, group, &e))
		group = e.field[ENTRY_ID];
	if (both && !entry_id(group, &out->gid))
		return refuse(err, "no such group");
	if (add_group(out, out->gid, err) != 0)
		return -1;
	return both ? 0 : add_memberships(out, groups, err);
}

int
user_find(struct user_ids *out, const char *spec, struct err *err)
{
	struct buf passwd = { .max = FILE_MAX }, groups = { .max = FILE_MAX };
	struct user_ids new = { 0 };
	int rc = -1;

	if (file_read("/etc/passwd", &passwd, err) != FILE_FAILED &&
	    file_read("/etc/group", &groups, err) != FILE_FAILED)
		rc = find_ids(&new, spec, slice_make(passwd.data, passwd.len),
		    slice_make(groups.data, groups.len), err);
	if (rc == 0)
		*out = new;
	buf_free(&passwd);
	buf_free(&groups);
	return rc == 0 ? 0 : err_wrap(err, spec);
}

/* The uid of ssm-user, 0 = there is none; and another name that has it. */
static uid_t
read_passwd(const char *passwd, struct slice *other)
{
	struct slice rest = slice_of(passwd);
	struct entry e;
	uint32_t uid = 0, id;

	if (!entry_find(rest, ENTRY_NAME, slice_of(USER_NAME), &e) ||
	    !entry_id(e.field[ENTRY_ID], &uid))
		return 0;
	while (entry_next(&rest, &e)) {
		if (entry_id(e.field[ENTRY_ID], &id) && id == uid &&
		    !slice_eq(e.field[ENTRY_NAME], USER_NAME)) {
			*other = e.field[ENTRY_NAME];
			break;
		}
	}
	return uid;
}

static bool
is_app(const char *app, uid_t uid)
{
	struct user_ids ids = { 0 };
	struct err ignored = { 0 };

	return app != NULL && user_find(&ids, app, &ignored) == 0 &&
	       ids.uid == uid;
}

static bool
is_process(uid_t uid)
{
	struct used used;

	used_begin(&used, uid, uid);
	used_machine(&used);
	return used_has_uid(&used, uid);
}

uid_t
user_shared(struct buf *who, const char *app)
{
	struct buf passwd = { .max = FILE_MAX };
	struct err ignored = { 0 };
	struct user_ids ids = { 0 };
	struct slice other = { 0 };
	struct stat st;
	uid_t uid = 0;

	if (file_read("/etc/passwd", &passwd, &ignored) == FILE_FOUND)
		uid = read_passwd(buf_str(&passwd), &other);
	if (uid == 0 && user_elsewhere(&ids))
		uid = ids.uid;
	if (uid == 0)
		goto out;
	if (other.len > 0) {
		buf_printf(who, "of %.*s in /etc/passwd", (int)other.len,
		    other.ptr);
	} else if (is_app(app, uid)) {
		buf_puts(who, "of --user");
	} else if (stat(".", &st) == 0 && st.st_uid == uid) {
		buf_puts(who, "of the owner of the working folder");
	} else if (is_process(uid)) {
		buf_puts(who, "of a process that runs");
	} else {
		uid = 0;
	}
out:
	buf_free(&passwd);
	return uid;
}

/* The folder itself, in one of root's; where it is not there yet, others may
 * not make it. */
static bool
is_own(const struct walk *walk, const struct user_ids *ids)
{
	struct stat st;

	if (fstatat(walk->dir, walk->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return fstat(walk->dir, &st) == 0 &&
		       (st.st_mode & WALK_OTHERS) == 0;
	return (st.st_uid == 0 || st.st_uid == ids->uid) &&
	       (st.st_mode & S_IWOTH) == 0 &&
	       ((st.st_mode & S_IWGRP) == 0 || st.st_gid == ids->gid);
}

bool
user_shared_home(struct buf *why)
{
	struct walk walk = { .dir = -1 };
	struct user_ids ids = { 0 };
	struct err err = { 0 };
	enum file_found found;
	bool own = true;

	if (geteuid() != 0 ||
	    (user_find(&ids, USER_NAME, &err) != 0 && !user_elsewhere(&ids)))
		return false;
	err_clear(&err);
	found = walk_to(&walk, AT_FDCWD, ids.home, &err);
	if (found == FILE_FAILED)
		own = false;
	else if (found == FILE_FOUND)
		own = is_own(&walk, &ids);
	walk_end(&walk);
	if (!own)
		buf_printf(why, "%s", err.code != ERR_OK ? err.msg : ids.home);
	return !own;
}

static int
fail(struct err *err, const char *path)
{
	return err_sys(err, ERR_KIND_SYSTEM, "%s", path);
}

static const char *
text_of(const struct swap_file *f)
{
	return f->found ? buf_str(&f->old) : NULL;
}

/* Read the files and work out what they should be; as user_add(). */
static int
prepare(struct swap_file *files, const struct user_want *want, struct err *err)
{
	struct user_texts out = { .passwd = &files[PASSWD].new,
		.group = &files[GROUP].new,
		.shadow = &files[SHADOW].new };

	for (int i = 0; i < FILES; i++) {
		struct swap_file *f = &files[i];

		*f = (struct swap_file){ .path = names[i][0],
			.temp = names[i][1],
			.new = { .max = SWAP_MAX + 1024 * 1024 } };
		if (swap_load(f, err) != 0)
			return -1;
		if (slice_has(slice_make(f->old.data, f->old.len), '\0'))
			return err_set(err, ERR_KIND_SYSTEM,
			    "%s holds a NUL byte", f->path);
	}
	return user_add(&out, text_of(&files[PASSWD]), text_of(&files[GROUP]),
	    text_of(&files[SHADOW]), want, err);
}

static bool
is_recent(const struct swap_file *f)
{
	return f->found && clock_now() - f->st.st_mtime <= RECENT_S;
}

static int
commit(struct swap_file *files, bool recent, struct err *err)
{
	int rc = swap_commit(files, FILES, err);

	if (rc == 0 && recent) {
		clock_sleep(clock_in(SETTLE_MS));
		swap_rescue(files, FILES);
	}
	return rc == 1 ? CHANGED : rc;
}

/* Once: 0 = put in place, 1 = the user is there, or CHANGED. */
static int
try_once(const struct user_want *want, bool sync, bool *recent, struct err *err)
{
	struct swap_file files[FILES] = { 0 };
	int rc = prepare(files, want, err);

	if (rc == 0) {
		*recent = is_recent(&files[PASSWD]) || is_recent(&files[GROUP]);
		rc = swap_stage(files, FILES, sync, err);
		if (rc == 0)
			rc = commit(files, *recent, err);
	}
	swap_drop(files, FILES);
	return rc;
}

/* 0 = it was added, 1 = it was there before, as user_add(). */
static int
add_until_it_stays(const struct user_want *want, struct err *err)
{
	bool added = false, recent = false;
	int rc;

	for (int i = 0; i < TRIES; i++) {
		rc = try_once(want, i < TRIES_SYNCED, &recent, err);
		if (rc < 0)
			return -1;
		if (rc == 1 || (rc == 0 && !recent))
			return added || rc == 0 ? 0 : 1;
		added = added || rc == 0;
	}
	return err_set(err, ERR_KIND_SYSTEM,
	    "/etc/passwd or /etc/group changes all the time");
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
			close(fd);
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
	if (fd < 0 || file_chmod(fd, 0700) != 0 ||
	    fchown(fd, ids.uid, ids.gid) != 0)
		rc = fail(err, HOME);
	close(fd);
	return rc;
}

void
user_heed(struct used *used, const char *spec)
{
	struct user_ids ids = { 0 };
	struct err ignored = { 0 };

	if (spec == NULL || user_find(&ids, spec, &ignored) != 0)
		return;
	used_uid(used, ids.uid);
	used_gid(used, ids.gid);
	for (int i = 0; i < ids.group_count; i++)
		used_gid(used, ids.groups[i]);
}

static int
add_locked(const struct user_want *want, struct err *err)
{
	struct user_want one = *want;
	struct used used;
	struct err minor = { 0 };
	int rc;

	used_begin(&used, 1, USER_ID_LAST);
	used_machine(&used);
	user_heed(&used, want->app);
	used_unmapped(&used);
	one.used = &used;
	rc = add_until_it_stays(&one, err);
	if (rc == 0 && make_home(&minor) != 0)
		log_err(LOG_WARN, "setup", &minor);
	return rc;
}

/* What a start left that was killed after it had put the files in place. */
static void
remove_leftovers(void)
{
	for (int i = 0; i < FILES; i++)
		unlink(names[i][1]);
}

int
user_ensure(const struct user_want *want, struct err *err)
{
	struct swap_file files[FILES] = { 0 };
	struct user_ids ids = { 0 };
	int lock, rc;

	/* An image that has the user needs nothing written: its root may be
	 * read-only. */
	rc = prepare(files, want, err);
	swap_drop(files, FILES);
	if (rc == 1)
		remove_leftovers();
	if (rc == 0 && !want->alias && user_elsewhere(&ids))
		return 1;
	if (rc == 0) {
		lock = take_lock(err);
		rc = lock < 0 ? -1 : add_locked(want, err);
		close(lock);
	}
	return rc == -1 ? err_wrap(err, USER_NAME) : rc;
}
