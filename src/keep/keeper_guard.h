#ifndef KEEP_KEEPER_GUARD_H
#define KEEP_KEEPER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/spec.h"
#include "base/exec.h"
#include "keep/command.h"
#include "keep/follow.h"
#include "keep/guard.h"
#include "keep/life.h"
#include "keep/listener.h"
#include "keep/minder.h"
#include "work/journal.h"

struct config;
struct keeper_options;

/* What a keeper is made of; for keep/keeper.c and keep/keeper_guard.c alone. */
struct keeper {
	const struct keeper_options *options;
	const struct config *cfg;
	int signal_fd, report_fd;
	struct exec_signals signals;
	struct command command;
	bool announced, online, over_told;
	unsigned news;       /* of the log, not acted on yet */
	int required_status; /* REQUIRED and no access: the exit status */
	int64_t leave_by, doubt_after;
	struct life life;
	struct minder minder;
	struct spec spec;
	struct listener listener;
	struct guard guard;
	struct follow follow;
};

/* Tell `up`; false if nobody waits for it, or does not any more. */
bool keeper_report(struct keeper *k, enum journal type);

/* The beginning: lock and socket, then the life.  Begin to take them; and,
 * whenever something happened, go on. */
void keeper_guard_begin(struct keeper *k);
void keeper_guard_take(struct keeper *k);

/* What another keeper holds, or what does not answer, is not written to. */
void keeper_leave_disk(struct keeper *k);

#endif
