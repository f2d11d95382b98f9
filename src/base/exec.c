/* SPDX-License-Identifier: MIT */
#include "base/exec.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/slice.h"

#define SHELL "/bin/sh"

enum { SCRIPT_ARGS_MAX = 4096, GROUPS_MAX = 64 };

/* Only the child touches it: execve(2) in a script's stead. */
static const char *script_argv[SCRIPT_ARGS_MAX];

/* sigaction(2) refuses the numbers that the C library keeps for itself; the
 * kernel has no others. */
void
exec_reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
exec_restore_signals(const struct exec_signals *before)
{
	sigaction(SIGCHLD, &before->child, NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* The cast: execve(2) could change its arguments and does not. */
static void
run_file(const char *path, const char *const *argv, char *const *envp)
{
	size_t n;

	execve(path, (char *const *)(const void *)argv, envp);
	if (errno != ENOEXEC)
		return;
	script_argv[0] = SHELL;
	script_argv[1] = path;
	for (n = 1; n < SCRIPT_ARGS_MAX - 2 && argv[n] != NULL; n++)
		script_argv[n + 1] = argv[n];
	if (argv[n] != NULL) {
		errno = E2BIG;
		return;
	}
	script_argv[n + 1] = NULL;
	execve(SHELL, (char *const *)(void *)script_argv, envp);
}

/* The next place of the name in what is left of PATH: folder/name, where an
 * empty folder is the current one. */
static bool
next_place(char out[static PATH_MAX], struct slice *rest, struct slice name)
{
	struct slice folder;

	while (name.len > 0 && slice_cut(rest, ':', &folder)) {
		size_t at = folder.len;

		if (at + name.len + 2 > PATH_MAX)
			continue;
		if (at > 0) {
			memcpy(out, folder.ptr, at);
			out[at++] = '/';
		}
		memcpy(&out[at], name.ptr, name.len);
		out[at + name.len] = '\0';
		return true;
	}
	return false;
}

static struct slice
search_path(struct env env)
{
	const char *path = env_get(env, "PATH");

	return slice_of(path != NULL ? path : EXEC_PATH);
}

int
exec_find(char out[static PATH_MAX], const char *name, struct env env)
{
	struct slice rest = search_path(env);
	bool denied = false;

	while (next_place(out, &rest, slice_of(name))) {
		struct stat st;

		if (access(out, X_OK) != 0)
			denied |= errno == EACCES;
		else if (stat(out, &st) == 0 && S_ISREG(st.st_mode))
			return 0;
		else
			denied = true;
	}
	errno = denied ? EACCES : ENOENT;
	return -1;
}

/* As execvp(3): a file that may not be run does not end the search, but is
 * what the search reports if it finds no other.  One execve(2) a folder, and
 * no other call. */
static void
run_found(const char *const *argv, char *const *envp)
{
	struct slice rest = search_path((struct env){ .vars = envp });
	char path[PATH_MAX];
	bool denied = false;

	while (next_place(path, &rest, slice_of(argv[0]))) {
		run_file(path, argv, envp);
		if (errno == EACCES)
			denied = true;
		else if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
	errno = denied ? EACCES : ENOENT;
}

void
exec_program(const char *const *argv, char *const *envp, bool search)
{
	if (search && !slice_has(slice_of(argv[0]), '/'))
		run_found(argv, envp);
	else
		run_file(argv[0], argv, envp);
}

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

/* The saved id is checked where the kernel tells it; the calls that set ids
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

/* With the privilege, setuid(2) sets all three ids as well. */
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
exec_become_user(uid_t uid, gid_t gid, const gid_t *groups, size_t count)
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
exec_no_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, none);
}
