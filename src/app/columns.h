/* SPDX-License-Identifier: MIT */
#ifndef APP_COLUMNS_H
#define APP_COLUMNS_H

#include <stddef.h>

struct buf;
struct fleet_node;

/* Managed nodes as a person reads them: a heading and a line each, in columns;
 * "no node" without any. */
void columns_nodes(struct buf *out, const struct fleet_node *nodes,
    size_t count);

/* "online", "lost" (it was online before), "new" (never yet). */
const char *columns_state(const struct fleet_node *node);

#endif
