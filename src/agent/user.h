/* SPDX-License-Identifier: MIT */
#ifndef AGENT_USER_H
#define AGENT_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/slice.h"

struct buf;
struct err;
struct used;

/*
 * ssm-user, whom every default session runs as.  The agent makes it with
 * useradd, which small images lack; so we add it to passwd, group and shadow
 * ourselves.  An entry that exists is never changed.
 */
#define USER_NAME "ssm-user"

struct user_want {
	bool alias; /* a second name of uid:gid (SSM_ACTIVATE_SESSION_USER) */
	uid_t uid;
	gid_t gid;
	/* Whose ids it must not get; no alias heeds them.  used covers
	 * USER_ID_LAST down to 1; NULL = those in the files only. */
	const char *app;         /* user_ensure: --user, NULL = none */
	const struct used *used; /* user_add */
};

/* The range of its ids: from the last one down, since images number their
 * users from the first one up. */
enum { USER_ID_FIRST = 1000, USER_ID_LAST = 60000 };

/*
 * Append the new texts of the three files to out, given the present ones
 * (NULL = no such file: then passwd and group begin with root, and there is
 * no shadow).  Pure.  Gives 1 when the user exists already (out stays as it
 * is), 0 when it was added, -1 when that cannot be done: no free id, an alias
 * of uid or gid 0 (the agent refuses those), or ssm-user exists with other ids
 * than the alias wants.
 * A gid that no group has gets one, since the agent refuses a nameless group.
 * An alias becomes a member of the groups of the user it is an alias of.
 */
struct user_texts {
	struct buf *passwd, *group, *shadow;
};
int user_add(const struct user_texts *out, const char *passwd,
    const char *group, const char *shadow, const struct user_want *want,
    struct err *err);

/*
 * Do it on this machine: lock as lckpwdf(3) does (waits 5 s at most), replace
 * the files as agent/swap does, with their own owner and mode, make the home
 * folder, 0700.  All files or none, and no line of anybody else is lost.  Its
 * ids are those of no process, of no --user and of no owner of the working
 * folder.  A home that cannot be made is a warning, since a session does
 * without.  Results as user_add().
 */
int user_ensure(const struct user_want *want, struct err *err);

/*
 * Whether the uid of ssm-user is somebody else's too: of another name in
 * /etc/passwd, of app (--user, NULL = none), of the working folder's owner or
 * of a process that runs.  Who can become root by sudo as ssm-user then is
 * not ssm-user alone.  Gives its uid and appends who it is to who; 0 when it
 * has its uid alone, or there is no ssm-user.
 */
uid_t user_shared(struct buf *who, const char *app);

/*
 * Whether others than root and ssm-user can write in its home, from which its
 * shell may read, or put another in its place; appends which folder is to blame
 * to why.  Never so where we are not root.
 */
bool user_shared_home(struct buf *why);

/*
 * "U[:G]" by name or number, as container runtimes read it: a number need not
 * be in /etc/passwd (then the gid is 0 and the home /).  groups always holds
 * gid; without G also those that name the user in /etc/group.
 */
enum { USER_GROUPS_MAX = 64 };
struct user_ids {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX];
	int group_count;
	char name[64];
	char home[256];
};
int user_find(struct user_ids *out, const char *spec, struct err *err);

/*
 * ssm-user as the C library of the image knows it from other sources than the
 * files (nsswitch.conf(5): LDAP, SSSD and others), by asking getent(1), within
 * USER_ASK_MS.  False where it is not known there, or nobody can be asked.
 */
enum { USER_ASK_MS = 5000 };
bool user_elsewhere(struct user_ids *out);

/* The line of nsswitch.conf for passwd names such a source; pure. */
bool user_elsewhere_sources(struct slice nsswitch);

/* Count the user's ids, with all its groups, as somebody's; NULL or unknown =
 * none. */
void user_heed(struct used *used, const char *spec);

#endif
