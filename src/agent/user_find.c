#include "agent/user.h"

#include "base/buf.h"
#include "base/entry.h"
#include "base/err.h"
#include "base/file.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

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
	               sizeof(out->name)) ||
	           !slice_copy(e.field[ENTRY_HOME], out->home,
	               sizeof(out->home))) {
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
