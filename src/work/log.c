#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/logtail.h"
#include "agent/paths.h"
#include "base/clock.h"
#include "base/log.h"
#include "work/journal.h"
#include "work/work.h"

/* False: nobody listens. */
static bool
tell(unsigned news, int out)
{
	static const struct {
		unsigned news;
		enum journal type;
	} table[] = {
		{ LOGTAIL_ONLINE, JOURNAL_ONLINE },
		{ LOGTAIL_HIBERNATE, JOURNAL_HIBERNATE },
		{ LOGTAIL_REFUSED, JOURNAL_DOUBT },
	};
	bool told = true;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if ((news & table[i].news) != 0)
			told &= journal_send(out, table[i].type, NULL, NULL,
			            NULL) == 0;
	}
	return told;
}

void
work_log_follow(const void *input, int out)
{
	const struct work *work = input;
	struct logtail tail;
	bool told = false;

	log_node(work->state->node);
	logtail_open(&tail, PATHS_LOG, "amazon-ssm-agent.log");
	told = journal_send(out, JOURNAL_READY, NULL, NULL, NULL) == 0;
	while (told) {
		/* The end of the pipe's reader shows as an error. */
		struct pollfd wait[] = {
			{ .fd = out },
			{ .fd = tail.fd, .events = POLLIN },
		};
		int64_t due = logtail_due(&tail);

		poll(wait, 2, due == INT64_MAX ? -1 : clock_left(due));
		told = wait[0].revents == 0 && tell(logtail_read(&tail), out);
	}
	logtail_close(&tail);
}
