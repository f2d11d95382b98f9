/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/slice.h"

/* How far to count at least, and at most: fs.nr_open, unless it was changed. */
enum { KEEP_MAX = 8, FD_MIN = 65536, FD_MAX = 1024 * 1024 };

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

static void
close_unless_kept(const struct keep *keep, int fd)
{
	if (fd > STDERR_FILENO && !is_kept(keep, fd))
		close(fd);
}

/* Each that /proc shows; false where it cannot be read.  The kernel goes on
 * from number to number, so closing them meanwhile is fine. */
static bool
close_listed(const struct keep *keep)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t fd = 0;

	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL) {
		if (slice_u64(slice_of(entry->d_name), INT_MAX, &fd) &&
		    (int)fd != dirfd(folder))
			close_unless_kept(keep, (int)fd);
	}
	closedir(folder);
	return true;
}

/* Slow, and the last resort.  What was opened before the limit was lowered
 * may be above it. */
static void
close_counted(const struct keep *keep)
{
	struct rlimit limit = { FD_MIN, FD_MIN };
	rlim_t end;

	getrlimit(RLIMIT_NOFILE, &limit);
	end = limit.rlim_max < FD_MAX ? limit.rlim_max : FD_MAX;
	if (end < FD_MIN)
		end = FD_MIN;
	for (int fd = STDERR_FILENO + 1; fd < (int)end; fd++)
		close_unless_kept(keep, fd);
}

/* An O_PATH descriptor: reading and writing fail as for a closed one. */
void
file_close_cover(void)
{
	int fd;

	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void
file_close_others(const int *keep, size_t count)
{
	struct keep kept = { .count = count < KEEP_MAX ? count : KEEP_MAX };

	for (size_t i = 0; i < kept.count; i++)
		kept.fds[i] = keep[i];
	if (!close_gaps(&kept) && !close_listed(&kept))
		close_counted(&kept);
}
