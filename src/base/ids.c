#include "base/ids.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int
ids_become(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (syscall(SYS_setgroups, count, groups) != 0 ||
	    syscall(SYS_setresgid, gid, gid, gid) != 0 ||
	    syscall(SYS_setresuid, uid, uid, uid) != 0 ||
	    getresuid(&ruid, &euid, &suid) != 0 ||
	    getresgid(&rgid, &egid, &sgid) != 0)
		return -1;
	if (ruid == uid && euid == uid && suid == uid && rgid == gid &&
	    egid == gid && sgid == gid &&
	    (uid == 0 || syscall(SYS_setuid, 0) != 0))
		return 0;
	errno = EPERM;
	return -1;
}
