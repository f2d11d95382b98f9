#ifndef AGENT_USER_H
#define AGENT_USER_H

#include <stdbool.h>
#include <sys/types.h>

struct buf;
struct err;

/*
 * ssm-user, whom every default session runs as.  The agent makes it with
 * useradd, which small images lack; so we add it to passwd, group and shadow
 * ourselves.  An entry that exists is never changed.
 */
#define USER_NAME "ssm-user"

struct user_want {
	bool alias;  /* a second name of uid:gid (SSM_ACTIVATE_SESSION_USER) */
	uid_t uid;
	gid_t gid;
};

/*
 * The new texts of the three files, given the present ones (NULL = no such
 * file; no shadow is written then).  Pure.  Gives 1 when the user exists
 * already (nothing is appended), 0 when it was added, -1 when that cannot be
 * done: no free id, an alias of uid or gid 0 (the agent refuses those), or
 * ssm-user exists with other ids than the alias wants.
 * A gid that no group has gets one, since the agent refuses a nameless group.
 */
struct user_texts {
	struct buf *passwd, *group, *shadow;
};
int user_add(const struct user_texts *out, const char *passwd,
    const char *group, const char *shadow, const struct user_want *want,
    struct err *err);

/* Do it on this machine: lock, rewrite atomically with the files' own owner
 * and mode, make the home folder. Results as user_add(). */
int user_ensure(const struct user_want *want, struct err *err);

/* "U[:G]" by name or number: ids, home and supplementary groups come from
 * /etc/passwd and /etc/group when they exist. */
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

#endif
