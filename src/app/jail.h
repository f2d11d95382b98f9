#ifndef APP_JAIL_H
#define APP_JAIL_H

#include <stddef.h>

struct client;
struct config;
struct err;

/*
 * What a worker gives up before it starts.  Every worker: no core dump, not
 * dumpable (so /proc/PID/mem and ptrace(2) are closed to its own user), dies
 * with its keeper, no descriptor but those it was given.
 */
void jail_worker(const int *keep, size_t count);

/*
 * The net worker before its first connect: uid and gid 65534 without further
 * groups when it was root, an empty bounding set, no capability, and
 * no_new_privs.  Whether it dies with its parent stays as it was.
 */
enum { JAIL_ID = 65534 };
int jail_net(struct err *err);

/*
 * A client as the settings want it, which has read all files that it needs;
 * then jail_net().  region: goes before the settings' own; NULL or "" = none.
 */
int jail_client(struct client **out, const struct config *cfg,
    const char *region, struct err *err);

#endif
