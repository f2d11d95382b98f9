#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/config.h"
#include "app/control.h"
#include "app/lock.h"

enum { BACKLOG = 4 };

/*
 * bind(2) takes no folder's descriptor, and a path can be led elsewhere while
 * it is walked: so the process goes into the folder, and the socket's mode is
 * there with the socket.
 */
static int
bind_here(int fd, struct err *err)
{
	struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
		.sun_path = CONTROL_NAME,
	};
	mode_t before = umask(0177);
	int rc = -1;

	/* Whoever takes it holds the lock, so what is there is of somebody who
	 * has gone. */
	unlink(CONTROL_NAME);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		rc = 0;
	else
		err_sys(err, ERR_KIND_SYSTEM, "the socket " CONTROL_NAME);
	umask(before);
	return rc;
}

int
control_bind(int *out, const struct config *cfg, struct err *err)
{
	int folder = -1, fd = -1;
	int rc = -1;

	if (lock_folder(&folder, cfg, err) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		err_sys(err, ERR_KIND_SYSTEM, "socket");
	else if (fchdir(folder) != 0)
		err_sys(err, ERR_KIND_SYSTEM, "%s", cfg->state_dir);
	else
		rc = bind_here(fd, err);
	close(folder);
	if (rc == 0)
		*out = fd;
	else if (fd >= 0)
		close(fd);
	return rc;
}

void
control_unbind(const struct config *cfg)
{
	int folder = -1;

	if (lock_folder(&folder, cfg, NULL) != 0)
		return;
	unlinkat(folder, CONTROL_NAME, 0);
	close(folder);
}
