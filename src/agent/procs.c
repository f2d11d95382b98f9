#include "agent/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
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
enum {
	PATH_SIZE = 40,
	STAT_MAX = 512,
	LINK_MAX = 512,
	DEPTH_MAX = 128,
	COMM_MAX = 15
};

/* linux/dirent.h: ino64, off64, then reclen, type and name. */
enum { DIRENT_RECLEN = 16, DIRENT_NAME = 19, DIRENT_BUF = 4096 };

struct table {
	struct procs_entry entry[PROCS_MAX];
	size_t count;
};

static struct table table;

/* In the order of enum procs_role; the last two have the same one. */
static const char programs[] =
    PATHS_AGENT " " PATHS_WORKER " " PATHS_SESSION " " PATHS_DOCUMENT;

/* Of a name that has been cut to that many bytes. */
static enum procs_role
role_of(struct slice name, size_t cut)
{
	struct slice rest = slice_of(programs), program;
	int role = PROCS_CORE;

	while (slice_cut(&rest, ' ', &program)) {
		if (slice_same(name, slice_head(program, cut)))
			return (enum procs_role)role;
		if (role < PROCS_SESSION)
			role++;
	}
	return PROCS_OTHER;
}

static void
make_path(char out[static PATH_SIZE], pid_t pid, const char *name)
{
	(void)format_text(out, PATH_SIZE, "/proc/%d/%s", (int)pid, name);
}

static struct slice
filled(const char *data, ssize_t n)
{
	return slice_make(data, n > 0 ? (size_t)n : 0);
}

/* By the program's file; a zombie, or a process that we may not look into,
 * has none to show, but still its name, of which the kernel keeps COMM_MAX
 * bytes. */
static enum procs_role
find_role(pid_t pid, struct slice comm)
{
	static const char gone[] = " (deleted)";
	char path[PATH_SIZE], target[LINK_MAX];
	struct slice exe, folder, name = { 0 };

	make_path(path, pid, "exe");
	exe = filled(target, readlink(path, target, sizeof(target)));
	if (exe.len == 0)
		return role_of(comm, COMM_MAX);
	if (slice_ends(exe, gone))
		exe.len -= sizeof(gone) - 1;
	(void)slice_rsplit(exe, '/', &folder, &name);
	return role_of(name, name.len);
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

/* "pid (name) state ppid …", where the name may hold anything (proc(5)). */
static bool
parse_stat(struct slice text, struct procs_entry *entry, struct slice *comm)
{
	struct slice head, tail, state, ppid;

	if (!slice_rsplit(text, ')', &head, &tail) ||
	    !slice_split(head, '(', &head, comm))
		return false;
	tail = slice_trim(tail);
	if (!slice_cut(&tail, ' ', &state) || !slice_cut(&tail, ' ', &ppid) ||
	    !parse_pid(ppid, &entry->ppid))
		return false;
	entry->zombie = slice_eq(state, "Z") || slice_eq(state, "X");
	return true;
}

static bool
read_entry(struct slice name, struct procs_entry *entry)
{
	char path[PATH_SIZE], text[STAT_MAX];
	struct slice comm;
	ssize_t n;
	pid_t pid;
	int fd;

	if (!parse_pid(name, &pid))
		return false;
	make_path(path, pid, "stat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (!parse_stat(filled(text, n), entry, &comm))
		return false;
	entry->pid = pid;
	entry->role = find_role(pid, comm);
	return true;
}

static void
scan_names(struct slice names)
{
	uint16_t length;

	while (names.len > DIRENT_NAME && table.count < PROCS_MAX) {
		struct slice name = slice_skip(names, DIRENT_NAME);

		(void)memcpy(&length, slice_skip(names, DIRENT_RECLEN).ptr,
		    sizeof(length));
		if (length == 0)
			return;
		name = slice_head(name, strnlen(name.ptr, name.len));
		if (read_entry(name, &table.entry[table.count]))
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
		scan_names(slice_make(names, (size_t)n));
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

static bool
mount_namespace(pid_t pid, struct stat *out)
{
	char path[PATH_SIZE];

	make_path(path, pid, "ns/mnt");
	return stat(path, out) == 0;
}

pid_t
procs_foreign(void)
{
	struct stat ours, theirs;
	pid_t self = getpid();
	bool agent;

	if (!mount_namespace(self, &ours))
		return 0;
	scan();
	for (size_t i = 0; i < table.count; i++) {
		const struct procs_entry *e = &table.entry[i];

		if (e->role <= PROCS_WORKER && !e->zombie && e->pid != self &&
		    !descends(e, self, &agent) &&
		    mount_namespace(e->pid, &theirs) &&
		    theirs.st_ino == ours.st_ino &&
		    theirs.st_dev == ours.st_dev)
			return e->pid;
	}
	return 0;
}
