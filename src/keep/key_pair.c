/* SPDX-License-Identifier: MIT */
#include "keep/key_pair.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "work/work.h"

enum { KEY_MS = 60000 };

void
key_pair_drop(struct key_pair *pair, struct work *work)
{
	job_kill(&pair->job);
	file_close(&work->public_fd);
	file_close(&work->private_fd);
	file_close(&pair->out[0]);
	file_close(&pair->out[1]);
	pair->used = false;
}

int
key_pair_open(struct key_pair *pair, struct work *work, struct err *err)
{
	int public[2], private[2];

	if (work->public_fd >= 0 && !pair->used)
		return 0;
	key_pair_drop(pair, work);
	if (pipe2(public, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	work->public_fd = public[0];
	pair->out[0] = public[1];
	if (pipe2(private, O_CLOEXEC) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "pipe");
		key_pair_drop(pair, work);
		return -1;
	}
	work->private_fd = private[0];
	pair->out[1] = private[1];
	return 0;
}

void
key_pair_make(struct key_pair *pair, const struct work *work)
{
	struct work input = *work;
	struct job_spec spec = {
		.name = "make a key",
		.work = work_key_make,
		.input = &input,
		.keep = { pair->out[0], pair->out[1] },
		.keep_count = 2,
		.deadline = clock_in(KEY_MS),
	};
	struct err err = { 0 };

	if (pair->out[0] < 0)
		return;
	input.public_fd = pair->out[0];
	input.private_fd = pair->out[1];
	if (job_start(&pair->job, &spec, &err) != 0)
		log_debug("%s", err.msg);
	file_close(&pair->out[0]);
	file_close(&pair->out[1]);
}
