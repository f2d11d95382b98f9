/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/slice.h"

/* Levels, each with a descriptor; and how often it is tried, since somebody who
 * ends just now may still have written there. */
enum { DEPTH_MAX = 32, TRIES_MAX = 3 };

struct level {
	DIR *list;
	char name[NAME_MAX + 1];
};

struct tree {
	int above; /* the folder in which the tree is */
	dev_t device;
	int depth; /* levels in use */
	int error; /* the first failure's, 0 = none */
	struct level levels[DEPTH_MAX];
};

static void
fail(struct tree *tree, int error)
{
	if (tree->error == 0)
		tree->error = error;
}

/* The folder in which the last level is. */
static int
folder_of(const struct tree *tree)
{
	return tree->depth > 1 ? dirfd(tree->levels[tree->depth - 2].list)
	                       : tree->above;
}

/* Another file system that is mounted there is not ours to empty. */
static void
enter(struct tree *tree, int dir, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct level *level = &tree->levels[tree->depth];
	struct stat st;
	int fd = -1;

	if (tree->depth == DEPTH_MAX) {
		fail(tree, ELOOP);
		return;
	}
	fd = openat(dir, name, flags);
	level->list = NULL;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev != tree->device)
		errno = EBUSY;
	else if (fd >= 0)
		level->list = fdopendir(fd);
	if (level->list == NULL) {
		fail(tree, errno);
		file_close(&fd);
		return;
	}
	slice_copy(slice_of(name), level->name, sizeof level->name);
	tree->depth++;
}

static void
leave(struct tree *tree)
{
	const struct level *level = &tree->levels[tree->depth - 1];

	closedir(level->list);
	if (unlinkat(folder_of(tree), level->name, AT_REMOVEDIR) != 0)
		fail(tree, errno);
	tree->depth--;
}

/* The next entry of the folder where we are, or out of it. */
static void
step(struct tree *tree)
{
	DIR *list = tree->levels[tree->depth - 1].list;
	const struct dirent *entry = readdir(list);

	if (entry == NULL) {
		leave(tree);
		return;
	}
	if (strcmp(entry->d_name, ".") == 0 ||
	    strcmp(entry->d_name, "..") == 0 ||
	    unlinkat(dirfd(list), entry->d_name, 0) == 0 || errno == ENOENT)
		return;
	/* What Linux gives for a folder, and what POSIX wants. */
	if (errno == EISDIR || errno == EPERM)
		enter(tree, dirfd(list), entry->d_name);
	else
		fail(tree, errno);
}

/* 0, or errno. */
static int
remove_once(int dir, const char *name)
{
	struct tree tree = { .above = dir };
	struct stat st;

	if (fstat(dir, &st) != 0)
		return errno;
	tree.device = st.st_dev;
	enter(&tree, dir, name);
	if (tree.depth == 0 && tree.error == ENOENT)
		return 0;
	while (tree.depth > 0)
		step(&tree);
	return tree.error;
}

int
file_tree_remove(int dir, const char *name, struct err *err)
{
	int error = remove_once(dir, name);

	for (int i = 1; error != 0 && i < TRIES_MAX; i++)
		error = remove_once(dir, name);
	if (error == 0)
		return 0;
	errno = error;
	return err_sys(err, ERR_KIND_SYSTEM, "cannot remove the folder %s",
	    name);
}
