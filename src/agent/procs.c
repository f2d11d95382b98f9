/* SPDX-License-Identifier: MIT */
#include "agent/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/slice.h"

/*
 * readdir(3) allocates, so the folder is read with the system call.  No table
 * of all processes is kept, which could be filled to hide some: the list of
 * those that are looked for grows by passes over /proc, mostly one and another
 * that finds nothing, since children have higher numbers.
 */
enum {
	PATH_SIZE = 40,
	STAT_MAX = 512,
	STATUS_MAX = 1024,
	LINK_MAX = 512,
	DEPTH_MAX = 128,
	PASSES_MAX = 16,
	COMM_MAX = 15
};

/* linux/dirent.h: ino64, off64, then reclen, type and name. */
enum { DIRENT_RECLEN = 16, DIRENT_NAME = 19, DIRENT_BUF = 4096 };

/* In the order of enum procs_role; the last two have the same one. */
static const char programs[] =
    PATHS_AGENT " " PATHS_WORKER " " PATHS_SESSION " " PATHS_DOCUMENT;

/* The files of our agent: those beside it and those of /usr/bin, each as it
 * was when the agent was started the last times. */
enum { KNOWN_MAX = 24 };
static struct procs_file known[KNOWN_MAX];
static size_t known_count;

enum procs_role
procs_name_role(struct slice name, size_t cut)
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

enum procs_role
procs_file_role(const struct stat *st)
{
	for (size_t i = 0; i < known_count; i++) {
		if (known[i].ino == st->st_ino && known[i].dev == st->st_dev)
			return known[i].role;
	}
	return PROCS_OTHER;
}

/* The oldest one makes room. */
static void
learn_one(const struct procs_file *file)
{
	struct stat st = { .st_dev = file->dev, .st_ino = file->ino };

	if (procs_file_role(&st) != PROCS_OTHER)
		return;
	if (known_count == KNOWN_MAX)
		memmove(known, known + 1, --known_count * sizeof known[0]);
	known[known_count++] = *file;
}

void
procs_learn(const struct procs_files *files)
{
	for (size_t i = 0; i < files->count && i < PROCS_FILES; i++)
		learn_one(&files->item[i]);
}

static void
look_at(struct procs_files *out, const char *path, enum procs_role role)
{
	struct stat st;

	if (out->count == PROCS_FILES || stat(path, &st) != 0)
		return;
	out->item[out->count++] = (struct procs_file){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.role = role,
	};
}

static void
look_in(struct procs_files *out, struct slice folder)
{
	struct slice rest = slice_of(programs), name;
	char path[PATH_MAX];

	while (slice_cut(&rest, ' ', &name)) {
		if ((size_t)snprintf(path, sizeof path, "%.*s/%.*s",
		        (int)folder.len, folder.ptr, (int)name.len,
		        name.ptr) < sizeof path)
			look_at(out, path, procs_name_role(name, name.len));
	}
}

void
procs_look(struct procs_files *out, const char *agent)
{
	struct slice folder, name;

	*out = (struct procs_files){ .count = 0 };
	look_at(out, agent, PROCS_CORE);
	if (slice_rsplit(slice_of(agent), '/', &folder, &name))
		look_in(out, folder);
	look_in(out, slice_of(PATHS_BIN));
}

static void
make_path(char out[static PATH_SIZE], pid_t pid, const char *name)
{
	snprintf(out, PATH_SIZE, "/proc/%d/%s", (int)pid, name);
}

static struct slice
filled(const char *data, ssize_t n)
{
	return slice_make(data, n > 0 ? (size_t)n : 0);
}

static struct slice
read_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[PATH_SIZE];
	ssize_t n;
	int fd;

	make_path(path, pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	do
		n = read(fd, text, size);
	while (n < 0 && errno == EINTR);
	close(fd);
	return filled(text, n);
}

/* The program's file by its name; empty for a zombie, and for a process that
 * we may not look into. */
static struct slice
read_link(pid_t pid, char target[static LINK_MAX])
{
	static const char gone[] = " (deleted)";
	char path[PATH_SIZE];
	struct slice exe, folder, name;

	make_path(path, pid, "exe");
	exe = filled(target, readlink(path, target, LINK_MAX));
	name = exe;
	if (slice_ends(exe, gone))
		exe.len -= sizeof gone - 1;
	slice_rsplit(exe, '/', &folder, &name);
	return name;
}

/* Real and effective user are ours.  Who owns /proc/PID says less: it is
 * root's for any process that is not dumpable. */
static bool
is_our_user(pid_t pid)
{
	char text[STATUS_MAX];
	struct slice rest = read_text(pid, "status", text, sizeof text);
	struct slice line, real, effective;
	uint64_t uid = geteuid(), first, second;

	while (slice_line(&rest, &line)) {
		if (!slice_starts(line, "Uid:"))
			continue;
		line = slice_trim(slice_skip(line, 4));
		return slice_cut(&line, '\t', &real) &&
		       slice_cut(&line, '\t', &effective) &&
		       slice_u64(real, UINT32_MAX, &first) &&
		       slice_u64(effective, UINT32_MAX, &second) &&
		       first == uid && second == uid;
	}
	return false;
}

/* What the kernel knows without asking the file's volume, which may not
 * answer.  Some seccomp profiles refuse statx(2). */
static bool
look_at_file(const char *path, struct stat *out)
{
	struct statx cached;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &cached) != 0)
		return errno == EPERM && stat(path, out) == 0;
	*out = (struct stat){
		.st_dev = makedev(cached.stx_dev_major, cached.stx_dev_minor),
		.st_ino = cached.stx_ino,
	};
	return true;
}

/*
 * By the name of the program's file; of a process that shows none, by its own,
 * of which the kernel keeps COMM_MAX bytes.  ours: the file must be one of our
 * agent's, whatever it is called.
 */
static enum procs_role
find_role(pid_t pid, struct slice comm, bool ours)
{
	char path[PATH_SIZE], target[LINK_MAX];
	struct slice name = read_link(pid, target);
	enum procs_role role = procs_name_role(name, name.len);
	struct stat st;

	if (name.len == 0) {
		role = procs_name_role(comm, COMM_MAX);
	} else if (ours) {
		make_path(path, pid, "exe");
		if (!look_at_file(path, &st) ||
		    procs_file_role(&st) == PROCS_OTHER)
			return PROCS_OTHER;
		/* Several names may be of one file. */
		if (role == PROCS_OTHER)
			role = procs_file_role(&st);
	}
	return role == PROCS_OTHER || is_our_user(pid) ? role : PROCS_OTHER;
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
read_stat(pid_t pid, struct procs_entry *entry, struct slice *comm,
    char text[static STAT_MAX])
{
	*entry = (struct procs_entry){ .pid = pid, .role = PROCS_OTHER };
	return parse_stat(read_text(pid, "stat", text, STAT_MAX), entry, comm);
}

/* One look at all processes; false ends it. */
struct pass {
	bool (*visit)(struct pass *pass, pid_t pid);
	struct procs_entry *list; /* by pid */
	size_t count, max;
	pid_t root; /* of those that are looked for */
	pid_t found;
};

static bool
scan_names(struct pass *pass, struct slice names)
{
	uint16_t length;
	pid_t pid;

	while (names.len > DIRENT_NAME) {
		struct slice name = slice_skip(names, DIRENT_NAME);

		memcpy(&length, slice_skip(names, DIRENT_RECLEN).ptr,
		    sizeof length);
		if (length == 0)
			return false;
		name = slice_head(name, strnlen(name.ptr, name.len));
		/* kill(2) takes 0 for our own group. */
		if (parse_pid(name, &pid) && pid > 0 && !pass->visit(pass, pid))
			return false;
		names = slice_skip(names, length);
	}
	return true;
}

static void
scan(struct pass *pass)
{
	char names[DIRENT_BUF];
	bool more = true;
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return;
	while (more) {
		long n = syscall(SYS_getdents64, proc, names, sizeof names);

		more = n > 0 && scan_names(pass, slice_make(names, (size_t)n));
	}
	close(proc);
}

/* Whether a process with that parent descends from us. */
static bool
descends(pid_t ppid)
{
	char text[STAT_MAX];
	struct procs_entry entry;
	struct slice comm;
	pid_t self = getpid();

	for (int depth = 0; depth < DEPTH_MAX && ppid > 0; depth++) {
		if (ppid == self)
			return true;
		if (!read_stat(ppid, &entry, &comm, text))
			return false;
		ppid = entry.ppid;
	}
	return false;
}

/* Where the pid is in the list, or would be. */
static size_t
place_of(const struct pass *pass, pid_t pid)
{
	size_t low = 0, high = pass->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pass->list[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_listed(const struct pass *pass, pid_t pid)
{
	size_t at = place_of(pass, pid);

	return at < pass->count && pass->list[at].pid == pid;
}

static void
insert(struct pass *pass, const struct procs_entry *entry)
{
	size_t at = place_of(pass, entry->pid);

	memmove(pass->list + at + 1, pass->list + at,
	    (pass->count - at) * sizeof pass->list[0]);
	pass->list[at] = *entry;
	pass->count++;
}

/* List what is a program of our agent, or a child of what is listed. */
static bool
visit_ours(struct pass *pass, pid_t pid)
{
	char text[STAT_MAX];
	struct procs_entry entry;
	struct slice comm;

	if (pass->count == pass->max)
		return false;
	if (pid == getpid() || is_listed(pass, pid) ||
	    !read_stat(pid, &entry, &comm, text))
		return true;
	entry.role = find_role(pid, comm, true);
	if (is_listed(pass, entry.ppid) ||
	    (entry.role != PROCS_OTHER && descends(entry.ppid)))
		insert(pass, &entry);
	return true;
}

/* List what is a child of the root or of what is listed. */
static bool
visit_below(struct pass *pass, pid_t pid)
{
	char text[STAT_MAX];
	struct procs_entry entry;
	struct slice comm;

	if (pass->count == pass->max)
		return false;
	if (!is_listed(pass, pid) && read_stat(pid, &entry, &comm, text) &&
	    (entry.ppid == pass->root || is_listed(pass, entry.ppid)))
		insert(pass, &entry);
	return true;
}

/* Until a look finds no more. */
static size_t
scan_all(struct pass *pass)
{
	size_t before = pass->max + 1;

	for (int i = 0; i < PASSES_MAX && pass->count != before; i++) {
		before = pass->count;
		scan(pass);
	}
	return pass->count;
}

size_t
procs_ours(struct procs_entry *list, size_t max)
{
	struct pass pass = { .visit = visit_ours, .list = list, .max = max };

	return scan_all(&pass);
}

size_t
procs_below(pid_t root, struct procs_entry *list, size_t max)
{
	struct pass pass = {
		.visit = visit_below,
		.list = list,
		.max = max,
		.root = root,
	};

	return root > 0 ? scan_all(&pass) : 0;
}

static bool
mount_namespace(pid_t pid, struct stat *out)
{
	char path[PATH_SIZE];

	make_path(path, pid, "ns/mnt");
	return stat(path, out) == 0;
}

/* Find a core or worker that is not ours. */
static bool
visit_foreign(struct pass *pass, pid_t pid)
{
	char text[STAT_MAX];
	struct stat ours, theirs;
	struct procs_entry entry;
	struct slice comm;

	if (pid == getpid() || !read_stat(pid, &entry, &comm, text) ||
	    entry.zombie || find_role(pid, comm, false) > PROCS_WORKER ||
	    descends(entry.ppid) || !mount_namespace(getpid(), &ours) ||
	    !mount_namespace(pid, &theirs) || theirs.st_ino != ours.st_ino ||
	    theirs.st_dev != ours.st_dev)
		return true;
	pass->found = pid;
	return false;
}

pid_t
procs_foreign(void)
{
	struct pass pass = { .visit = visit_foreign };

	scan(&pass);
	return pass.found;
}
