#include <stdint.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

/* The fields of passwd(5) and group(5) that count here. */
enum { NAME = 0, ID = 2, GID = 3, MEMBERS = 3, HOME = 5, FIELDS = 7 };

struct entry {
	struct slice field[FIELDS];
};

static bool
next_entry(struct slice *rest, struct entry *e)
{
	struct slice line;

	if (!slice_cut(rest, '\n', &line))
		return false;
	*e = (struct entry){ 0 };
	for (size_t i = 0; i < FIELDS; i++)
		if (!slice_cut(&line, ':', &e->field[i]))
			break;
	return true;
}

static bool
parse_id(struct slice text, uint32_t *id)
{
	uint64_t value;

	if (!slice_u64(text, UINT32_MAX - 1, &value))
		return false;
	*id = (uint32_t)value;
	return true;
}

/* The entry whose field is the text; text is not empty. */
static bool
find(const struct buf *file, size_t field, struct slice text, struct entry *e)
{
	struct slice rest = slice_make(file->data, file->len);

	while (next_entry(&rest, e))
		if (e->field[NAME].len > 0 && slice_same(e->field[field], text))
			return true;
	return false;
}

static int
find_user(struct user_ids *out, const struct buf *passwd, struct slice user,
    struct err *err)
{
	struct entry e;
	bool known = find(passwd, NAME, user, &e) || find(passwd, ID, user, &e);

	if (!known) {
		if (!parse_id(user, &out->uid))
			return err_set(err, ERR_KIND_INVALID_VALUE,
			    "no such user");
		(void)slice_copy(slice_of("/"), out->home, sizeof(out->home));
		return 0;
	}
	if (!parse_id(e.field[ID], &out->uid) ||
	    !parse_id(e.field[GID], &out->gid) ||
	    !slice_copy(e.field[NAME], out->name, sizeof(out->name)) ||
	    !slice_copy(e.field[HOME], out->home, sizeof(out->home)))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the entry in /etc/passwd cannot be used");
	if (out->home[0] == '\0')
		(void)slice_copy(slice_of("/"), out->home, sizeof(out->home));
	return 0;
}

static int
find_group(gid_t *gid, const struct buf *groups, struct slice group,
    struct err *err)
{
	struct entry e;

	if (find(groups, NAME, group, &e))
		group = e.field[ID];
	if (!parse_id(group, gid))
		return err_set(err, ERR_KIND_INVALID_VALUE, "no such group");
	return 0;
}

static int
add_group(struct user_ids *out, gid_t gid, struct err *err)
{
	for (int i = 0; i < out->group_count; i++)
		if (out->groups[i] == gid)
			return 0;
	if (out->group_count == USER_GROUPS_MAX)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "more than %d groups", USER_GROUPS_MAX);
	out->groups[out->group_count++] = gid;
	return 0;
}

static bool
has_member(struct slice members, const char *name)
{
	struct slice one;

	while (slice_cut(&members, ',', &one))
		if (slice_eq(one, name))
			return true;
	return false;
}

static int
add_memberships(struct user_ids *out, const struct buf *groups, struct err *err)
{
	struct slice rest = slice_make(groups->data, groups->len);
	struct entry e;
	gid_t gid;

	if (out->name[0] == '\0')
		return 0;
	while (next_entry(&rest, &e)) {
		if (has_member(e.field[MEMBERS], out->name) &&
		    parse_id(e.field[ID], &gid) &&
		    add_group(out, gid, err) != 0)
			return -1;
	}
	return 0;
}

static int
find_ids(struct user_ids *out, const char *spec, const struct buf *passwd,
    const struct buf *groups, struct err *err)
{
	struct slice user = slice_of(spec), group = { 0 };
	bool both = slice_split(user, ':', &user, &group);

	if (user.len == 0 || (both && group.len == 0))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "a user is wanted as NAME or NAME:GROUP");
	if (find_user(out, passwd, user, err) != 0)
		return -1;
	if (both && find_group(&out->gid, groups, group, err) != 0)
		return -1;
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

	if (file_read("/etc/passwd", &passwd, err) == FILE_FAILED ||
	    file_read("/etc/group", &groups, err) == FILE_FAILED)
		goto out;
	rc = find_ids(&new, spec, &passwd, &groups, err);
	if (rc == 0)
		*out = new;
out:
	buf_free(&passwd);
	buf_free(&groups);
	return rc == 0 ? 0 : err_wrap(err, spec);
}
