#include "app/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/paths.h"
#include "app/config.h"
#include "app/work.h"
#include "base/err.h"
#include "base/file.h"

int
lock_take(int *fd, pid_t *holder, const struct config *cfg, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[WORK_PATH_MAX];
	int new = -1;

	work_path(path, cfg, "lock");
	if (file_mkdirs(cfg->state_dir, 0700, err) != 0)
		return -1;
	new = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (new < 0)
		return err_sys(err, ERR_KIND_SYSTEM, "%s", path);
	if (fcntl(new, F_SETLK, &lock) == 0) {
		*fd = new;
		return 0;
	}
	if (errno != EAGAIN && errno != EACCES) {
		err_sys(err, ERR_KIND_SYSTEM, "lock %s", path);
		close(new);
		return -1;
	}
	*holder = 0;
	if (fcntl(new, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*holder = lock.l_pid;
	close(new);
	return 1;
}

int
lock_agent(int *fd, struct err *err)
{
	int new = -1;

	/* What is wrong with the folder itself is told by those who write
	 * there. */
	(void)file_mkdirs(PATHS_LIB, 0700, NULL);
	new = open(PATHS_LIB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new < 0 || flock(new, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK) {
		*fd = new;
		return 0;
	}
	close(new);
	err_set(err, ERR_KIND_SYSTEM,
	    "another container's ssm-activate uses " PATHS_LIB);
	err_fix(err, "a volume there must be of one container alone");
	return -1;
}
