#include "agent/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/format.h"
#include "base/slice.h"

/*
 * readdir(3) allocates, so the folder is read with the system call.  Parents
 * are looked up in the table, which a scan fills: one reading of /proc, and
 * not one for each generation of each process.
 */
enum { STAT_MAX = 512, LINK_MAX = 512, DEPTH_MAX = 128, COMM_MAX = 15 };

/* linux/dirent.h: ino64, off64, then reclen, type and name. */
enum { DIRENT_RECLEN = 16, DIRENT_NAME = 19, DIRENT_BUF = 4096 };

struct table {
	struct procs_entry entry[PROCS_MAX];
	size_t count;
};

static struct table table;

static const struct {
	const char *name;
	enum procs_role role;
} programs[] = {
	{ PATHS_AGENT, PROCS_CORE },
	{ PATHS_WORKER, PROCS_WORKER },
	{ PATHS_SESSION, PROCS_SESSION },
	{ PATHS_DOCUMENT, PROCS_SESSION },
};

/* The kernel keeps COMM_MAX bytes of a program's name. */
static enum procs_role
role_of(struct slice name, bool cut)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct slice program = slice_of(programs[i].name);

		if (slice_same(name,
		        cut ? slice_head(program, COMM_MAX) : program))
			return programs[i].role;
	}
	return PROCS_OTHER;
}

static struct slice
read_link(int proc, const char *path, char *out, size_t size)
{
	ssize_t n = readlinkat(proc, path, out, size);

	return slice_make(out, n > 0 ? (size_t)n : 0);
}

/* By the program's file; a zombie, or a process that we may not look into,
 * has none to show, but still its name. */
static enum procs_role
find_role(int proc, pid_t pid, struct slice comm)
{
	static const char gone[] = " (deleted)";
	char path[32], target[LINK_MAX];
	struct slice exe, folder, name;

	(void)format_text(path, sizeof(path), "%d/exe", (int)pid);
	exe = read_link(proc, path, target, sizeof(target));
	if (exe.len == 0)
		return role_of(comm, true);
	if (slice_ends(exe, gone))
		exe = slice_head(exe, exe.len - strlen(gone));
	if (!slice_rsplit(exe, '/', &folder, &name))
		return PROCS_OTHER;
	return role_of(name, false);
}

static bool
parse_pid(struct slice text, pid_t *pid)
{
	uint64_t value;

	if (!slice_u64(text, INT32_MAX, &value))
		return false;
	*pid = (pid_t)value;
	return true;
}

static struct slice
read_file(int proc, const char *path, char *out, size_t size)
{
	int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, out, size);
		(void)close(fd);
	}
	return slice_make(out, n > 0 ? (size_t)n : 0);
}

/* "pid (name) state ppid …", where the name may hold anything (proc(5)). */
static bool
parse_stat(struct slice text, struct procs_entry *entry, struct slice *comm)
{
	struct slice head, pid, tail, state, ppid;

	if (!slice_rsplit(text, ')', &head, &tail) ||
	    !slice_split(head, '(', &pid, comm) ||
	    !parse_pid(slice_trim(pid), &entry->pid))
		return false;
	tail = slice_trim(tail);
	if (!slice_cut(&tail, ' ', &state) || !slice_cut(&tail, ' ', &ppid) ||
	    !parse_pid(ppid, &entry->ppid))
		return false;
	entry->zombie = slice_eq(state, "Z") || slice_eq(state, "X");
	return true;
}

static bool
read_entry(int proc, struct slice name, struct procs_entry *entry)
{
	char path[32], text[STAT_MAX];
	struct slice stat, comm;
	pid_t pid;

	if (!parse_pid(name, &pid))
		return false;
	(void)format_text(path, sizeof(path), "%d/stat", (int)pid);
	stat = read_file(proc, path, text, sizeof(text));
	if (!parse_stat(stat, entry, &comm) || entry->pid != pid)
		return false;
	entry->role = find_role(proc, pid, comm);
	return true;
}

static void
scan_names(int proc, struct slice names)
{
	uint16_t length;

	while (names.len > DIRENT_NAME && table.count < PROCS_MAX) {
		struct slice name = slice_skip(names, DIRENT_NAME);

		(void)memcpy(&length, slice_skip(names, DIRENT_RECLEN).ptr,
		    sizeof(length));
		if (length == 0)
			return;
		name = slice_head(name, strnlen(name.ptr, name.len));
		if (read_entry(proc, name, &table.entry[table.count]))
			table.count++;
		names = slice_skip(names, length);
	}
}

static void
scan(void)
{
	char names[DIRENT_BUF];
	long n;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	table.count = 0;
	if (proc < 0)
		return;
	while (table.count < PROCS_MAX &&
	       (n = syscall(SYS_getdents64, proc, names, sizeof(names))) > 0)
		scan_names(proc, slice_make(names, (size_t)n));
	(void)close(proc);
}

static const struct procs_entry *
find(pid_t pid)
{
	for (size_t i = 0; i < table.count; i++)
		if (table.entry[i].pid == pid)
			return &table.entry[i];
	return NULL;
}

/* Whether it descends from self; *agent: by way of a program of the agent, or
 * being one. */
static bool
descends(const struct procs_entry *entry, pid_t self, bool *agent)
{
	*agent = false;
	for (int depth = 0; entry != NULL && depth < DEPTH_MAX; depth++) {
		if (entry->pid == self)
			return false;
		if (entry->role != PROCS_OTHER)
			*agent = true;
		if (entry->ppid == self)
			return true;
		entry = find(entry->ppid);
	}
	return false;
}

size_t
procs_ours(struct procs_entry *list, size_t max)
{
	pid_t self = getpid();
	size_t count = 0;
	bool agent;

	scan();
	for (size_t i = 0; i < table.count && count < max; i++)
		if (descends(&table.entry[i], self, &agent) && agent)
			list[count++] = table.entry[i];
	return count;
}

static struct slice
mount_namespace(pid_t pid, char *out, size_t size)
{
	char path[40];

	(void)format_text(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	return read_link(AT_FDCWD, path, out, size);
}

pid_t
procs_foreign(void)
{
	char ours_text[64], theirs_text[64];
	pid_t self = getpid();
	struct slice ours, theirs;
	bool agent;

	ours = mount_namespace(self, ours_text, sizeof(ours_text));
	scan();
	for (size_t i = 0; i < table.count && ours.len > 0; i++) {
		const struct procs_entry *e = &table.entry[i];

		if ((e->role != PROCS_CORE && e->role != PROCS_WORKER) ||
		    e->zombie || e->pid == self || descends(e, self, &agent))
			continue;
		theirs =
		    mount_namespace(e->pid, theirs_text, sizeof(theirs_text));
		if (slice_same(ours, theirs))
			return e->pid;
	}
	return 0;
}

bool
procs_usable(void)
{
	char text[STAT_MAX];
	struct procs_entry self;
	struct slice comm;

	return parse_stat(read_file(AT_FDCWD, "/proc/self/stat", text,
	                      sizeof(text)),
	           &self, &comm) &&
	       self.pid == getpid();
}
