#include "keep/course_key.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "keep/course_move.h"

enum { KEY_MS = 60000 };

void
course_key_drop(struct course *course)
{
	job_kill(&course->key);
	file_close(&course->work.public_fd);
	file_close(&course->work.private_fd);
	file_close(&course->key_out[0]);
	file_close(&course->key_out[1]);
	course->key_used = false;
}

int
course_key_open(struct course *course, struct err *err)
{
	int public[2], private[2];

	if (course->work.public_fd >= 0 && !course->key_used)
		return 0;
	course_key_drop(course);
	if (pipe2(public, O_CLOEXEC) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "pipe");
	course->work.public_fd = public[0];
	course->key_out[0] = public[1];
	if (pipe2(private, O_CLOEXEC) != 0) {
		err_sys(err, ERR_KIND_SYSTEM, "pipe");
		course_key_drop(course);
		return -1;
	}
	course->work.private_fd = private[0];
	course->key_out[1] = private[1];
	return 0;
}

void
course_key_make(struct course *course)
{
	struct work work = course->work;
	struct job_spec spec = {
		.name = "make a key",
		.work = work_key_make,
		.input = &work,
		.keep = { course->key_out[0], course->key_out[1] },
		.keep_count = 2,
		.deadline = clock_in(KEY_MS),
	};
	struct err err = { 0 };

	if (course->key_out[0] < 0)
		return;
	work.public_fd = course->key_out[0];
	work.private_fd = course->key_out[1];
	if (job_start(&course->key, &spec, &err) != 0)
		log_debug("%s", err.msg);
	file_close(&course->key_out[0]);
	file_close(&course->key_out[1]);
}
