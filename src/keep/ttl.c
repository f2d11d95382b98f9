/* SPDX-License-Identifier: MIT */
#include "keep/ttl.h"

#include "base/clock.h"
#include "base/log.h"
#include "keep/supervisor.h"
#include "settings/config.h"

/* Nobody tells us that a session ends: its parent is the agent. */
enum { LOOK_MS = 2000 };

void
ttl_begin(struct ttl *ttl, const struct config *cfg, const char *node)
{
	char when[CLOCK_ISO_SIZE];
	int64_t ms = cfg->ttl_ms;

	if (ttl->asked != 0)
		ms = (ttl->asked - clock_now()) * 1000;
	else if (ms == 0)
		return;
	if (ttl->until == 0) {
		ttl->next = clock_in(ms);
		ttl->latest = ttl->next + cfg->ttl_grace_ms;
		ttl->until = clock_now() + ms / 1000;
	}
	clock_iso(ttl->until, when);
	log_event(LOG_INFO, "ttl",
	    "%s goes at %s; with open sessions up to %lld s later", node, when,
	    (long long)(cfg->ttl_grace_ms / 1000));
}

void
ttl_cut(struct ttl *ttl, const struct config *cfg)
{
	ttl->cut = true;
	ttl->next = clock_ms();
	ttl->latest = ttl->next + cfg->ttl_grace_ms;
}

bool
ttl_over(struct ttl *ttl)
{
	int64_t now = clock_ms();

	if (ttl->next == 0 || now < ttl->next)
		return false;
	ttl->next = 0;
	if (now >= ttl->latest || !supervisor_busy())
		return true;
	ttl->next = clock_min(now + LOOK_MS, ttl->latest);
	return false;
}
