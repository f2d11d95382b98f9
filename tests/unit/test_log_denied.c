/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/log.h"

static void
test_denied(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		errno = ENOSYS;
		assert_true(log_denied("call", "nothing is lost"));
		assert_int_equal(errno, ENOSYS);
	}
	errno = EPERM;
	assert_true(log_denied("call", "nothing is lost"));
}

static void
test_failed(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EACCES, EAGAIN, EBADF };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		errno = errors[i];
		assert_false(log_denied("other", "nothing is lost"));
		assert_int_equal(errno, errors[i]);
	}
}

/* Once for the process and those that it starts. */
static void
test_logs_once_for_process_and_children(void **state)
{
	char text[1024] = "";
	int ends[2], err = dup(STDERR_FILENO);
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	for (int i = 0; i < 3; i++) {
		errno = EPERM;
		assert_true(log_denied("third", "much is lost"));
	}
	dup2(err, STDERR_FILENO);
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	assert_string_equal(n > 0 ? text : "",
	    "ssm-activate: warn: third: Operation not permitted; much is "
	    "lost\n");
	close(ends[0]);
	close(err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_logs_once_for_process_and_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
