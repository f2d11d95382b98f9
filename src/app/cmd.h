/* SPDX-License-Identifier: MIT */
#ifndef APP_CMD_H
#define APP_CMD_H

struct config;
struct err;

/*
 * The commands, one file each.  Each gives the exit status of the process; if
 * err is set, it is what main() prints.
 */
int cmd_run(struct config *cfg, struct err *err);
int cmd_up(struct config *cfg, struct err *err);
int cmd_down(struct config *cfg, struct err *err);
int cmd_status(struct config *cfg, struct err *err);
int cmd_gc(struct config *cfg, struct err *err);
int cmd_nodes(struct config *cfg, struct err *err);
int cmd_connect(struct config *cfg, struct err *err);
int cmd_api(struct config *cfg, struct err *err);
int cmd_version(struct config *cfg, struct err *err);

#endif
