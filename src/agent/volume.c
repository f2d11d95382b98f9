/* SPDX-License-Identifier: MIT */
#include "agent/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/err.h"
#include "base/file.h"
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
	close(above);
	return file_folder_open(volumes[volume].path, volumes[volume].mode,
	    err);
}

/* A folder in which we are, the first being the volume. */
struct level {
	DIR *list;
	mode_t mode;
	bool suspect; /* others could write there */
	size_t above; /* length of the path without its name */
};

struct cleaning {
	char path[PATH_MAX]; /* of the last level */
	const char *names;   /* in the first */
	int depth, left;     /* levels in use; entries that may be looked at */
	struct level levels[DEPTH_MAX];
};

/* What a crash leaves of a file that is written (base/file.h) is ours, too. */
static bool
is_ours(const char *name, const struct cleaning *cleaning)
{
	return slice_starts(slice_of(name), ".ssm-activate.") ||
	       (cleaning->depth == 1 && slice_names(cleaning->names, name));
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
	err_set(err, ERR_KIND_SYSTEM, "%s: there is %s, which uid %u put there",
	    cleaning->path, name, (unsigned)st->st_uid);
	err_fix(err,
	    "remove it: root and amazon-ssm-agent work in %s, so nothing of "
	    "others can stay there",
	    cleaning->path);
	return -1;
}

/* The folder fd, which is closed by whoever leaves it.  Its sticky bit tells
 * that others could write there until it was opened, and stays until all is
 * clean. */
static int
enter(struct cleaning *cleaning, int fd, size_t above, struct err *err)
{
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct level *level = &cleaning->levels[cleaning->depth];
	struct stat st;

	if (list == NULL || fstat(fd, &st) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "cannot look into %s",
		    cleaning->path);
		if (list != NULL)
			closedir(list);
		else if (fd >= 0)
			close(fd);
		return -1;
	}
	level->list = list;
	level->mode = st.st_mode;
	level->suspect =
	    (st.st_mode & (S_ISVTX | WALK_OTHERS)) != 0 && !walk_read_only(fd);
	level->above = above;
	cleaning->depth++;
	return 0;
}

static int
leave(struct cleaning *cleaning, struct err *err)
{
	const struct level *level = &cleaning->levels[--cleaning->depth];
	int rc = 0;

	if (level->suspect &&
	    fchmod(dirfd(level->list), level->mode & 0777) != 0)
		rc = err_sys(err, ERR_KIND_SYSTEM, "cannot set the mode of %s",
		    cleaning->path);
	closedir(level->list);
	cleaning->path[level->above] = '\0';
	return rc;
}

/* A folder of root's in the one where we are. */
static int
enter_below(struct cleaning *cleaning, int dir, const char *name,
    struct err *err)
{
	size_t above = strlen(cleaning->path);
	int fd;

	if (cleaning->depth >= DEPTH_MAX)
		return 0;
	fd = file_folder_below(dir, name, 0700, err);
	if (fd < 0)
		return -1;
	snprintf(cleaning->path + above, sizeof cleaning->path - above, "/%s",
	    name);
	return enter(cleaning, fd, above, err);
}

static int
look(struct cleaning *cleaning, const struct level *level, const char *name,
    struct err *err)
{
	int dir = dirfd(level->list);
	struct stat st;

	/* A program that ends at this moment removes the file itself. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	if (st.st_uid != 0 && (level->suspect || cleaning->depth == 1))
		return clear(dir, name, &st, cleaning, err);
	if (st.st_uid != 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return enter_below(cleaning, dir, name, err);
	/* A second name that others gave to a file of root's. */
	if (level->suspect && st.st_nlink > 1)
		return clear(dir, name, &st, cleaning, err);
	return 0;
}

/* The next entry of the folder where we are, or out of it. */
static int
step(struct cleaning *cleaning, struct err *err)
{
	const struct level *level = &cleaning->levels[cleaning->depth - 1];
	const struct dirent *entry =
	    cleaning->left > 0 ? readdir(level->list) : NULL;

	if (entry == NULL)
		return leave(cleaning, err);
	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
		return 0;
	cleaning->left--;
	return look(cleaning, level, entry->d_name, err);
}

static int
clean(int dir, struct cleaning *cleaning, struct err *err)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = enter(cleaning, fd, 0, err);

	while (rc == 0 && cleaning->depth > 0)
		rc = step(cleaning, err);
	while (cleaning->depth > 0)
		closedir(cleaning->levels[--cleaning->depth].list);
	return rc;
}

int
volume_clean_folder(int dir, const char *path, const char *names,
    struct err *err)
{
	struct cleaning cleaning = { .names = names, .left = ENTRIES_MAX };

	snprintf(cleaning.path, sizeof cleaning.path, "%s", path);
	return geteuid() == 0 ? clean(dir, &cleaning, err) : 0;
}

int
volume_clean(int dir, enum volume volume, struct err *err)
{
	return volume_clean_folder(dir, volumes[volume].path,
	    volumes[volume].names, err);
}
