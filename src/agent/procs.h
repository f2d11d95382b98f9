#ifndef AGENT_PROCS_H
#define AGENT_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Processes seen through /proc: what belongs to the agent we started, and
 * whether somebody else's agent runs in our mount namespace.  Without /proc
 * nothing is found.  Nothing is allocated, since the keeper calls this; of more
 * than PROCS_MAX processes the rest is not seen.
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

enum { PROCS_MAX = 4096 };

/* Fill list with the processes whose program is one of the agent's, and their
 * descendants, that descend from us (or were re-parented to us: PID 1 or
 * subreaper).  Gives how many, at most max. */
size_t procs_ours(struct procs_entry *list, size_t max);

/* The pid of an amazon-ssm-agent or ssm-agent-worker that is not ours and
 * lives in our mount namespace (the same /proc/PID/ns/mnt), 0 = none. */
pid_t procs_foreign(void);

#endif
