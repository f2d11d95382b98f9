/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/capture.h"
#include "base/clock.h"
#include "base/err.h"

enum { LATE_MS = 300, LARGE = 100000 };

/* Runs the words as a program, in a group of its own. */
static int
be_program(void *argument)
{
	(void)setpgid(0, 0);
	(void)execvp("sh",
	    (char *[]){ (char *)"sh", (char *)"-c", argument, NULL });
	return 127;
}

struct outcome {
	enum capture_end how;
	int status;
	struct buf out, errors;
};

static void
run(struct outcome *got, const char *words, int64_t deadline)
{
	struct capture capture = {
		.work = be_program,
		.argument = (char *)(uintptr_t)words,
		.deadline = deadline,
		.streams = { { capture_all, &got->out },
		    { capture_head, &got->errors } },
	};
	struct err err = { 0 };

	got->how = capture_run(&capture, &err);
	got->status = capture.status;
	assert_int_equal(err.code, ERR_OK);
}

static void
drop(struct outcome *got)
{
	buf_free(&got->out);
	buf_free(&got->errors);
}

static void
test_takes_both_streams_and_the_status(void **state)
{
	struct outcome got = { .out = { .max = LARGE },
		.errors = { .max = LARGE } };

	(void)state;
	run(&got, "echo out; echo errors >&2; exit 7", INT64_MAX);
	assert_int_equal(got.how, CAPTURE_ENDED);
	assert_int_equal(WEXITSTATUS(got.status), 7);
	assert_string_equal(buf_str(&got.out), "out\n");
	assert_string_equal(buf_str(&got.errors), "errors\n");
	drop(&got);
}

static void
test_takes_all_of_a_long_output(void **state)
{
	struct outcome got = { .out = { .max = LARGE } };

	(void)state;
	run(&got, "head -c 100000 /dev/zero; kill -9 $$", INT64_MAX);
	assert_int_equal(got.how, CAPTURE_ENDED);
	assert_int_equal(WTERMSIG(got.status), SIGKILL);
	assert_int_equal(got.out.len, LARGE);
	drop(&got);
}

static void
test_ends_who_writes_too_much(void **state)
{
	struct outcome got = { .out = { .max = 10 }, .errors = { .max = 10 } };

	(void)state;
	run(&got, "while :; do echo much; done", INT64_MAX);
	assert_int_equal(got.how, CAPTURE_STOPPED);
	drop(&got);
}

static void
test_drops_what_is_over_a_ceiling(void **state)
{
	struct outcome got = { .errors = { .max = 10 } };

	(void)state;
	run(&got, "echo first >&2; head -c 100000 /dev/zero >&2", INT64_MAX);
	assert_int_equal(got.how, CAPTURE_ENDED);
	assert_int_equal(got.status, 0);
	assert_true(got.errors.len <= 10);
	drop(&got);
}

static void
test_kills_at_the_deadline(void **state)
{
	struct outcome got = { 0 };
	int64_t begin = clock_ms();

	(void)state;
	run(&got, "echo begun; sleep 60", clock_in(LATE_MS));
	assert_int_equal(got.how, CAPTURE_LATE);
	assert_string_equal(buf_str(&got.out), "begun\n");
	assert_true(clock_ms() - begin >= LATE_MS);
	assert_true(clock_ms() - begin < 20000);
	drop(&got);
}

/* A stream that somebody keeps open has no end. */
static void
test_does_not_wait_for_what_it_left(void **state)
{
	struct outcome got = { 0 };
	int64_t begin = clock_ms();

	(void)state;
	run(&got, "setsid sleep 5 & echo done", clock_in(60000));
	assert_int_equal(got.how, CAPTURE_ENDED);
	assert_string_equal(buf_str(&got.out), "done\n");
	assert_true(clock_ms() - begin < 4000);
	drop(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_both_streams_and_the_status),
		cmocka_unit_test(test_takes_all_of_a_long_output),
		cmocka_unit_test(test_ends_who_writes_too_much),
		cmocka_unit_test(test_drops_what_is_over_a_ceiling),
		cmocka_unit_test(test_kills_at_the_deadline),
		cmocka_unit_test(test_does_not_wait_for_what_it_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
