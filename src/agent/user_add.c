/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>

#include "agent/used.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/entry.h"
#include "base/err.h"

/* What the files say, and what is to be added. */
struct plan {
	uid_t uid;
	gid_t gid;
	bool alias;
	struct slice twin; /* an alias: the name it is a second one of */
	struct slice home; /* of the twin */
	bool gid_known;    /* a group has the gid */
	bool name_taken;   /* a group is called ssm-user, */
	uint32_t name_gid; /* and has this gid (0 = none that will do) */
	char group_name[32];
	struct used used;
};

static bool
is_id(struct slice text, uint32_t id)
{
	uint32_t value;

	return entry_id(text, &value) && value == id;
}

static bool
find_entry(const char *text, const char *name, struct entry *found)
{
	return entry_find(slice_of(text), ENTRY_NAME, slice_of(name), found);
}

static void
scan_passwd(struct plan *plan, const char *passwd)
{
	struct slice rest = slice_of(passwd);
	struct entry e;

	while (entry_next(&rest, &e)) {
		if (plan->alias && plan->twin.len == 0 &&
		    is_id(e.field[ENTRY_ID], plan->uid)) {
			plan->twin = e.field[ENTRY_NAME];
			plan->home = e.field[ENTRY_HOME];
		}
	}
}

static void
scan_group(struct plan *plan, const char *group)
{
	struct slice rest = slice_of(group);
	struct entry e;

	plan->name_taken = find_entry(group, USER_NAME, &e);
	entry_id(e.field[ENTRY_ID], &plan->name_gid);
	while (entry_next(&rest, &e)) {
		if (plan->alias && is_id(e.field[ENTRY_ID], plan->gid))
			plan->gid_known = true;
	}
}

static bool
is_foreign(const struct used *foreign, uint32_t id)
{
	return foreign != NULL &&
	       (used_has_uid(foreign, id) || used_has_gid(foreign, id));
}

/* A group called ssm-user, left over from somebody else's try, becomes the
 * user's, unless its number is somebody's. */
static void
take_group(struct plan *plan, const struct used *foreign)
{
	if (plan->name_gid == 0 || is_foreign(foreign, plan->name_gid))
		return;
	plan->gid = plan->name_gid;
	plan->gid_known = true;
	if (plan->gid >= USER_ID_FIRST && plan->gid <= USER_ID_LAST &&
	    !used_has_uid(&plan->used, plan->gid))
		plan->uid = plan->gid;
}

/* Ids that are nobody's.  foreign: of whom the files know nothing. */
static bool
choose_ids(struct plan *plan, const struct used *foreign, const char *passwd,
    const char *group)
{
	uint32_t id;

	if (foreign != NULL)
		plan->used = *foreign;
	else
		used_begin(&plan->used, 1, USER_ID_LAST);
	used_entries(&plan->used, slice_of(passwd), slice_of(group), NULL);
	take_group(plan, foreign);
	id = used_free(&plan->used);
	if (plan->uid == 0)
		plan->uid = id;
	if (!plan->gid_known)
		plan->gid = id;
	return plan->uid >= USER_ID_FIRST && plan->gid > 0 &&
	       (plan->gid_known || id >= USER_ID_FIRST);
}

static bool
choose_group(struct plan *plan, const char *group)
{
	struct entry e;

	snprintf(plan->group_name, sizeof plan->group_name,
	    plan->name_taken ? USER_NAME "-%u" : USER_NAME, plan->gid);
	return plan->gid_known || !find_entry(group, plan->group_name, &e);
}

/* 1 = the user is there and will do. */
static int
check_present(const char *passwd, const struct user_want *want, struct err *err)
{
	struct entry e;

	if (want->alias && (want->uid == 0 || want->gid == 0))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "the agent refuses a uid or gid of 0");
	if (!find_entry(passwd, USER_NAME, &e))
		return 0;
	if (want->alias && (!is_id(e.field[ENTRY_ID], want->uid) ||
	                       !is_id(e.field[ENTRY_GID], want->gid)))
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "exists already and is not %u:%u", want->uid, want->gid);
	return 1;
}

/* The twin belongs to this group and ssm-user does not yet. */
static bool
wants_member(struct slice line, struct slice twin)
{
	struct entry e;

	return twin.len > 0 && entry_next(&line, &e) && e.field[4].len == 0 &&
	       entry_has_member(&e, twin) &&
	       !entry_has_member(&e, slice_of(USER_NAME));
}

/* The lines as they are, each ended whether it was or not; ssm-user is added
 * to the groups of the twin, if there is one. */
static void
copy_lines(struct buf *out, const char *text, struct slice twin)
{
	struct slice rest = slice_of(text), line;

	while (slice_cut(&rest, '\n', &line)) {
		buf_add(out, line.ptr, line.len);
		if (wants_member(line, twin))
			buf_puts(out, "," USER_NAME);
		buf_putc(out, '\n');
	}
}

static void
write_group(struct buf *out, const char *group, const struct plan *plan)
{
	copy_lines(out, group != NULL ? group : "root:x:0:", plan->twin);
	if (!plan->gid_known)
		buf_printf(out, "%s:x:%u:\n", plan->group_name, plan->gid);
}

/* password: "x" = see shadow, "*" = none will do. */
static void
write_passwd(struct buf *out, const char *passwd, const struct plan *plan,
    const char *password)
{
	struct slice home =
	    plan->home.len > 0 ? plan->home : slice_of("/home/" USER_NAME);

	if (passwd == NULL)
		buf_printf(out, "root:%s:0:0:root:/root:/bin/sh\n", password);
	copy_lines(out, passwd, slice_of(NULL));
	buf_printf(out, USER_NAME ":%s:%u:%u::%.*s:/bin/sh\n", password,
	    plan->uid, plan->gid, (int)home.len, home.ptr);
}

/* No password will ever match, and the account does not expire. */
static void
write_shadow(struct buf *out, const char *shadow)
{
	struct entry e;

	copy_lines(out, shadow, slice_of(NULL));
	if (!find_entry(shadow, USER_NAME, &e))
		buf_puts(out, USER_NAME ":!::0:99999:7:::\n");
}

int
user_add(const struct user_texts *out, const char *passwd, const char *group,
    const char *shadow, const struct user_want *want, struct err *err)
{
	struct plan plan = { .alias = want->alias,
		.uid = want->alias ? want->uid : 0,
		.gid = want->alias ? want->gid : 0 };
	int rc = check_present(passwd, want, err);

	if (rc != 0)
		return rc;
	scan_passwd(&plan, passwd);
	scan_group(&plan, group);
	if (!want->alias && !choose_ids(&plan, want->used, passwd, group))
		return err_set(err, ERR_KIND_SYSTEM, "no free user id");
	if (!choose_group(&plan, group)) {
		return err_set(err, ERR_KIND_SYSTEM,
		    "a group %s exists already, with another id",
		    plan.group_name);
	}
	write_group(out->group, group, &plan);
	write_passwd(out->passwd, passwd, &plan, shadow != NULL ? "x" : "*");
	if (shadow != NULL)
		write_shadow(out->shadow, shadow);
	if (!buf_ok(out->group) || !buf_ok(out->passwd) || !buf_ok(out->shadow))
		return err_memory(err);
	return 0;
}
