/* SPDX-License-Identifier: MIT */
/*
 * The input as /proc/PID/stat, and as the entries of a folder that the kernel
 * tells.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "agent/procs.c"

static bool
count_visits(struct pass *pass, pid_t pid)
{
	require(pid > 0);
	return ++pass->count < PROCS_MAX;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct procs_entry entry = { .pid = 0 };
	struct slice comm = { 0 };
	struct pass pass = { .visit = count_visits };

	if (parse_stat(text, &entry, &comm)) {
		require(entry.ppid >= 0 && comm.len < size);
		require(procs_name_role(comm, COMM_MAX) <= PROCS_OTHER);
	}
	(void)scan_names(&pass, text);
	require(pass.count <= PROCS_MAX);
	return 0;
}
