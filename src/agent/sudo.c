/* SPDX-License-Identifier: MIT */
#include "agent/sudo.h"

#include <limits.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "agent/paths.h"
#include "agent/user.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"

enum { SUDOERS_MAX = 1024 * 1024 };

/* The rest of a line that begins with the word, or with the word of old, whose
 * first character is '#'. */
static bool
is_include(struct slice line, const char *word, struct slice *path)
{
	struct slice name = slice_skip(line, 1);

	if (!slice_starts(line, "@") && !slice_starts(line, "#"))
		return false;
	if (!slice_split(name, ' ', &name, path) &&
	    !slice_split(name, '\t', &name, path))
		return false;
	*path = slice_trim(*path);
	return slice_eq(name, word);
}

bool
sudo_includes(struct slice sudoers)
{
	struct slice line, path;

	while (slice_cut(&sudoers, '\n', &line)) {
		line = slice_trim(line);
		if (is_include(line, "include", &path))
			return true;
		if (is_include(line, "includedir", &path) &&
		    slice_find(path, "sudoers.d") >= 0)
			return true;
		if (!slice_starts(line, "#") &&
		    (slice_find(line, "NOPASSWD") >= 0 ||
		        slice_find(line, USER_NAME) >= 0))
			return true;
	}
	return false;
}

static const char *
look_at_container(void)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return "the container runs with no_new_privs "
		       "(allowPrivilegeEscalation: false, no-new-privileges)";
	if (prctl(PR_CAPBSET_READ, CAP_SETUID, 0, 0, 0) == 0 ||
	    prctl(PR_CAPBSET_READ, CAP_SETGID, 0, 0, 0) == 0)
		return "the container has not both of the capabilities SETUID "
		       "and SETGID";
	return NULL;
}

static const char *
look_at_program(const char *path)
{
	struct stat st;
	struct statvfs fs;

	if (stat(path, &st) == 0 &&
	    (st.st_uid != 0 || (st.st_mode & S_ISUID) == 0))
		return "is not set-user-ID root";
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOSUID) != 0)
		return "is on a file system that is mounted nosuid";
	return NULL;
}

/* Where a distribution has its own file it counts if there is no other. */
static const char *
look_at_sudoers(void)
{
	struct buf text = { .max = SUDOERS_MAX };
	struct err ignored = { 0 };
	const char *why = NULL;
	enum file_found found = file_read("/etc/sudoers", &text, &ignored);

	if (found == FILE_ABSENT)
		found = file_read("/usr/etc/sudoers", &text, &ignored);
	if (found == FILE_ABSENT)
		why = "there is no /etc/sudoers";
	else if (found == FILE_FOUND &&
	         !sudo_includes(slice_make(text.data, text.len)))
		why = "/etc/sudoers has no line @includedir " PATHS_SUDOERS_DIR;
	buf_free(&text);
	return why;
}

bool
sudo_barred(struct buf *why)
{
	char path[PATH_MAX];
	const char *what;

	if (exec_find(path, "sudo", (struct env){ 0 }) != 0)
		return false;
	what = look_at_program(path);
	if (what != NULL) {
		buf_printf(why, "%s %s", path, what);
		return true;
	}
	what = look_at_container();
	if (what == NULL)
		what = look_at_sudoers();
	if (what != NULL)
		buf_puts(why, what);
	return what != NULL;
}
