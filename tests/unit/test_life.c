/* The phases of a node's course, as far as they need no network. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keep/course.h"
#include "keep/course_phases.h"
#include "settings/config.h"
#include "work/failure.h"
#include "work/journal.h"

#define NODE "mi-0123456789abcdef0"
#define UUID "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

enum { LONG_MS = 20000, STEP_MS = 20, DOWN_MS = 8000, GIVE_UP_MS = 3600000 };

static const char *const files[] = { "failure", "state.json" };
static char folder[64];
static struct config cfg;
static struct course course;
static struct err why;

static int
make(void **state)
{
	struct course_options options = {
		.cfg = &cfg, .agent = "/nonexistent/agent", .role = "Role"
	};

	(void)state;
	strcpy(folder, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(folder));
	cfg = (struct config){ .state_dir = folder,
		.down_timeout_ms = DOWN_MS,
		.give_up_ms = GIVE_UP_MS };
	course_init(&course, &options);
	err_clear(&why);
	err_set(&why, ERR_KIND_API, "because");
	return 0;
}

static int
clean(void **state)
{
	char path[128];
	pid_t pid = 0;

	(void)state;
	job_kill(&course.job);
	job_kill(&course.saver);
	do
		pid = waitpid(-1, NULL, 0);
	while (pid > 0);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

/* As a keeper does, until it is over or in the phase. */
static void
drive(enum course_phase phase)
{
	int64_t until = clock_in(LONG_MS);
	struct pollfd fds[COURSE_FDS];
	int status;
	pid_t pid;

	while (!course_over(&course) && clock_ms() < until) {
		course_step(&course);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			assert_true(course_reaped(&course, pid));
		if (course.phase == phase)
			return;
		(void)poll(fds, course_poll(&course, fds), STEP_MS);
	}
	assert_int_equal(course.phase, phase);
}

static bool
exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* The worker of the phase came to its end, or failed. */
static void
done(enum course_phase phase)
{
	course.phase = phase;
	course_phases[phase].done(&course);
}

static void
failed(enum course_phase phase)
{
	course.phase = phase;
	course_phases[phase].failed(&course, &why);
}

static void
failed_so(enum course_phase phase, enum err_retry retry)
{
	struct err err = why;

	err.retry = retry;
	course.phase = phase;
	course_phases[phase].failed(&course, &err);
}

static void
hold_node(void)
{
	strcpy(course.state.node, NODE);
}

static void
until_over(void)
{
	int64_t until = clock_in(LONG_MS);

	while (!course_over(&course) && clock_ms() < until) {
		course_step(&course);
		(void)poll(NULL, 0, STEP_MS);
	}
	assert_true(course_over(&course));
	assert_int_equal(course.phase, COURSE_DOWN);
}

static void
test_begin(void **state)
{
	struct pollfd fds[COURSE_FDS];

	(void)state;
	assert_int_equal(course.phase, COURSE_OFF);
	assert_false(course_over(&course));
	assert_int_equal(course_poll(&course, fds), 0);
	assert_true(course_due(&course) == INT64_MAX);
	course_start(&course);
	assert_int_equal(course.phase, COURSE_PREPARE);
	assert_true(course.give_up_at <= clock_in(GIVE_UP_MS));
	assert_true(course.give_up_at > clock_in(GIVE_UP_MS - LONG_MS));
}

/* Nothing is done, and why is written down. */
static void
test_refused(void **state)
{
	struct err note = { 0 };

	(void)state;
	course_refuse(&course, &why);
	assert_false(course_over(&course));
	until_over();
	assert_int_equal(failure_load(&cfg, &note, &why), 0);
	assert_string_equal(note.msg, "because");
}

/* Somebody else keeps the folder: nothing is written there. */
static void
test_refused_quietly(void **state)
{
	(void)state;
	course.quiet = true;
	course_refuse(&course, &why);
	course_step(&course);
	assert_true(course_over(&course));
	assert_false(exists("failure"));
}

static void
test_stopped_before_anything(void **state)
{
	(void)state;
	course_stop(&course);
	assert_true(course.stopping);
	assert_int_equal(course.phase, COURSE_DOWN);
	until_over();
	assert_false(exists("failure"));
}

/* What is settled is forgotten, what is not is removed first. */
static void
test_stopped_while_up(void **state)
{
	(void)state;
	course.phase = COURSE_UP;
	course_stop(&course);
	assert_int_equal(course.phase, COURSE_FORGET);
	assert_true(course.stop_by <= clock_in(DOWN_MS));
	until_over();
	course.phase = COURSE_UP;
	course.stopping = false;
	hold_node();
	course_stop(&course);
	assert_int_equal(course.phase, COURSE_REMOVE);
	/* Once is enough, but it makes a failed start hurry. */
	course.phase = COURSE_UP;
	course.stop_by = clock_in((int64_t)LONG_MS * 10);
	course_stop(&course);
	assert_int_equal(course.phase, COURSE_UP);
	assert_true(course.stop_by <= clock_in(DOWN_MS));
}

/* A worker in the middle of a call gets half of the time. */
static void
test_stopped_at_work(void **state)
{
	(void)state;
	course.phase = COURSE_REGISTER;
	course.begun = true;
	course.job.deadline = clock_in((int64_t)LONG_MS * 10);
	course_stop(&course);
	assert_int_equal(course.phase, COURSE_REGISTER);
	assert_true(course.job.deadline <= clock_in(DOWN_MS / 2));
	/* One that has less keeps what it has. */
	course.stopping = false;
	course.job.deadline = clock_in(STEP_MS);
	course_stop(&course);
	assert_true(course.job.deadline <= clock_in(STEP_MS));
	/* Whatever comes of it, the way is down, and the time is the same. */
	hold_node();
	done(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_REMOVE);
	failed(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_true(course.stop_by <= clock_in(DOWN_MS));
}

static void
test_go_while_stopping(void **state)
{
	(void)state;
	course.stopping = true;
	course_move_to(&course, COURSE_INSTALL);
	assert_int_equal(course.phase, COURSE_FORGET);
	course.state.unsettled = true;
	course_move_to(&course, COURSE_START);
	assert_int_equal(course.phase, COURSE_REMOVE);
	course_move_to(&course, COURSE_FORGET);
	assert_int_equal(course.phase, COURSE_FORGET);
	course_move_to(&course, COURSE_DOWN);
	assert_int_equal(course.phase, COURSE_DOWN);
	assert_false(course.begun);
}

static void
test_clear(void **state)
{
	const struct state left = { .node = NODE, .begun = true };

	(void)state;
	course_clear(&course, &left, true);
	assert_false(course.state.begun);
	course_clear(&course, &left, false);
	assert_true(course.state.begun);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_true(course.stopping);
	assert_string_equal(course.state.node, NODE);
	done(COURSE_REMOVE);
	assert_int_equal(course.phase, COURSE_FORGET);
	done(COURSE_FORGET);
	assert_int_equal(course.phase, COURSE_DOWN);
}

static void
test_preparing(void **state)
{
	(void)state;
	strcpy(course.verdict, "fresh");
	course.state.unsettled = true;
	done(COURSE_PREPARE);
	assert_int_equal(course.phase, COURSE_REGISTER);
	assert_false(course.state.unsettled);
	strcpy(course.verdict, "reuse");
	done(COURSE_PREPARE);
	assert_int_equal(course.phase, COURSE_CHECK);
	assert_true(course.reused);
	strcpy(course.verdict, "leftover");
	done(COURSE_PREPARE);
	assert_int_equal(course.phase, COURSE_FORGET);
	hold_node();
	done(COURSE_PREPARE);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_true(course.leftover);
	/* Then it begins anew. */
	done(COURSE_REMOVE);
	done(COURSE_FORGET);
	assert_int_equal(course.phase, COURSE_PREPARE);
	assert_false(course.leftover);
	assert_string_equal(course.state.node, "");
	/* What is on disk is somebody else's, and stays. */
	failed(COURSE_PREPARE);
	assert_int_equal(course.phase, COURSE_DOWN);
	assert_string_equal(course.last.msg, "because");
}

static void
test_checking(void **state)
{
	(void)state;
	hold_node();
	done(COURSE_CHECK);
	assert_int_equal(course.phase, COURSE_START);
	failed(COURSE_CHECK);
	assert_int_equal(course.phase, COURSE_START);
	course.refused = true;
	done(COURSE_CHECK);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_true(course.leftover);
	/* Doubts come while it is up, else they are old. */
	course.phase = COURSE_START;
	course_doubt(&course);
	assert_int_equal(course.phase, COURSE_START);
	course.phase = COURSE_UP;
	course_doubt(&course);
	assert_int_equal(course.phase, COURSE_CHECK);
}

static void
test_registering(void **state)
{
	(void)state;
	done(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_INSTALL);
	course.delegated = true;
	done(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_DELEGATE);
	done(COURSE_DELEGATE);
	assert_int_equal(course.phase, COURSE_INSTALL);
	assert_true(course.state.installed);
	assert_true(course.unsaved);
	done(COURSE_INSTALL);
	assert_int_equal(course.phase, COURSE_START);
}

/* Tried again where that may help, as long as there is time. */
static void
test_tries(void **state)
{
	(void)state;
	course.started_at = clock_ms();
	course.give_up_at = clock_in(GIVE_UP_MS);
	why.retry = ERR_TRANSIENT;
	failed(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_WAIT);
	assert_false(course.stopping);
	assert_true(course.retry_at > clock_ms());
	assert_true(course.retry_at <= clock_in(1500));
	assert_true(course_due(&course) == course.retry_at);
	assert_string_equal(course.last.msg, "because");
	course.give_up_at = clock_ms();
	failed(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_FORGET);
	assert_true(course.stopping);
}

static void
test_pauses(void **state)
{
	const int64_t least = 1500, most = 50000;

	(void)state;
	assert_int_equal(course_phases_pause(0, 0), least * 2 / 5);
	assert_int_equal(course_phases_pause(least / 2, 0), least * 2 / 5);
	assert_in_range(course_phases_pause(0, 0.999999), least - 1, least);
	assert_int_equal(course_phases_pause(10000, 0), 8000);
	assert_int_equal(course_phases_pause(10000, 0.5), 14000);
	assert_int_equal(course_phases_pause(most / 2, 0), most * 2 / 5);
	assert_int_equal(course_phases_pause(most * 100, 0), most * 2 / 5);
	assert_in_range(course_phases_pause(most * 100, 0.999999), most - 1,
	    most);
}

static void
test_no_other_try(void **state)
{
	(void)state;
	course.give_up_at = clock_in(GIVE_UP_MS);
	why.retry = ERR_FINAL;
	failed(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_FORGET);
	/* A node that exists is not made once more. */
	course.stopping = false;
	why.retry = ERR_TRANSIENT;
	hold_node();
	failed(COURSE_REGISTER);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_true(course.stopping);
}

static void
test_wait_ends(void **state)
{
	(void)state;
	course.phase = COURSE_WAIT;
	course.begun = true;
	course.retry_at = clock_in(LONG_MS);
	course_step(&course);
	assert_int_equal(course.phase, COURSE_WAIT);
	course_stop(&course);
	assert_int_equal(course.phase, COURSE_FORGET);
}

static void
test_agent(void **state)
{
	(void)state;
	course.phase = COURSE_INSTALL;
	course_agent_runs(&course);
	assert_int_equal(course.phase, COURSE_INSTALL);
	course.phase = COURSE_START;
	course.last = why;
	course_agent_runs(&course);
	assert_int_equal(course.phase, COURSE_UP);
	assert_int_equal(course.last.kind, ERR_KIND_NONE);
	hold_node();
	course_agent_lost(&course, &why);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_string_equal(course.last.msg, "because");
	course.phase = COURSE_DOWN;
	course_agent_lost(&course, &why);
	assert_int_equal(course.phase, COURSE_DOWN);
}

static void
test_failures_on_the_way_down(void **state)
{
	(void)state;
	hold_node();
	failed(COURSE_INSTALL);
	assert_int_equal(course.phase, COURSE_REMOVE);
	/* On disk it stays, for the next start. */
	failed(COURSE_REMOVE);
	assert_int_equal(course.phase, COURSE_DOWN);
	failed(COURSE_FORGET);
	assert_int_equal(course.phase, COURSE_DOWN);
	/* A leftover that cannot be removed keeps nobody from starting: it is
	 * tried again where that may help. */
	course.stopping = false;
	course.leftover = true;
	course.give_up_at = clock_in(LONG_MS);
	failed_so(COURSE_REMOVE, ERR_TRANSIENT);
	assert_int_equal(course.phase, COURSE_WAIT);
	failed_so(COURSE_REMOVE, ERR_FINAL);
	assert_int_equal(course.phase, COURSE_FORGET);
	failed(COURSE_FORGET);
	assert_true(course.stopping);
}

static void
tells(const void *input, int out)
{
	(void)input;
	(void)journal_send(out, JOURNAL_REGION, "eu-west-1", NULL, NULL);
	(void)journal_send(out, JOURNAL_ACTIVATION, UUID, NULL, NULL);
	(void)journal_send(out, JOURNAL_NO_ACTIVATION, UUID, NULL, NULL);
	(void)journal_send(out, JOURNAL_NODE, NODE, NULL, NULL);
	journal_finish(out, 0, NULL);
}

/* Records change the state, which is saved; then the next phase comes. */
static void
test_records_are_saved(void **state)
{
	struct job_spec spec = {
		.name = "test", .work = tells, .tells = UINT32_MAX
	};
	int64_t until = clock_in(LONG_MS);
	struct state disk = { 0 };
	struct err err = { 0 };
	char path[128];

	(void)state;
	spec.deadline = clock_in(LONG_MS);
	course.phase = COURSE_INSTALL;
	course.begun = true;
	assert_int_equal(job_start(&course.job, &spec, &err), 0);
	drive(COURSE_START);
	assert_string_equal(course.state.node, NODE);
	assert_string_equal(course.state.region, "eu-west-1");
	assert_string_equal(course.state.activation, "");
	while ((course.unsaved || course.saver.active) && clock_ms() < until) {
		course_step(&course);
		(void)poll(NULL, 0, STEP_MS);
	}
	snprintf(path, sizeof path, "%s/state.json", folder);
	assert_int_equal(state_load(&disk, path, &err), 0);
	assert_string_equal(disk.node, NODE);
}

static void
dies(const void *input, int out)
{
	(void)input;
	(void)journal_send(out, JOURNAL_NODE, NODE, NULL, NULL);
	(void)raise(SIGKILL);
}

/* What it had made is known, and removed. */
static void
test_worker_that_dies(void **state)
{
	struct job_spec spec = {
		.name = "test", .work = dies, .tells = UINT32_MAX
	};
	struct journal_entry record;
	struct err err = { 0 };
	pid_t pid;

	(void)state;
	spec.deadline = clock_in(LONG_MS);
	course.phase = COURSE_REGISTER;
	course.begun = true;
	course.give_up_at = clock_in(GIVE_UP_MS);
	assert_int_equal(job_start(&course.job, &spec, &err), 0);
	pid = course.job.pid;
	while (waitpid(pid, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(course_reaped(&course, pid));
	assert_int_equal(job_next(&course.job, &record), 1);
	assert_true(journal_apply(&course.state, &record));
	assert_int_equal(job_next(&course.job, &record), 1);
	assert_int_equal(record.type, JOURNAL_FAILED);
	course_phases[COURSE_REGISTER].failed(&course, &record.err);
	assert_int_equal(course.phase, COURSE_REMOVE);
	assert_string_equal(course.state.node, NODE);
}

static void
test_names(void **state)
{
	(void)state;
	for (int phase = 0; phase < COURSE_PHASES; phase++) {
		const char *name = course_move_name((enum course_phase)phase);

		assert_non_null(name);
		/* It goes into struct control_status. */
		assert_true(strlen(name) > 0 && strlen(name) < 16);
	}
	assert_string_equal(course_move_name(COURSE_UP), "up");
}

#define COURSE_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		COURSE_TEST(test_begin),
		COURSE_TEST(test_refused),
		COURSE_TEST(test_refused_quietly),
		COURSE_TEST(test_stopped_before_anything),
		COURSE_TEST(test_stopped_while_up),
		COURSE_TEST(test_stopped_at_work),
		COURSE_TEST(test_go_while_stopping),
		COURSE_TEST(test_clear),
		COURSE_TEST(test_preparing),
		COURSE_TEST(test_checking),
		COURSE_TEST(test_registering),
		COURSE_TEST(test_tries),
		cmocka_unit_test(test_pauses),
		COURSE_TEST(test_no_other_try),
		COURSE_TEST(test_wait_ends),
		COURSE_TEST(test_agent),
		COURSE_TEST(test_failures_on_the_way_down),
		COURSE_TEST(test_records_are_saved),
		COURSE_TEST(test_worker_that_dies),
		cmocka_unit_test(test_names),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
