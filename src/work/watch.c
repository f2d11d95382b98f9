#include <poll.h>
#include <stddef.h>

#include "aws/client.h"
#include "aws/conf.h"
#include "aws/task.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "settings/config.h"
#include "work/jail.h"
#include "work/journal.h"
#include "work/work.h"

enum { ASK_MS = 5000 };

/* Until the task is to stop, or nobody reads from out any more.  An answer
 * that does not come is no reason to give up: the next one may. */
static int
watch(struct client *client, int64_t every, int out, struct err *err)
{
	struct pollfd reader = { .fd = out };
	bool stops = false;

	while (!stops) {
		err_clear(err);
		switch (task_stops(client_api(client), &stops, clock_in(ASK_MS),
		    err)) {
		case 0:
			break;
		case 1:
			return err_set(err, ERR_KIND_CONFIG,
			    "no task metadata to watch");
		default:
			log_debug("%s", err->msg);
		}
		/* Without CAP_KILL nobody can end us. */
		if (!stops && poll(&reader, 1, clock_left(clock_in(every))) > 0)
			return err_set(err, ERR_KIND_SYSTEM, "no keeper");
	}
	return 0;
}

void
work_watch_run(const void *input, int out)
{
	const struct work *work = input;
	struct conf_options options = { .env = work->cfg->env };
	struct client *client = NULL;
	struct err err = { 0 };
	int rc = -1;

	work_wipe_code(work);
	rc = client_open(&client, &options, &err);
	if (rc == 0)
		rc = jail_net(work->cfg, &err);
	if (rc == 0)
		rc = watch(client, work->cfg->watch_ms, out, &err);
	journal_finish(out, rc, &err);
	client_free(client);
}

bool
work_watch_wanted(const struct work *work)
{
	return work->cfg->watch_ms > 0 &&
	       env_get(work->cfg->env, TASK_METADATA_VARIABLE) != NULL;
}
