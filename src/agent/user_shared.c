#include <sys/stat.h>

#include "agent/entry.h"
#include "agent/used.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

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
