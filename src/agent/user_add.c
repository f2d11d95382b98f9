#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define HOME "/home/" USER_NAME

/* Where useradd(8) looks for a free id, too. */
enum { ID_FIRST = 1000, ID_LAST = 60000, FIELDS_MAX = 7 };

/* One line of passwd(5) or group(5); what is missing is empty. */
struct entry {
	struct slice field[FIELDS_MAX];
};

/* What the files say, and what is to be added. */
struct plan {
	uid_t uid;
	gid_t gid;
	bool alias;
	struct slice twin; /* an alias: the name it is a second one of */
	struct slice home; /* of the twin */
	bool gid_known;    /* a group has the gid */
	bool name_taken;   /* a group is called ssm-user, */
	uint64_t name_gid; /* and has this gid (0 = none that will do) */
	char group_name[32];
	uint8_t used[ID_LAST / 8 + 1];
};

static struct entry
split(struct slice line)
{
	struct entry e = { 0 };

	for (size_t i = 0; i < FIELDS_MAX; i++)
		if (!slice_cut(&line, ':', &e.field[i]))
			break;
	return e;
}

/* Comments and NIS switches: no entries. */
static bool
is_odd(struct slice line)
{
	return slice_starts(line, "+") || slice_starts(line, "-") ||
	       slice_starts(line, "#");
}

/* The next entry; an odd line gives one without fields. */
static bool
next_entry(struct slice *rest, struct entry *e)
{
	struct slice line;

	if (!slice_cut(rest, '\n', &line))
		return false;
	*e = is_odd(line) ? (struct entry){ 0 } : split(line);
	return true;
}

static bool
is_id(struct slice text, uint64_t id)
{
	uint64_t value;

	return slice_u64(text, UINT32_MAX - 1, &value) && value == id;
}

static void
mark_used(struct plan *plan, struct slice text)
{
	uint64_t id;

	if (slice_u64(text, ID_LAST, &id))
		plan->used[id / 8] |= (uint8_t)(1U << (id % 8));
}

static bool
find_entry(const char *text, const char *name, struct entry *found)
{
	struct slice rest = slice_of(text);

	while (next_entry(&rest, found))
		if (slice_eq(found->field[0], name))
			return true;
	return false;
}

static void
scan_passwd(struct plan *plan, const char *passwd)
{
	struct slice rest = slice_of(passwd);
	struct entry e;

	while (next_entry(&rest, &e)) {
		mark_used(plan, e.field[2]);
		mark_used(plan, e.field[3]);
		if (plan->alias && plan->twin.len == 0 &&
		    is_id(e.field[2], plan->uid)) {
			plan->twin = e.field[0];
			plan->home = e.field[5];
		}
	}
}

static void
scan_group(struct plan *plan, const char *group)
{
	struct slice rest = slice_of(group);
	struct entry e;

	while (next_entry(&rest, &e)) {
		mark_used(plan, e.field[2]);
		if (plan->alias && is_id(e.field[2], plan->gid))
			plan->gid_known = true;
		if (!plan->name_taken && slice_eq(e.field[0], USER_NAME)) {
			plan->name_taken = true;
			(void)slice_u64(e.field[2], UINT32_MAX - 1,
			    &plan->name_gid);
		}
	}
}

/* An id that neither a user nor a group has; a group called ssm-user, left
 * over from somebody else's try, becomes the user's. */
static int
choose_ids(struct plan *plan, struct err *err)
{
	for (unsigned id = ID_FIRST; id <= ID_LAST; id++) {
		if ((plan->used[id / 8] >> (id % 8) & 1U) != 0)
			continue;
		plan->uid = id;
		plan->gid = id;
		plan->gid_known = plan->name_gid > 0;
		if (plan->gid_known)
			plan->gid = (gid_t)plan->name_gid;
		return 0;
	}
	return err_set(err, ERR_KIND_SYSTEM,
	    "no free user id from %d to %d for " USER_NAME, ID_FIRST, ID_LAST);
}

static int
choose_group(struct plan *plan, const char *group, struct err *err)
{
	struct buf name = { 0 };
	struct entry e;
	int rc = 0;

	if (plan->gid_known)
		return 0;
	buf_puts(&name, USER_NAME);
	if (plan->name_taken)
		buf_printf(&name, "-%u", plan->gid);
	if (!buf_ok(&name) || !slice_copy(slice_of(buf_str(&name)),
	                          plan->group_name, sizeof(plan->group_name)))
		rc = err_set(err, ERR_KIND_SYSTEM, "out of memory");
	else if (find_entry(group, plan->group_name, &e)) {
		rc = err_set(err, ERR_KIND_SYSTEM,
		    "a group %s exists already, with another id",
		    plan->group_name);
	}
	buf_free(&name);
	return rc;
}

/* 1 = the user is there and will do. */
static int
check_present(const char *passwd, const struct user_want *want, struct err *err)
{
	struct entry e;

	if (want->alias && (want->uid == 0 || want->gid == 0)) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    USER_NAME " cannot be a second name of user or group 0: "
		              "the agent refuses that");
	}
	if (!find_entry(passwd, USER_NAME, &e))
		return 0;
	if (want->alias &&
	    (!is_id(e.field[2], want->uid) || !is_id(e.field[3], want->gid))) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    USER_NAME " exists already and is not %u:%u", want->uid,
		    want->gid);
	}
	return 1;
}

/* The line as it is, ended whether it was or not. */
static void
copy_line(struct buf *out, struct slice line)
{
	buf_add(out, line.ptr, line.len);
	buf_putc(out, '\n');
}

static void
copy_lines(struct buf *out, const char *text)
{
	struct slice rest = slice_of(text);
	struct slice line;

	while (slice_cut(&rest, '\n', &line))
		copy_line(out, line);
}

static bool
has_member(struct slice members, struct slice name)
{
	struct slice one;

	while (slice_cut(&members, ',', &one))
		if (slice_same(one, name))
			return true;
	return false;
}

/* The twin belongs to this group and ssm-user does not yet. */
static bool
wants_member(struct slice line, struct slice twin)
{
	struct entry e = split(line);

	return twin.len > 0 && !is_odd(line) && e.field[4].len == 0 &&
	       has_member(e.field[3], twin) &&
	       !has_member(e.field[3], slice_of(USER_NAME));
}

static void
write_group(struct buf *out, const char *group, const struct plan *plan)
{
	struct slice rest = slice_of(group);
	struct slice line;

	if (group == NULL)
		buf_puts(out, "root:x:0:\n");
	while (slice_cut(&rest, '\n', &line)) {
		buf_add(out, line.ptr, line.len);
		if (wants_member(line, plan->twin))
			buf_puts(out, "," USER_NAME);
		buf_putc(out, '\n');
	}
	if (!plan->gid_known)
		buf_printf(out, "%s:x:%u:\n", plan->group_name, plan->gid);
}

static void
write_passwd(struct buf *out, const char *passwd, const struct plan *plan,
    bool has_shadow)
{
	if (passwd == NULL)
		buf_printf(out, "root:%s:0:0:root:/root:/bin/sh\n",
		    has_shadow ? "x" : "*");
	copy_lines(out, passwd);
	buf_printf(out, USER_NAME ":%s:%u:%u::", has_shadow ? "x" : "*",
	    plan->uid, plan->gid);
	if (plan->home.len > 0)
		buf_add(out, plan->home.ptr, plan->home.len);
	else
		buf_puts(out, HOME);
	buf_puts(out, ":/bin/sh\n");
}

/* No password will ever match, and the account does not expire. */
static void
write_shadow(struct buf *out, const char *shadow)
{
	struct entry e;

	copy_lines(out, shadow);
	if (!find_entry(shadow, USER_NAME, &e))
		buf_puts(out, USER_NAME ":!::0:99999:7:::\n");
}

int
user_add(const struct user_texts *out, const char *passwd, const char *group,
    const char *shadow, const struct user_want *want, struct err *err)
{
	struct plan plan = {
		.alias = want->alias, .uid = want->uid, .gid = want->gid
	};
	int rc = check_present(passwd, want, err);

	if (rc != 0)
		return rc;
	scan_passwd(&plan, passwd);
	scan_group(&plan, group);
	if (!want->alias && choose_ids(&plan, err) != 0)
		return -1;
	if (choose_group(&plan, group, err) != 0)
		return -1;
	write_group(out->group, group, &plan);
	write_passwd(out->passwd, passwd, &plan, shadow != NULL);
	if (shadow != NULL)
		write_shadow(out->shadow, shadow);
	if (!buf_ok(out->group) || !buf_ok(out->passwd) || !buf_ok(out->shadow))
		return err_set(err, ERR_KIND_SYSTEM, "out of memory");
	return 0;
}
