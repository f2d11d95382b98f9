/* SPDX-License-Identifier: MIT */
#ifndef WORK_LOCK_H
#define WORK_LOCK_H

#include <sys/types.h>

struct config;
struct err;

/*
 * One keeper for a state directory: a lock of an open file (F_OFD_SETLK,
 * fcntl(2)), which a worker can take and hand to its keeper, which ends with
 * its holder, and which a lock of a process (F_SETLK) keeps out and is kept out
 * by. Where the kernel has none, it is flock(2).  The file says who holds it.
 *
 * All of this may wait for a volume that does not answer: not for a keeper.
 */

/* Open the state directory, made when absent. */
int lock_folder(int *fd, const struct config *cfg, struct err *err);

/* Take it for *who: 1 = somebody has it (*who: who; 0 = not known, or in
 * another pid namespace).  It lasts until all copies of the descriptor are
 * closed. */
int lock_take(int *fd, pid_t *who, const struct config *cfg, struct err *err);

/* Keep others, whose state directory is not ours, from the agent's folder, in
 * which two would overwrite each other's registration: flock(2), best effort
 * (no lock on a network's file system; *fd is -1 where there is no folder).
 * -1 = somebody is there. */
int lock_agent(int *fd, struct err *err);

#endif
