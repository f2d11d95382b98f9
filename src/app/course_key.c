#include "app/course_key.h"

#include <fcntl.h>
#include <unistd.h>

#include "app/course_move.h"
#include "base/clock.h"
#include "base/err.h"

enum { KEY_MS = 60000 };

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
course_key_drop(struct course *course)
{
	job_kill(&course->key);
	close_fd(&course->work.public_fd);
	close_fd(&course->work.private_fd);
	course->key_used = false;
}

int
course_key_begin(struct course *course, struct err *err)
{
	int public[2] = { -1, -1 }, private[2] = { -1, -1 };
	struct work work = course->work;
	struct job_spec spec = {
		.name = "make a key",
		.work = work_key_make,
		.input = &work,
		.keep_count = 2,
		.deadline = clock_in(KEY_MS),
	};
	int rc = -1;

	if (course->work.public_fd >= 0 && !course->key_used)
		return 0;
	course_key_drop(course);
	if (pipe2(public, O_CLOEXEC) == 0 && pipe2(private, O_CLOEXEC) == 0) {
		spec.keep[0] = work.public_fd = public[1];
		spec.keep[1] = work.private_fd = private[1];
		rc = job_start(&course->key, &spec, err);
	} else {
		err_sys(err, ERR_KIND_SYSTEM, "pipe");
	}
	close_fd(&public[1]);
	close_fd(&private[1]);
	course->work.public_fd = public[0];
	course->work.private_fd = private[0];
	return rc;
}
