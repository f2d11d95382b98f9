/* SPDX-License-Identifier: MIT */
#ifndef AGENT_PROCS_H
#define AGENT_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/slice.h"

struct stat;

/*
 * Processes seen through /proc: what belongs to the agent we started, and
 * whether somebody else's agent runs in our mount namespace.  Without /proc
 * nothing is found.  Nothing is allocated, since the keeper calls this; the
 * cost grows with the number of processes, and none of them can hide others.
 */
enum procs_role {
	PROCS_CORE,    /* amazon-ssm-agent */
	PROCS_WORKER,  /* ssm-agent-worker */
	PROCS_SESSION, /* ssm-session-worker, ssm-document-worker */
	PROCS_OTHER,
};

struct procs_entry {
	pid_t pid, ppid;
	enum procs_role role;
	bool zombie;
};

enum { PROCS_MAX = 4096, PROCS_FILES = 12 };

/* Files of programs, by device and inode. */
struct procs_file {
	dev_t dev;
	ino_t ino;
	enum procs_role role;
};

struct procs_files {
	struct procs_file item[PROCS_FILES];
	size_t count;
};

/* Look which files are the agent's programs: those beside it, and those of
 * /usr/bin.  Their volume may keep us waiting, so this is for another process
 * than the keeper, which learns it from there. */
void procs_look(struct procs_files *out, const char *agent);

/* To be told at each start, since an update changes the files; those of some
 * starts before are known still. */
void procs_learn(const struct procs_files *files);

/* What such a file is, and what a name is that has been cut to that many bytes;
 * PROCS_OTHER: nothing of the agent's. */
enum procs_role procs_file_role(const struct stat *st);
enum procs_role procs_name_role(struct slice name, size_t cut);

/* A process is the agent's if it is of our user and its file is one of these,
 * by device and inode; where that cannot be seen, by our user and its name.
 * Fill list with the processes whose program is one of the agent's, and their
 * descendants, that descend from us (or were re-parented to us: PID 1 or
 * subreaper), in the order of pids.  Gives how many, at most max. */
size_t procs_ours(struct procs_entry *list, size_t max);

/* The descendants of a child of ours, likewise; 0 has none. */
size_t procs_below(pid_t root, struct procs_entry *list, size_t max);

/* The pid of an amazon-ssm-agent or ssm-agent-worker, of our user and by the
 * name of its file, that does not descend from us and lives in our mount
 * namespace (the same /proc/PID/ns/mnt), 0 = none. */
pid_t procs_foreign(void);

#endif
