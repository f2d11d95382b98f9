/*
 * The input as /proc/PID/stat, and as the entries of a folder that the kernel
 * tells.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "agent/procs.c"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct procs_entry entry = { .pid = 0 };
	struct slice comm = { 0 };

	if (parse_stat(text, &entry, &comm)) {
		require(entry.ppid >= 0 && comm.len < size);
		require(role_of(comm, COMM_MAX) <= PROCS_OTHER);
	}
	scan_names(text);
	require(table.count <= PROCS_MAX);
	table.count = 0;
	return 0;
}
