#include <stdio.h>
#include <unistd.h>

#include "agent/volume.h"
#include "base/err.h"
#include "base/pass.h"
#include "settings/config.h"
#include "work/control.h"
#include "work/journal.h"
#include "work/lock.h"
#include "work/work.h"

enum { PID_SIZE = 12 };

/* What was taken is handed over at once: our own copies end with us. */
static int
hand_over(const struct work *work, int fd, struct err *err)
{
	if (pass_send(work->guard_fd, &fd, 1) == 0)
		return 0;
	return err_sys(err, ERR_KIND_SYSTEM, "the keeper is gone");
}

static int
tell_holder(int out, pid_t who)
{
	char text[PID_SIZE];

	snprintf(text, sizeof(text), "%d", (int)who);
	return journal_send(out, JOURNAL_HELD, text, NULL, NULL);
}

/* Before the lock, whose file may be one of those that others have put there.
 * What cannot be removed is told of by those who write there. */
static void
clean(const struct config *cfg)
{
	int folder = -1;

	if (lock_folder(&folder, cfg, NULL) != 0)
		return;
	(void)volume_clean_folder(folder, cfg->state_dir, WORK_NAMES, NULL);
	close(folder);
}

static int
take(const struct work *work, int out, struct err *err)
{
	const struct config *cfg = work->cfg;
	pid_t who = getppid();
	int fd = -1;
	int rc;

	clean(cfg);
	rc = lock_take(&fd, &who, cfg, err);
	if (rc == 1)
		return tell_holder(out, who);
	if (rc != 0)
		work_advise_volumes(cfg, err);
	if (rc != 0 || hand_over(work, fd, err) != 0)
		return -1;
	if (work->refused)
		return 0;
	if (control_bind(&fd, cfg, err) != 0 || hand_over(work, fd, err) != 0 ||
	    lock_agent(&fd, err) != 0)
		return -1;
	return fd < 0 ? 0 : hand_over(work, fd, err);
}

void
work_guard_take(const void *input, int out)
{
	struct err err = { 0 };
	int rc = take(input, out, &err);

	journal_finish(out, rc, &err);
}

void
work_guard_drop(const void *input, int out)
{
	const struct work *work = input;

	control_unbind(work->cfg);
	journal_finish(out, 0, NULL);
}
