#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/denied.h"
#include "base/file.h"

/* Some file systems have nothing to sync and say so. */
int
file_sync(int fd)
{
	if (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP ||
	    denied_call("fsync",
	        "what is written now may be lost if the machine fails"))
		return 0;
	return -1;
}

int
file_chmod(int fd, mode_t mode)
{
	struct stat st;
	int error;

	if (fchmod(fd, mode) == 0)
		return 0;
	error = errno;
	if (fstat(fd, &st) == 0 && (st.st_mode & 07777 & ~mode) == 0) {
		errno = error;
		if (denied_call("fchmod",
		        "files keep the mode with which they were made"))
			return 0;
	}
	errno = error;
	return -1;
}
