/* SPDX-License-Identifier: MIT */
#include "app/columns.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/slice.h"
#include "ssm/fleet.h"

enum {
	MINUTE = 60,
	HOUR = 3600,
	DAY = 86400,
	HOURS_FROM = 2 * HOUR,
	DAYS_FROM = 2 * DAY,
	ID_SHOWN = 8,
};

const char *
columns_state(const struct fleet_node *node)
{
	if (node->online)
		return "online";
	return node->pinged ? "lost" : "new";
}

/* How long ago, in the largest unit that says something. */
static void
put_age(struct buf *out, int64_t when)
{
	int64_t s = clock_now() - when;

	if (when == 0 || s < 0)
		buf_printf(out, "%-5s", "-");
	else if (s < HOURS_FROM)
		buf_printf(out, "%3dm ", (int)(s / MINUTE));
	else if (s < DAYS_FROM)
		buf_printf(out, "%3dh ", (int)(s / HOUR));
	else
		buf_printf(out, "%3dd ", (int)(s / DAY));
}

void
columns_nodes(struct buf *out, const struct fleet_node *nodes, size_t count)
{
	if (count == 0) {
		buf_puts(out, "no node\n");
		return;
	}
	buf_puts(out, "NODE                  STATE    AGE  TASK      NAME\n");
	for (size_t i = 0; i < count; i++) {
		struct slice id =
		    slice_head(fleet_task_id(&nodes[i]), ID_SHOWN);

		buf_printf(out, "%-20s  %-6s  ", nodes[i].id,
		    columns_state(&nodes[i]));
		put_age(out, nodes[i].registered);
		buf_printf(out, " %-*.*s  %s\n", ID_SHOWN, (int)id.len,
		    id.len > 0 ? id.ptr : "", nodes[i].name);
	}
}
