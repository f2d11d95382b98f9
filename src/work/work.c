#include "work/work.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/paths.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "settings/config.h"

enum { LINE_BYTES_MAX = 4096 };

void
work_path(char out[static WORK_PATH_MAX], const struct config *cfg,
    const char *name)
{
	snprintf(out, WORK_PATH_MAX, "%s/%s", cfg->state_dir, name);
}

void
work_wipe_code(const struct work *work)
{
	if (work->code != NULL)
		explicit_bzero(work->code, strlen(work->code));
}

void
work_advise_volumes(const struct config *cfg, struct err *err)
{
	err_fix(err,
	    "with a read-only root filesystem mount writable volumes (tmpfs "
	    "is enough) on %s, " PATHS_LIB " and " PATHS_ETC,
	    cfg->state_dir);
}

int
work_read_line(int fd, struct buf *out, int64_t deadline, struct err *err)
{
	while (out->len == 0 || out->data[out->len - 1] != '\n') {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		char *room = buf_room(out, LINE_BYTES_MAX);
		ssize_t n = -1;

		if (room != NULL && poll(&wait, 1, clock_left(deadline)) == 1)
			n = read(fd, room, LINE_BYTES_MAX);
		if (n <= 0)
			return err_set(err, ERR_KIND_SYSTEM,
			    "the key maker gave no key");
		buf_grew(out, (size_t)n);
	}
	buf_cut(out, out->len - 1);
	return 0;
}
