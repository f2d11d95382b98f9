/* SPDX-License-Identifier: MIT */
/* Access on demand: which version of the parameter opens, closes, or neither;
 * the pauses between two reads. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "keep/demand.h"
#include "keep/life.h"
#include "settings/config.h"

enum {
	EVERY_MS = 60000,
	TWICE_MS = 2 * EVERY_MS,
	FOURFOLD_MS = 4 * EVERY_MS,
	TTL_MS = 3600000,
	GRACE_MS = 5000,
	SLACK_MS = 5000,
	LONG_MS = 20000
};

static struct config cfg;
static struct life life;
static struct demand demand;
static int told; /* the worker's end of its pipe */

static int
make(void **state)
{
	struct life_options options = { .cfg = &cfg, .role = "Role" };

	(void)state;
	cfg = (struct config){ .demand = "ssm:/x",
		.demand_every_ms = EVERY_MS,
		.ttl_ms = TTL_MS,
		.ttl_grace_ms = GRACE_MS,
		.state_dir = "/nowhere" };
	life_init(&life, &options);
	demand = (struct demand){ .on = false };
	demand_begin(&demand, &life);
	/* As once what a predecessor left is removed. */
	life.at = LIFE_PREPARE;
	life_table_happen(&life, LIFE_NOT_ASKED, NULL);
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	demand_end(&demand);
	job_kill(&life.job);
	return 0;
}

/* A worker of ours, which says what the test wants. */
static void
begin_read(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	told = fds[1];
	demand.job = (struct job){ .name = "test",
		.fd = fds[0],
		.log.fd = -1,
		.tells = JOURNAL_BIT(JOURNAL_WISH),
		.deadline = INT64_MAX,
		.active = true };
}

static void
end_read(const struct err *why)
{
	job_send(told, why == NULL ? JOURNAL_DONE : JOURNAL_FAILED, NULL, NULL,
	    why);
	close(told);
	for (int i = 0; i < 4; i++)
		demand_step(&demand, &life);
	assert_false(demand.job.active);
}

/* The parameter is read once; ago: written so many ms before the container
 * started. */
static void
read_it(uint64_t version, int64_t ago, uint64_t until)
{
	struct wish wish = { version, demand.since - (uint64_t)ago, until };
	char text[WISH_TEXT_SIZE];

	begin_read();
	wish_text(text, &wish);
	assert_int_equal(job_tell(told, JOURNAL_WISH, text, NULL), 0);
	end_read(NULL);
}

static void
fail_with(const char *code)
{
	struct err why = { 0 };

	err_set(&why, ERR_KIND_API, "no");
	slice_copy(slice_of(code), why.peer_code, sizeof why.peer_code);
	begin_read();
	end_read(&why);
}

/* The node has come and gone. */
static void
rest_again(void)
{
	assert_false(life_rests(&life));
	life_renew(&life);
	assert_true(life_rests(&life));
}

static void
test_begin(void **state)
{
	(void)state;
	assert_true(life_rests(&life));
	assert_true(demand_waits(&demand, &life));
	assert_true(demand.next <= clock_in(EVERY_MS));
	assert_true(demand_due(&demand, &life) == demand.next);
	demand_end(&demand);
	assert_true(demand_due(&demand, &life) == INT64_MAX);
	demand_ask(&demand, &life);
	demand_step(&demand, &life);
	assert_true(life_rests(&life));
}

/* Each version once, and only one that was written since we are here. */
static void
test_a_version_opens_once(void **state)
{
	(void)state;
	read_it(1, 1, WISH_ON);
	assert_true(demand_waits(&demand, &life));
	read_it(1, 1, WISH_ON);
	assert_true(demand_waits(&demand, &life));
	read_it(2, -1000, WISH_ON);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_false(life.work.idle);
	rest_again();
	read_it(2, -1000, WISH_ON);
	assert_true(demand_waits(&demand, &life));
	/* It was deleted and made again. */
	read_it(2, -2000, WISH_ON);
	rest_again();
}

static void
test_the_first_read_may_open(void **state)
{
	(void)state;
	read_it(9, -1000, WISH_ON);
	assert_false(life_rests(&life));
}

static void
test_a_time_is_for_late_ones_too(void **state)
{
	uint64_t end = (uint64_t)clock_now() + 600;

	(void)state;
	read_it(1, 86400000, end);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_int_equal(life.ttl.asked, end);
	rest_again();
	read_it(1, 86400000, end);
	assert_true(demand_waits(&demand, &life));
}

static void
test_absent_is_known(void **state)
{
	(void)state;
	begin_read();
	assert_int_equal(job_tell(told, JOURNAL_WISH, "0 0 0", NULL), 0);
	end_read(NULL);
	assert_true(demand.read);
	/* Its clock may be behind ours. */
	read_it(1, 1000, WISH_ON);
	assert_false(life_rests(&life));
}

static void
test_neither(void **state)
{
	(void)state;
	read_it(1, -1, WISH_NONE);
	read_it(2, -1, WISH_ODD);
	read_it(3, -1, WISH_OFF);
	assert_true(demand_waits(&demand, &life));
	assert_true(life.ttl.next == 0);
}

/* While it is up: its time anew, another end, or now. */
static void
test_while_up(void **state)
{
	uint64_t end = (uint64_t)clock_now() + 7200;

	(void)state;
	read_it(1, -1, WISH_ON);
	life.at = LIFE_UP;
	ttl_begin(&life.ttl, &cfg, "mi-1");
	read_it(2, -2, end);
	assert_int_equal(life.ttl.until, end);
	assert_int_equal(life.at, LIFE_UP);
	read_it(3, -3, WISH_ON);
	assert_true(life.ttl.until <= clock_now() + TTL_MS / 1000);
	/* Somebody else's wish, or a mistake, ends nobody. */
	read_it(4, -4, WISH_NONE);
	read_it(5, -5, WISH_ODD);
	fail_with("AccessDeniedException");
	assert_true(life.ttl.next > clock_in(TTL_MS / 2));
	read_it(6, -6, WISH_OFF);
	assert_true(life.ttl.cut);
	assert_true(life.ttl.next <= clock_ms());
	assert_true(life.ttl.latest <= clock_in(GRACE_MS));
	assert_false(life.stopping);
}

/* What is asked while one ends comes after its end; `off` takes it back. */
static void
test_while_it_ends(void **state)
{
	(void)state;
	life.at = LIFE_REMOVE;
	life.stopping = true;
	read_it(1, -1, WISH_ON);
	assert_true(demand.wanted);
	assert_int_equal(life.at, LIFE_REMOVE);
	read_it(2, -2, WISH_OFF);
	assert_false(demand.wanted);
	demand_ask(&demand, &life);
	assert_true(demand.wanted);
	life_renew(&life);
	assert_true(demand_due(&demand, &life) == 0);
	demand_step(&demand, &life);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_false(demand.wanted);
}

/* What a predecessor left is removed first. */
static void
test_up_at_once(void **state)
{
	(void)state;
	life.at = LIFE_PREPARE;
	demand_ask(&demand, &life);
	assert_true(demand.wanted);
	assert_false(demand_waits(&demand, &life));
	demand_step(&demand, &life);
	assert_true(life.work.idle);
	life_table_happen(&life, LIFE_NOT_ASKED, NULL);
	demand_step(&demand, &life);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_false(life.work.idle);
}

/* `up` does not move the end of a node that is up. */
static void
test_up(void **state)
{
	(void)state;
	demand_ask(&demand, &life);
	assert_false(demand_waits(&demand, &life));
	demand_step(&demand, &life);
	assert_int_equal(life.at, LIFE_PREPARE);
	life.at = LIFE_UP;
	demand_ask(&demand, &life);
	assert_false(demand.wanted);
}

/* In three quarters of so long, or all of it. */
static void
next_in(int64_t most)
{
	assert_true(demand.next >= clock_in(most * 3 / 4 - SLACK_MS));
	assert_true(demand.next <= clock_in(most));
}

static void
test_pauses(void **state)
{
	(void)state;
	read_it(1, 1, WISH_OFF);
	next_in(EVERY_MS);
	fail_with("ThrottlingException");
	assert_true(demand.warned);
	next_in(TWICE_MS);
	fail_with("ThrottlingException");
	next_in(FOURFOLD_MS);
	for (int i = 0; i < 100; i++)
		fail_with("AccessDeniedException");
	next_in(DEMAND_MAX_MS);
	fail_with(WISH_ABSENT);
	next_in(EVERY_MS);
	assert_true(demand.warned);
	read_it(1, 1, WISH_OFF);
	assert_false(demand.warned);
}

static void
test_bounds_of_the_interval(void **state)
{
	(void)state;
	cfg.demand_every_ms = 0;
	read_it(1, 1, WISH_OFF);
	next_in(DEMAND_MIN_MS);
	assert_true(demand.next > clock_ms());
	cfg.demand_every_ms = TTL_MS;
	fail_with("ThrottlingException");
	next_in(TTL_MS);
}

/* Without AWS the worker comes back with the reason. */
static void
test_worker(void **state)
{
	int64_t until = clock_in(LONG_MS);

	(void)state;
	demand.next = clock_ms();
	demand_step(&demand, &life);
	assert_true(demand.job.active);
	while (demand.job.active && clock_ms() < until) {
		struct pollfd wait = { demand.job.fd, POLLIN, 0 };

		(void)poll(&wait, 1, 20);
		demand_step(&demand, &life);
	}
	assert_false(demand.job.active);
	assert_int_equal(demand.failures, 1);
	assert_true(demand_waits(&demand, &life));
}

static void
test_no_parameter_is_not_read(void **state)
{
	(void)state;
	cfg.demand = NULL;
	demand = (struct demand){ .on = false };
	life_renew(&life);
	demand_begin(&demand, &life);
	assert_true(demand.next == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin, make, clean),
		cmocka_unit_test_setup_teardown(test_a_version_opens_once, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_the_first_read_may_open,
		    make, clean),
		cmocka_unit_test_setup_teardown(
		    test_a_time_is_for_late_ones_too, make, clean),
		cmocka_unit_test_setup_teardown(test_absent_is_known, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_neither, make, clean),
		cmocka_unit_test_setup_teardown(test_while_up, make, clean),
		cmocka_unit_test_setup_teardown(test_while_it_ends, make,
		    clean),
		cmocka_unit_test_setup_teardown(test_up, make, clean),
		cmocka_unit_test_setup_teardown(test_up_at_once, make, clean),
		cmocka_unit_test_setup_teardown(test_pauses, make, clean),
		cmocka_unit_test_setup_teardown(test_bounds_of_the_interval,
		    make, clean),
		cmocka_unit_test_setup_teardown(test_worker, make, clean),
		cmocka_unit_test_setup_teardown(test_no_parameter_is_not_read,
		    make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
