#include "base/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OURS "/proc/self/fd/2"

static ssize_t
write_some(int fd, const char *text, size_t len)
{
	ssize_t n;

	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	return n;
}

/*
 * O_NONBLOCK belongs to the open file, which is the application's as well, so
 * the pipe or terminal is opened once more.  Where that may not be, it is
 * asked first: a pipe that has room has it for LOG_WRITE_MAX bytes, unless
 * the application fills it that very moment.
 */
static ssize_t
write_now(const char *text, size_t len)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	int own =
	    open(OURS, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n;

	if (own >= 0) {
		n = write_some(own, text, len);
		(void)close(own);
		return n;
	}
	if (poll(&room, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	return write_some(STDERR_FILENO, text, len);
}

ssize_t
log_write(const char *text, size_t len, bool wait)
{
	struct stat st;

	if (wait || fstat(STDERR_FILENO, &st) != 0)
		return write_some(STDERR_FILENO, text, len);
	if (S_ISSOCK(st.st_mode))
		return send(STDERR_FILENO, text, len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (S_ISFIFO(st.st_mode) || isatty(STDERR_FILENO) == 1)
		return write_now(text, len);
	return write_some(STDERR_FILENO, text, len);
}
