#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/paths.h"
#include "agent/procs.h"
#include "base/format.h"

/* In the order of enum procs_role; the last two have the same one. */
static const char programs[] =
    PATHS_AGENT " " PATHS_WORKER " " PATHS_SESSION " " PATHS_DOCUMENT;

/* The files of our agent: those beside it and those of /usr/bin, each as it
 * was when the agent was started the last times. */
enum { FILES_MAX = 24 };
static struct file {
	dev_t dev;
	ino_t ino;
	enum procs_role role;
} files[FILES_MAX];
static size_t file_count;

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
	for (size_t i = 0; i < file_count; i++) {
		if (files[i].ino == st->st_ino && files[i].dev == st->st_dev)
			return files[i].role;
	}
	return PROCS_OTHER;
}

/* The oldest one makes room. */
static void
add_file(const char *path, enum procs_role role)
{
	struct stat st;

	if (stat(path, &st) != 0 || procs_file_role(&st) != PROCS_OTHER)
		return;
	if (file_count == FILES_MAX)
		(void)memmove(files, files + 1,
		    --file_count * sizeof(files[0]));
	files[file_count++] = (struct file){
		.dev = st.st_dev,
		.ino = st.st_ino,
		.role = role,
	};
}

static void
add_folder(struct slice folder)
{
	struct slice rest = slice_of(programs), name;
	char path[PATH_MAX];

	while (slice_cut(&rest, ' ', &name)) {
		if (format_text(path, sizeof(path), "%.*s/%.*s",
		        (int)folder.len, folder.ptr, (int)name.len,
		        name.ptr) < sizeof(path))
			add_file(path, procs_name_role(name, name.len));
	}
}

void
procs_programs(const char *agent)
{
	struct slice folder, name;

	add_file(agent, PROCS_CORE);
	if (slice_rsplit(slice_of(agent), '/', &folder, &name))
		add_folder(folder);
	add_folder(slice_of(PATHS_BIN));
}
