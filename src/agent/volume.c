#include "agent/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/err.h"
#include "base/file.h"
#include "base/format.h"
#include "base/list.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/walk.h"

/* More is not looked at: what others may write to is near the top. */
enum { DEPTH_MAX = 12, ENTRIES_MAX = 50000 };

static const struct {
	const char *above, *path;
	mode_t mode;
	const char *names; /* files that are written or replaced there */
} volumes[] = {
	[VOLUME_LIB] = { PATHS_LIB_ABOVE, PATHS_LIB, 0700, "registration" },
	[VOLUME_ETC] = { PATHS_ETC_ABOVE, PATHS_ETC, 0755,
	    PATHS_CONFIG_NAME " " PATHS_SEELOG_NAME " " PATHS_SEELOG_FROM },
	[VOLUME_LOG] = { PATHS_LOG_ABOVE, PATHS_LOG, 0700,
	    PATHS_AGENT ".log errors.log" },
};

int
volume_open(enum volume volume, struct err *err)
{
	int above = file_folder_open(volumes[volume].above, 0755, err);

	if (above < 0)
		return -1;
	(void)close(above);
	return file_folder_open(volumes[volume].path, volumes[volume].mode,
	    err);
}

struct cleaning {
	const char *path, *names;
	int depth, left;
};

static int clean(int dir, struct cleaning *cleaning, struct err *err);

/* What a crash leaves of a file that is written (base/file.h) is ours, too. */
static bool
is_ours(const char *name, const struct cleaning *cleaning)
{
	return slice_starts(slice_of(name), ".ssm-activate.") ||
	       list_has(cleaning->names, name);
}

/* Somebody else's entry in the folder. */
static int
clear(int dir, const char *name, const struct stat *st,
    const struct cleaning *cleaning, struct err *err)
{
	bool goes = S_ISLNK(st->st_mode) ||
	            (!S_ISDIR(st->st_mode) && is_ours(name, cleaning));

	if (goes && unlinkat(dir, name, 0) == 0) {
		log_event(LOG_WARN, "not_roots", "removed %s/%s: %s",
		    cleaning->path, name,
		    st->st_uid != 0 ? "it was not root's"
		                    : "it was another name of some file");
		return 0;
	}
	(void)err_set(err, ERR_KIND_SYSTEM,
	    "%s: there is %s, which uid %u put there", cleaning->path, name,
	    (unsigned)st->st_uid);
	err_fix(err,
	    "remove it: root and amazon-ssm-agent work in %s, so nothing of "
	    "others can stay there",
	    cleaning->path);
	return -1;
}

/* A folder of root's in the folder. */
static int
enter(int dir, const char *name, struct cleaning *cleaning, struct err *err)
{
	char path[PATH_MAX];
	struct cleaning below = { .path = path,
		.names = "",
		.depth = cleaning->depth + 1,
		.left = cleaning->left };
	int rc = -1;
	int fd;

	if (below.depth >= DEPTH_MAX)
		return 0;
	(void)format_text(path, sizeof path, "%s/%s", cleaning->path, name);
	fd = file_folder_below(dir, name, 0700, err);
	if (fd >= 0) {
		rc = clean(fd, &below, err);
		(void)close(fd);
	}
	cleaning->left = below.left;
	return rc;
}

/* suspect: others could write in the folder. */
static int
look(int dir, const char *name, bool suspect, struct cleaning *cleaning,
    struct err *err)
{
	struct stat st;

	/* Who ends at this moment removes it himself. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	if (st.st_uid != 0)
		return suspect || cleaning->depth == 0
		           ? clear(dir, name, &st, cleaning, err)
		           : 0;
	if (S_ISDIR(st.st_mode))
		return enter(dir, name, cleaning, err);
	/* A second name that others gave to a file of root's. */
	if (suspect && st.st_nlink > 1)
		return clear(dir, name, &st, cleaning, err);
	return 0;
}

static int
look_at_all(DIR *list, bool suspect, struct cleaning *cleaning, struct err *err)
{
	const struct dirent *entry;
	int rc = 0;

	while (rc == 0 && cleaning->left > 0 &&
	       (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		cleaning->left--;
		rc = look(dirfd(list), entry->d_name, suspect, cleaning, err);
	}
	return rc;
}

/* The folder's sticky bit tells that others could write there until it was
 * opened, and stays until all is clean. */
static int
clean(int dir, struct cleaning *cleaning, struct err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;
	bool suspect;
	int rc = -1;

	if (list == NULL || fstat(dir, &st) != 0) {
		(void)err_sys(err, ERR_KIND_SYSTEM, "cannot look into %s",
		    cleaning->path);
		goto out;
	}
	suspect =
	    (st.st_mode & (S_ISVTX | WALK_OTHERS)) != 0 && !walk_read_only(dir);
	rc = look_at_all(list, suspect, cleaning, err);
	if (rc == 0 && suspect && fchmod(dir, st.st_mode & 0777) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot set the mode of %s",
		    cleaning->path);
out:
	if (list != NULL)
		(void)closedir(list);
	else if (fd >= 0)
		(void)close(fd);
	return rc;
}

int
volume_clean_folder(int dir, const char *path, const char *names,
    struct err *err)
{
	struct cleaning cleaning = {
		.path = path, .names = names, .left = ENTRIES_MAX
	};

	return geteuid() == 0 ? clean(dir, &cleaning, err) : 0;
}

int
volume_clean(int dir, enum volume volume, struct err *err)
{
	return volume_clean_folder(dir, volumes[volume].path,
	    volumes[volume].names, err);
}
