/* SPDX-License-Identifier: MIT */
#include "work/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"

#define NAME "lock"

enum { WHO_SIZE = 48 };

int
lock_folder(int *fd, const struct config *cfg, struct err *err)
{
	int new = file_folder_open(cfg->state_dir, 0700, err);

	if (new < 0)
		return -1;
	*fd = new;
	return 0;
}

/* A pid means something in its namespace only; 0 = not known. */
static uint64_t
pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Always of one length, so that a reader sees either this text or the one
 * before. */
static void
write_who(int fd, pid_t who)
{
	char text[WHO_SIZE + 1];
	size_t len = (size_t)snprintf(text, sizeof text, "%d %llu", (int)who,
	    (unsigned long long)pid_namespace());

	memset(text + len, ' ', WHO_SIZE - len);
	text[WHO_SIZE - 1] = '\n';
	/* The pid is shown to people; nothing depends on it. */
	(void)!pwrite(fd, text, WHO_SIZE, 0);
}

static pid_t
read_who(int fd)
{
	char text[WHO_SIZE];
	ssize_t n = pread(fd, text, sizeof text, 0);
	struct slice rest, pid, number;
	uint64_t who = 0, space = 0;

	if (n != WHO_SIZE)
		return 0;
	rest = slice_make(text, (size_t)n);
	if (!slice_split(rest, ' ', &pid, &rest) ||
	    !slice_split(rest, ' ', &number, &rest) ||
	    !slice_u64(pid, INT32_MAX, &who) ||
	    !slice_u64(number, UINT64_MAX, &space) || space != pid_namespace())
		return 0;
	return (pid_t)who;
}

/* 1 = somebody has it.  Where nobody may lock, it is as if nobody had. */
static int
lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	bool busy = false;

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	busy = errno == EAGAIN || errno == EACCES;
	if (!busy && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (log_denied("fcntl(F_OFD_SETLK)",
	        "a second keeper would not know of this one"))
		return 0;
	return errno == EAGAIN || errno == EACCES ? 1 : -1;
}

static pid_t
holder(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	/* A lock of a process tells which one. */
	if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK &&
	    lock.l_pid >= 0)
		return lock.l_pid;
	return read_who(fd);
}

int
lock_take(int *fd, pid_t *who, const struct config *cfg, struct err *err)
{
	int folder = -1, new = -1;
	int rc = -1;

	if (lock_folder(&folder, cfg, err) != 0)
		return -1;
	new = openat(folder, NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (new >= 0)
		rc = lock_file(new);
	if (rc < 0)
		err_sys(err, ERR_KIND_SYSTEM, "%s/" NAME, cfg->state_dir);
	close(folder);
	if (rc == 0) {
		write_who(new, *who);
		*fd = new;
		return 0;
	}
	if (rc == 1)
		*who = holder(new);
	if (new >= 0)
		close(new);
	return rc;
}

int
lock_agent(int *fd, struct err *err)
{
	int new = -1;

	/* What is wrong with the folder itself is told by those who write
	 * there. */
	file_mkdirs(PATHS_LIB, 0700, NULL);
	new = open(PATHS_LIB, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (new < 0 || flock(new, LOCK_EX | LOCK_NB) == 0 ||
	    log_denied("flock",
	        "containers that share " PATHS_LIB " are not told apart") ||
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
