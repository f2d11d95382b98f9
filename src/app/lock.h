#ifndef APP_LOCK_H
#define APP_LOCK_H

#include <sys/types.h>

struct config;
struct err;

/*
 * One keeper for a state directory: an fcntl(2) lock, which ends with its
 * holder and tells who that is, so that there is no pid file to go stale.
 */

/* Take it: 1 = somebody has it (*holder: who; 0 if in another pid
 * namespace).  The descriptor stays open until the process ends. */
int lock_take(int *fd, pid_t *holder, const struct config *cfg,
    struct err *err);

/* Keep others, whose state directory is not ours, from the agent's folder, in
 * which two would overwrite each other's registration: flock(2), best effort
 * (no lock on a network's file system; *fd is -1 where there is no folder).
 * -1 = somebody is there. */
int lock_agent(int *fd, struct err *err);

#endif
