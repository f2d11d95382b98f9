#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

/* Where counting stops. */
enum { KEEP_MAX = 8, FD_MAX = 65536 };

struct keep {
	int fds[KEEP_MAX];
	size_t count;
};

static bool
is_kept(const struct keep *keep, int fd)
{
	for (size_t i = 0; i < keep->count; i++) {
		if (keep->fds[i] == fd)
			return true;
	}
	return false;
}

/* The first kept descriptor from low on, or INT_MAX. */
static int
next_kept(const struct keep *keep, int low)
{
	int next = INT_MAX;

	for (size_t i = 0; i < keep->count; i++) {
		if (keep->fds[i] >= low && keep->fds[i] < next)
			next = keep->fds[i];
	}
	return next;
}

/* Close the gaps between those kept; false without close_range(2), which
 * came with Linux 5.9 and which some seccomp profiles refuse. */
static bool
close_gaps(const struct keep *keep)
{
#ifdef SYS_close_range
	int low = STDERR_FILENO + 1;

	for (;;) {
		int next = next_kept(keep, low);
		unsigned int last =
		    next < INT_MAX ? (unsigned int)next - 1 : UINT_MAX;

		if (next > low &&
		    syscall(SYS_close_range, (unsigned int)low, last, 0U) != 0)
			return false;
		if (next == INT_MAX)
			return true;
		low = next + 1;
	}
#else
	(void)keep;
	return false;
#endif
}

/* Slow, and for old kernels only. */
static void
close_counted(const struct keep *keep)
{
	for (int fd = STDERR_FILENO + 1; fd < FD_MAX; fd++) {
		if (!is_kept(keep, fd))
			(void)close(fd);
	}
}

/* Reading and writing fail as for a closed one (O_PATH). */
void
file_close_cover(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

void
file_close_others(const int *keep, size_t count)
{
	struct keep kept = { .count = count < KEEP_MAX ? count : KEEP_MAX };

	for (size_t i = 0; i < kept.count; i++)
		kept.fds[i] = keep[i];
	if (!close_gaps(&kept))
		close_counted(&kept);
}
