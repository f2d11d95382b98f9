#include "base/reason.h"

#include <errno.h>
#include <stddef.h>

#include "base/format.h"

static const struct {
	short number;
	char text[26];
} reasons[] = {
	{ EPERM, "Operation not permitted" },
	{ ENOENT, "No such file or directory" },
	{ EIO, "I/O error" },
	{ E2BIG, "Argument list too long" },
	{ ENOEXEC, "Exec format error" },
	{ ENOMEM, "Out of memory" },
	{ EACCES, "Permission denied" },
	{ EBUSY, "Resource busy" },
	{ EEXIST, "File exists" },
	{ ENOTDIR, "Not a directory" },
	{ EISDIR, "Is a directory" },
	{ EINVAL, "Invalid argument" },
	{ EMFILE, "No file descriptors left" },
	{ EFBIG, "File too large" },
	{ ENOSPC, "No space left on device" },
	{ EROFS, "Read-only file system" },
	{ EPIPE, "Broken pipe" },
	{ ELOOP, "Symbolic link loop" },
	{ EDQUOT, "Quota exceeded" },
	{ EAGAIN, "Temporarily unavailable" },
	{ ENETUNREACH, "Network unreachable" },
	{ EHOSTUNREACH, "Host is unreachable" },
	{ ECONNREFUSED, "Connection refused" },
	{ ECONNRESET, "Connection reset by peer" },
	{ ETIMEDOUT, "Timed out" },
	{ ENOSYS, "Function not implemented" },
	{ ESRCH, "No such process" },
	{ EINTR, "Interrupted system call" },
	{ ENXIO, "No such device" },
	{ ENODEV, "No such device" },
	{ EBADF, "Bad file descriptor" },
	{ ECHILD, "No child process" },
	{ EFAULT, "Bad address" },
	{ EXDEV, "Cross-device link" },
	{ ENFILE, "Too many open files" },
	{ ENOTTY, "Not a terminal" },
	{ ETXTBSY, "Text file busy" },
	{ ESPIPE, "Not seekable" },
	{ EMLINK, "Too many links" },
	{ ENAMETOOLONG, "File name too long" },
	{ ENOTEMPTY, "Folder not empty" },
	{ EOVERFLOW, "Value too large" },
	{ EMSGSIZE, "Message too large" },
	{ EPROTONOSUPPORT, "Protocol not supported" },
	{ EAFNOSUPPORT, "No such address family" },
	{ EOPNOTSUPP, "Operation not supported" },
	{ EADDRINUSE, "Address in use" },
	{ EADDRNOTAVAIL, "Address not available" },
	{ ENETDOWN, "Network is down" },
	{ ECONNABORTED, "Connection aborted" },
	{ ENOBUFS, "No buffer space left" },
	{ ENOTCONN, "Not connected" },
	{ EHOSTDOWN, "Host is down" },
	{ ESTALE, "Stale file handle" },
	{ ENOMEDIUM, "No medium" },
};

const char *
reason_text(int number)
{
	static char other[24];

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].number == number)
			return reasons[i].text;
	}
	(void)format_text(other, sizeof(other), "error %d", number);
	return other;
}
