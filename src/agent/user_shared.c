#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/used.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/entry.h"
#include "base/err.h"
#include "base/file.h"
#include "base/walk.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

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
	used_machine(&used, NULL);
	return used_has_uid(&used, uid);
}

uid_t
user_shared(struct buf *who, const char *app)
{
	struct buf passwd = { .max = FILE_MAX };
	struct err ignored = { 0 };
	struct slice other = { 0 };
	struct stat st;
	uid_t uid = 0;

	if (file_read("/etc/passwd", &passwd, &ignored) == FILE_FOUND)
		uid = read_passwd(buf_str(&passwd), &other);
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

	if (geteuid() != 0 || user_find(&ids, USER_NAME, &err) != 0)
		return false;
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
