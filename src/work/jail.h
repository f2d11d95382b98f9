/* SPDX-License-Identifier: MIT */
#ifndef WORK_JAIL_H
#define WORK_JAIL_H

#include <stddef.h>

struct client;
struct config;
struct err;

/*
 * What a worker gives up before it starts.  Every worker: no core dump, not
 * dumpable (so /proc/PID/mem and ptrace(2) are closed to its own user), dies
 * with its keeper, a session without a terminal, no descriptor but those it
 * was given and 0 to 2: /dev/null twice, and log, where its lines go.  What
 * the system denies of this is said, and the worker runs.
 */
void jail_worker(const int *keep, size_t count, int log);

/* Of this, what is between the process and others: no core dump, not
 * dumpable, and a signal when its parent ends (0 = none). */
void jail_private(int death_signal);

/*
 * The net worker before its first connect: as uid and gid a number from
 * JAIL_ID_MAX downwards that nobody else has when it was root (JAIL_ID_OLD
 * where the user namespace has no room for one), without further groups; an
 * empty bounding set, no capability, no_new_privs; no terminal; no variable of
 * the environment but those that AWS, a proxy or this program are set by; no
 * system call (seccomp(2)) but those for reading files, memory that is not
 * executable, streams and datagrams of IPv4 and IPv6 that it connects itself,
 * clocks, and its end: it cannot touch or make a process, run a program, write
 * to a file that is not open, or drive a terminal.  Whether it dies with its
 * parent stays as it was.
 *
 * Between the change of the uid and the end of being dumpable, which the
 * kernel may grant anew (fs.suid_dumpable), a process of the same uid could
 * attach: there is none.
 */
enum { JAIL_ID_MAX = 65533, JAIL_ID_OLD = 65534 };
int jail_net(const struct config *cfg, struct err *err);

/*
 * A client as the settings want it, which has read all files that it needs;
 * then jail_net(); then its region is settled.  region: goes before that of the
 * settings; NULL or "" = none.
 */
int jail_client(struct client **out, const struct config *cfg,
    const char *region, struct err *err);

#endif
