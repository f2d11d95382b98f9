/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/slice.h"
#include "standin.h"

static struct slice
link_of(const char *pid, const char *name, char *out, size_t size)
{
	char path[300];
	ssize_t n = -1;

	if (snprintf(path, sizeof(path), "/proc/%s/%s", pid, name) <
	    (int)sizeof(path))
		n = readlink(path, out, size);
	return slice_make(out, n > 0 ? (size_t)n : 0);
}

static void
end_if_worker(const char *pid, struct slice mounts)
{
	char exe_text[STANDIN_PATH_MAX], mounts_text[64];
	struct slice exe = link_of(pid, "exe", exe_text, sizeof(exe_text));
	uint64_t number;

	if (!slice_ends(exe, "/" PATHS_WORKER) ||
	    !slice_same(mounts,
	        link_of(pid, "ns/mnt", mounts_text, sizeof(mounts_text))) ||
	    !slice_u64(slice_of(pid), INT32_MAX, &number))
		return;
	agentlog_line("INFO", "Terminating worker %s of an earlier agent", pid);
	(void)kill((pid_t)number, SIGKILL);
}

void
survey_end_workers(void)
{
	char text[64];
	struct slice mounts = link_of("self", "ns/mnt", text, sizeof(text));
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc != NULL && (entry = readdir(proc)) != NULL)
		if (slice_all_in(slice_of(entry->d_name), "0123456789"))
			end_if_worker(entry->d_name, mounts);
	if (proc != NULL)
		(void)closedir(proc);
}
