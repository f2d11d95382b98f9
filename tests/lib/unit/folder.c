/* SPDX-License-Identifier: MIT */
#include "unit/folder.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct folder folder;

int
folder_make(const char *file)
{
	folder = (struct folder){ .base = "/tmp/ssm-activate-unit-XXXXXX" };
	if (mkdtemp(folder.base) == NULL)
		return -1;
	snprintf(folder.state, sizeof folder.state, "%s/state", folder.base);
	snprintf(folder.path, sizeof folder.path, "%s/%s", folder.state, file);
	folder.cfg.state_dir = folder.state;
	return 0;
}

int
folder_remove(void **state)
{
	(void)state;
	(void)unlink(folder.path);
	(void)rmdir(folder.state);
	return rmdir(folder.base);
}

int
folder_enter(void **state)
{
	(void)state;
	folder = (struct folder){ .base = "/tmp/ssm-activate-unit-XXXXXX" };
	return mkdtemp(folder.base) != NULL && chdir(folder.base) == 0 ? 0 : -1;
}

int
folder_leave(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(folder.base) == 0 ? 0 : -1;
}

int
folder_drop(const char *path, const char *const *files, size_t count)
{
	char file[PATH_MAX];
	pid_t pid = 0;

	do
		pid = waitpid(-1, NULL, 0);
	while (pid > 0);
	for (size_t i = 0; i < count; i++) {
		snprintf(file, sizeof file, "%s/%s", path, files[i]);
		(void)unlink(file);
	}
	return rmdir(path);
}
