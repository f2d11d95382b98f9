/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/err.h"
#include "base/file.h"
#include "base/slice.h"
#include "standin.h"

/* A socket that nobody answers at is what a killed agent left. */
static int
bind_one(const char *path, struct err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const struct sockaddr *to = (const struct sockaddr *)(void *)&addr;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "socket");
	if (!slice_copy(slice_of(path), addr.sun_path, sizeof(addr.sun_path)))
		return err_set(err, ERR_KIND_SYSTEM, "%s", path);
	if (connect(fd, to, sizeof(addr)) == 0) {
		(void)close(fd);
		return 1;
	}
	(void)close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)unlink(path);
	if (fd < 0 || bind(fd, to, sizeof(addr)) != 0 || listen(fd, 8) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "%s", path);
	(void)chmod(path, 0755);
	/* It stays open as long as the core lives. */
	return 0;
}

int
sockets_bind(struct err *err)
{
	int rc;

	if (file_mkdirs(PATHS_IPC, 0750, err) != 0)
		return -1;
	rc = bind_one(PATHS_IPC "/health", err);
	return rc == 0 ? bind_one(PATHS_IPC "/termination", err) : rc;
}
