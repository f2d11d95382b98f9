/* SPDX-License-Identifier: MIT */
/* The watcher of the task: when there is one, and how it is started again. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "aws/task.h"
#include "base/clock.h"
#include "keep/watch.h"
#include "settings/config.h"
#include "work/work.h"

enum { LONG_MS = 20000, STEP_MS = 20, EVERY_MS = 3600000 };

/* The first is nobody's; the second is no task metadata of ECS. */
static char ecs[] = TASK_METADATA_VARIABLE "=http://169.254.170.2/v4/x";
static char other[] = TASK_METADATA_VARIABLE "=http://127.0.0.1/v4/x";
static char *vars[] = { ecs, NULL };
static struct config cfg;
static struct work work;
static struct watch watch;

static int
make(void **state)
{
	(void)state;
	vars[0] = ecs;
	cfg = (struct config){ .env = { vars }, .watch_ms = EVERY_MS };
	work = (struct work){ .cfg = &cfg };
	watch = (struct watch){ .deaths = 0 };
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	watch_end(&watch);
	assert_int_equal(watch.job.pid, 0);
	return 0;
}

/* Until its worker has ended, which is no order to stop. */
static void
drive(void)
{
	int64_t until = clock_in(LONG_MS);

	while (watch.job.active && clock_ms() < until) {
		struct pollfd wait = { watch.job.fd, POLLIN, 0 };

		(void)poll(&wait, 1, STEP_MS);
		assert_false(watch_step(&watch, &work));
	}
	assert_false(watch.job.active);
}

static void
test_not_without_a_reason(void **state)
{
	(void)state;
	assert_true(watch_due(&watch) == INT64_MAX);
	assert_false(watch_step(&watch, &work));
	vars[0] = NULL;
	watch_begin(&watch, &work);
	assert_false(watch.on);
	vars[0] = ecs;
	cfg.watch_ms = 0;
	watch_begin(&watch, &work);
	assert_true(watch_due(&watch) == INT64_MAX);
	assert_false(watch_step(&watch, &work));
	assert_false(watch.job.active);
}

static void
test_started_again_after_a_pause(void **state)
{
	(void)state;
	watch_begin(&watch, &work);
	assert_int_equal(watch_due(&watch), 0);
	for (int deaths = 1; deaths <= 3; deaths++) {
		watch.next = 0;
		assert_false(watch_step(&watch, &work));
		assert_true(watch.job.active);
		assert_true(watch_due(&watch) == INT64_MAX);
		assert_int_equal(kill(watch.job.pid, SIGKILL), 0);
		drive();
		assert_true(watch.on);
		assert_int_equal(watch.deaths, deaths);
		assert_true(watch_due(&watch) > clock_in(500 << (deaths - 1)));
		assert_true(watch_due(&watch) <= clock_in(500 << deaths));
	}
}

/* Asking in vain for ever would cost what nobody gains. */
static void
test_nothing_to_watch(void **state)
{
	(void)state;
	vars[0] = other;
	watch_begin(&watch, &work);
	assert_false(watch_step(&watch, &work));
	drive();
	assert_false(watch.on);
	assert_true(watch_due(&watch) == INT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_not_without_a_reason),
		TEST(test_started_again_after_a_pause),
		TEST(test_nothing_to_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
