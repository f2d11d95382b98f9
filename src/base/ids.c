#include "base/ids.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUPS_MAX = 64 };

static bool
has_group(const gid_t *groups, size_t count, gid_t gid)
{
	for (size_t i = 0; i < count; i++) {
		if (groups[i] == gid)
			return true;
	}
	return false;
}

/* Whether the process has these groups and no others beside its own. */
static bool
are_groups(gid_t gid, const gid_t *groups, size_t count)
{
	gid_t now[GROUPS_MAX];
	int found = getgroups(GROUPS_MAX, now);

	if (found < 0)
		return false;
	for (int i = 0; i < found; i++) {
		if (now[i] != gid && !has_group(groups, count, now[i]))
			return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (groups[i] != gid &&
		    !has_group(now, (size_t)found, groups[i]))
			return false;
	}
	return true;
}

/* The saved id is looked at where the kernel tells it: the calls that set it
 * have set all three. */
static bool
is_user(uid_t uid)
{
	uid_t ruid, euid, suid;

	if (getresuid(&ruid, &euid, &suid) == 0)
		return ruid == uid && euid == uid && suid == uid;
	return getuid() == uid && geteuid() == uid;
}

static bool
is_group(gid_t gid)
{
	gid_t rgid, egid, sgid;

	if (getresgid(&rgid, &egid, &sgid) == 0)
		return rgid == gid && egid == gid && sgid == gid;
	return getgid() == gid && getegid() == gid;
}

/* With its privilege setuid(2) sets all three as well. */
static int
set_ids(uid_t uid, gid_t gid)
{
	if (!is_group(gid) && syscall(SYS_setresgid, gid, gid, gid) != 0 &&
	    syscall(SYS_setgid, gid) != 0)
		return -1;
	if (!is_user(uid) && syscall(SYS_setresuid, uid, uid, uid) != 0 &&
	    syscall(SYS_setuid, uid) != 0)
		return -1;
	return 0;
}

int
ids_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	if (syscall(SYS_setgroups, count, groups) != 0 &&
	    !are_groups(gid, groups, count))
		return -1;
	if (set_ids(uid, gid) != 0)
		return -1;
	if (is_user(uid) && is_group(gid) &&
	    (uid == 0 || syscall(SYS_setuid, 0) != 0))
		return 0;
	errno = EPERM;
	return -1;
}

int
ids_no_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, none);
}
