/* SPDX-License-Identifier: MIT */
/* The life of a node, as far as it needs no network. */
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
#include "keep/life.h"
#include "keep/life_table.h"
#include "settings/config.h"
#include "unit/folder.h"
#include "work/failure.h"
#include "work/job.h"

#define NODE "mi-0123456789abcdef0"
#define UUID "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"

enum { LONG_MS = 20000, STEP_MS = 20, DOWN_MS = 8000, GIVE_UP_MS = 3600000 };

static const char *const files[] = { "failure", "state.json" };
static char home[64];
static struct config cfg;
static struct life life;
static struct err why;

static int
make(void **state)
{
	struct life_options options = { .cfg = &cfg, .role = "Role" };

	(void)state;
	strcpy(home, "/tmp/ssm-activate-unit-XXXXXX");
	assert_non_null(mkdtemp(home));
	cfg = (struct config){ .state_dir = home,
		.down_timeout_ms = DOWN_MS,
		.give_up_ms = GIVE_UP_MS };
	life_init(&life, &options);
	err_clear(&why);
	err_set(&why, ERR_KIND_API, "because");
	return 0;
}

static int
clean(void **state)
{
	(void)state;
	job_kill(&life.job);
	job_kill(&life.saver.job);
	return folder_drop(home, files, sizeof files / sizeof files[0]);
}

/* As a keeper does, until it is over or in the state. */
static void
drive(enum life_state at)
{
	int64_t until = clock_in(LONG_MS);
	struct pollfd fds[LIFE_FDS];
	int status;
	pid_t pid;

	while (!life_over(&life) && clock_ms() < until) {
		life_step(&life);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			assert_true(life_reaped(&life, pid));
		if (life.at == at)
			return;
		(void)poll(fds, life_poll(&life, fds), STEP_MS);
	}
	assert_int_equal(life.at, at);
}

static bool
exists(const char *name)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", home, name);
	return access(path, F_OK) == 0;
}

/* The worker of the state came to its end, or failed. */
static void
done(enum life_state at, enum life_event outcome)
{
	life.at = at;
	life.outcome = outcome;
	life_table_happen(&life, life_table_end(&life, NULL), NULL);
}

static void
failed_so(enum life_state at, enum err_retry retry)
{
	struct err err = why;

	err.retry = retry;
	life.at = at;
	life_table_happen(&life, life_table_end(&life, &err), &err);
}

static void
failed(enum life_state at)
{
	failed_so(at, why.retry);
}

static void
hold_node(void)
{
	strcpy(life.state.node, NODE);
}

static void
until_over(void)
{
	int64_t until = clock_in(LONG_MS);

	while (!life_over(&life) && clock_ms() < until) {
		life_step(&life);
		(void)poll(NULL, 0, STEP_MS);
	}
	assert_true(life_over(&life));
	assert_int_equal(life.at, LIFE_OVER);
}

static void
test_begin(void **state)
{
	struct pollfd fds[LIFE_FDS];

	(void)state;
	assert_int_equal(life.at, LIFE_WAIT);
	assert_false(life_over(&life));
	assert_int_equal(life_poll(&life, fds), 0);
	assert_true(life_due(&life) == INT64_MAX);
	life_step(&life);
	assert_int_equal(life.at, LIFE_WAIT);
	life_start(&life);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_true(life.give_up_at <= clock_in(GIVE_UP_MS));
	assert_true(life.give_up_at > clock_in(GIVE_UP_MS - LONG_MS));
}

/* Nothing is done, and why is written down. */
static void
test_barred(void **state)
{
	struct err note = { 0 };

	(void)state;
	life_bar(&life, &why);
	assert_false(life_over(&life));
	until_over();
	assert_int_equal(failure_load(&cfg, &note, &why), 0);
	assert_string_equal(note.msg, "because");
	/* Another reason later is not written down. */
	err_clear(&why);
	err_set(&why, ERR_KIND_API, "late");
	life_bar(&life, &why);
	assert_true(life_over(&life));
	assert_string_equal(life.last.msg, "late");
}

/* Somebody else keeps the folder: nothing is written there. */
static void
test_barred_from_disk(void **state)
{
	(void)state;
	life.close = LIFE_NOTHING;
	life_bar(&life, &why);
	life_step(&life);
	assert_true(life_over(&life));
	assert_false(exists("failure"));
}

static void
test_stopped_before_anything(void **state)
{
	(void)state;
	life_stop(&life);
	assert_true(life.stopping);
	assert_int_equal(life.at, LIFE_REMOVE);
	until_over();
	assert_false(exists("failure"));
}

/* What is settled is forgotten, what is not is removed first. */
static void
test_stopped_while_up(void **state)
{
	(void)state;
	life.at = LIFE_UP;
	life_stop(&life);
	assert_true(life.stop_by <= clock_in(DOWN_MS));
	life_step(&life);
	assert_int_equal(life.at, LIFE_CLOSE);
	until_over();
	life.at = LIFE_UP;
	life.stopping = false;
	hold_node();
	life_stop(&life);
	assert_int_equal(life.at, LIFE_REMOVE);
	/* Once is enough, but it makes a failed start hurry. */
	life.stop_by = clock_in((int64_t)LONG_MS * 10);
	life_stop(&life);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_true(life.stop_by <= clock_in(DOWN_MS));
}

/* A worker in the middle of a call gets half of the time. */
static void
test_stopped_at_work(void **state)
{
	(void)state;
	life.at = LIFE_REGISTER;
	life.begun = true;
	life.job.deadline = clock_in((int64_t)LONG_MS * 10);
	life_stop(&life);
	assert_int_equal(life.at, LIFE_REGISTER);
	assert_true(life.job.deadline <= clock_in(DOWN_MS / 2));
	/* One that has less keeps what it has. */
	life.stopping = false;
	life.job.deadline = clock_in(STEP_MS);
	life_stop(&life);
	assert_true(life.job.deadline <= clock_in(STEP_MS));
	/* Whatever comes of it, the way is down, and the time is the same. */
	hold_node();
	done(LIFE_REGISTER, LIFE_HANDED_OVER);
	assert_int_equal(life.at, LIFE_REMOVE);
	failed_so(LIFE_REGISTER, ERR_TRANSIENT);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_true(life.stop_by <= clock_in(DOWN_MS));
	assert_string_equal(life.last.msg, "because");
}

/* What was not begun when the stop came is not begun, but the look at what an
 * earlier start left, which must not be forgotten unseen. */
static void
test_not_begun_when_stopped(void **state)
{
	static const enum life_state late[] = { LIFE_REGISTER, LIFE_DELEGATE,
		LIFE_INSTALL };

	(void)state;
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		life.at = late[i];
		life.begun = false;
		life.stopping = true;
		life_step(&life);
		assert_int_equal(life.at, LIFE_CLOSE);
		assert_true(life.begun);
		job_kill(&life.job);
	}
	life.at = LIFE_PREPARE;
	life.begun = false;
	life_step(&life);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_true(life.job.active);
}

static void
test_clear(void **state)
{
	const struct state left = { .node = NODE, .begun = true };

	(void)state;
	life_clear(&life, &left, true);
	assert_false(life.state.begun);
	life_init(&life, &(struct life_options){ .cfg = &cfg });
	life_clear(&life, &left, false);
	assert_true(life.state.begun);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_true(life.stopping);
	assert_string_equal(life.state.node, NODE);
	done(LIFE_REMOVE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_CLOSE);
	assert_int_equal(life.close, LIFE_FORGET);
	done(LIFE_CLOSE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_OVER);
}

static void
test_preparing(void **state)
{
	(void)state;
	done(LIFE_PREPARE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_REGISTER);
	hold_node();
	done(LIFE_PREPARE, LIFE_LEFTOVER);
	assert_int_equal(life.at, LIFE_REMOVE);
	/* Then it begins anew. */
	done(LIFE_REMOVE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_CLOSE);
	done(LIFE_CLOSE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_PREPARE);
	assert_string_equal(life.state.node, "");
	assert_false(life.stopping);
	/* What is on disk is somebody else's, and stays. */
	failed_so(LIFE_PREPARE, ERR_TRANSIENT);
	assert_int_equal(life.at, LIFE_CLOSE);
	assert_int_equal(life.close, LIFE_NOTE);
	assert_string_equal(life.last.msg, "because");
}

/* A registration of this container is only asked for. */
static void
test_asking(void **state)
{
	(void)state;
	hold_node();
	life.state.installed = true;
	done(LIFE_REGISTER, LIFE_ACCEPTED);
	assert_int_equal(life.at, LIFE_START);
	assert_true(life_reuses(&life));
	/* The agent will find out by itself. */
	life.outcome = LIFE_DONE;
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_START);
	assert_false(life.stopping);
	assert_true(life_reuses(&life));
	done(LIFE_REGISTER, LIFE_REFUSED);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_false(life.stopping);
	/* Doubts come while it is up, else they are old. */
	life.at = LIFE_START;
	life_doubt(&life);
	assert_int_equal(life.at, LIFE_START);
	life.at = LIFE_UP;
	life_doubt(&life);
	assert_int_equal(life.at, LIFE_REGISTER);
	/* Whether it can be asked or not, a stop removes it. */
	life.stopping = true;
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_int_equal(life.last.code, ERR_OK);
}

static void
test_registering(void **state)
{
	(void)state;
	done(LIFE_REGISTER, LIFE_DONE);
	assert_int_equal(life.at, LIFE_INSTALL);
	assert_true(life.state.begun);
	done(LIFE_REGISTER, LIFE_HANDED_OVER);
	assert_int_equal(life.at, LIFE_DELEGATE);
	life.saver.due = false;
	done(LIFE_DELEGATE, LIFE_DONE);
	assert_int_equal(life.at, LIFE_INSTALL);
	assert_true(life.state.installed);
	assert_true(life.saver.due);
	done(LIFE_INSTALL, LIFE_DONE);
	assert_int_equal(life.at, LIFE_START);
	assert_false(life_reuses(&life));
}

/* Tried again where that may help, as long as there is time. */
static void
test_tries(void **state)
{
	(void)state;
	life.started_at = clock_ms();
	life.give_up_at = clock_in(GIVE_UP_MS);
	why.retry = ERR_TRANSIENT;
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_WAIT);
	assert_false(life.stopping);
	assert_true(life.retry_at > clock_ms());
	assert_true(life.retry_at <= clock_in(1500));
	assert_true(life_due(&life) == life.retry_at);
	assert_string_equal(life.last.msg, "because");
	life.give_up_at = clock_ms();
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_true(life.stopping);
}

static void
test_pauses(void **state)
{
	const int64_t least = 1500, most = 50000;

	(void)state;
	assert_int_equal(life_table_pause(0, 0), least * 2 / 5);
	assert_int_equal(life_table_pause(least / 2, 0), least * 2 / 5);
	assert_in_range(life_table_pause(0, 0.999999), least - 1, least);
	assert_int_equal(life_table_pause(10000, 0), 8000);
	assert_int_equal(life_table_pause(10000, 0.5), 14000);
	assert_int_equal(life_table_pause(most / 2, 0), most * 2 / 5);
	assert_int_equal(life_table_pause(most * 100, 0), most * 2 / 5);
	assert_in_range(life_table_pause(most * 100, 0.999999), most - 1, most);
}

static void
test_no_other_try(void **state)
{
	static const enum life_state once[] = { LIFE_DELEGATE, LIFE_INSTALL };

	(void)state;
	life.give_up_at = clock_in(GIVE_UP_MS);
	why.retry = ERR_FINAL;
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_REMOVE);
	/* A node that exists is not made once more. */
	life.stopping = false;
	why.retry = ERR_TRANSIENT;
	hold_node();
	failed(LIFE_REGISTER);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_true(life.stopping);
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		life.stopping = false;
		failed(once[i]);
		assert_int_equal(life.at, LIFE_REMOVE);
		assert_true(life.stopping);
	}
}

static void
test_wait_ends(void **state)
{
	(void)state;
	life.at = LIFE_WAIT;
	life.retry_at = clock_in(LONG_MS);
	life_step(&life);
	assert_int_equal(life.at, LIFE_WAIT);
	life.retry_at = clock_ms();
	life.saver.due = true; /* so that PREPARE is not begun */
	life_step(&life);
	assert_int_equal(life.at, LIFE_PREPARE);
	life.at = LIFE_WAIT;
	life_stop(&life);
	assert_int_equal(life.at, LIFE_REMOVE);
}

static void
test_agent(void **state)
{
	(void)state;
	life.at = LIFE_INSTALL;
	life_agent_runs(&life);
	assert_int_equal(life.at, LIFE_INSTALL);
	life_agent_lost(&life, &why);
	assert_int_equal(life.at, LIFE_INSTALL);
	life.at = LIFE_START;
	life.last = why;
	life_agent_runs(&life);
	assert_int_equal(life.at, LIFE_UP);
	assert_int_equal(life.last.kind, ERR_KIND_NONE);
	hold_node();
	life_agent_lost(&life, &why);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_string_equal(life.last.msg, "because");
	life.at = LIFE_OVER;
	life_agent_lost(&life, &why);
	assert_int_equal(life.at, LIFE_OVER);
}

static void
test_failures_on_the_way_down(void **state)
{
	(void)state;
	hold_node();
	failed(LIFE_INSTALL);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_int_equal(life.close, LIFE_FORGET);
	/* On disk it stays, for the next start. */
	failed(LIFE_REMOVE);
	assert_int_equal(life.at, LIFE_CLOSE);
	assert_int_equal(life.close, LIFE_NOTE);
	failed(LIFE_CLOSE);
	assert_int_equal(life.at, LIFE_OVER);
}

/* A predecessor that cannot be removed keeps nobody from starting: it is tried
 * again where that may help. */
static void
test_predecessor_that_stays(void **state)
{
	(void)state;
	hold_node();
	life.give_up_at = clock_in(LONG_MS);
	failed_so(LIFE_REMOVE, ERR_TRANSIENT);
	assert_int_equal(life.at, LIFE_WAIT);
	failed_so(LIFE_REMOVE, ERR_FINAL);
	assert_int_equal(life.at, LIFE_CLOSE);
	assert_int_equal(life.close, LIFE_FORGET);
	assert_false(life.stopping);
	/* Files that cannot be removed do. */
	failed(LIFE_CLOSE);
	assert_int_equal(life.at, LIFE_CLOSE);
	assert_int_equal(life.close, LIFE_NOTE);
	assert_true(life.stopping);
}

/* Every end of a worker leads somewhere, and nothing leads to nowhere. */
static void
test_table(void **state)
{
	static const enum life_event ends[] = { LIFE_DONE, LIFE_AGAIN,
		LIFE_FAILED, LIFE_ENDED, LIFE_CUT };

	(void)state;
	for (int at = LIFE_WAIT; at < LIFE_STATES; at++) {
		const struct life_row *row = &life_table[at];

		assert_true(strlen(row->name) > 0 && strlen(row->name) < 16);
		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			assert_true(row->begin == NULL ||
			            row->on[ends[i]].to != LIFE_STAY);
		for (int event = 0; event < LIFE_EVENTS; event++)
			assert_true(row->on[event].to < LIFE_STATES);
		assert_true(at == LIFE_OVER || row->begin != NULL ||
		            row->on[LIFE_STOP].to == LIFE_REMOVE);
	}
	assert_string_equal(life_table_name(LIFE_UP), "up");
}

static int
finds_the_agent(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_AGENT, "/usr/bin/agent", NULL);
	(void)pause();
	return 0;
}

/* Who knows where the agent is gets more time, but not after a stop. */
static void
test_time_to_prepare(void **state)
{
	struct job_spec spec = {
		.name = "test", .work = finds_the_agent, .tells = UINT32_MAX
	};
	int64_t soon = clock_in(LONG_MS / 4), until = clock_in(LONG_MS);

	(void)state;
	for (int i = 0; i < 2; i++) {
		life.at = LIFE_PREPARE;
		life.begun = true;
		life.stopping = i == 1;
		life.agent[0] = '\0';
		spec.deadline = soon;
		assert_int_equal(job_start(&life.job, &spec, &why), 0);
		while (life.agent[0] == '\0' && clock_ms() < until) {
			life_step(&life);
			(void)poll(NULL, 0, STEP_MS);
		}
		assert_string_equal(life.agent, "/usr/bin/agent");
		assert_true(life.stopping ? life.job.deadline == soon
		                          : life.job.deadline > soon);
		job_kill(&life.job);
	}
}

static int
tells(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_REGION, "eu-west-1", NULL);
	(void)job_tell(out, JOURNAL_ACTIVATION, UUID, NULL);
	(void)job_tell(out, JOURNAL_NO_ACTIVATION, UUID, NULL);
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	return 0;
}

/* Records change the state, which is saved; then the next state comes. */
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
	life.at = LIFE_INSTALL;
	life.begun = true;
	assert_int_equal(job_start(&life.job, &spec, &err), 0);
	drive(LIFE_START);
	assert_string_equal(life.state.node, NODE);
	assert_string_equal(life.state.region, "eu-west-1");
	assert_string_equal(life.state.activation, "");
	while ((life.saver.due || life.saver.job.active) &&
	       clock_ms() < until) {
		life_step(&life);
		(void)poll(NULL, 0, STEP_MS);
	}
	snprintf(path, sizeof path, "%s/state.json", home);
	assert_int_equal(state_load(&disk, path, &err), 0);
	assert_string_equal(disk.node, NODE);
}

static int
dies(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	(void)raise(SIGKILL);
	return 0;
}

/* What it had made is known, and removed. */
static void
test_worker_that_dies(void **state)
{
	struct job_spec spec = {
		.name = "test", .work = dies, .tells = UINT32_MAX
	};
	struct job_record record;
	struct err err = { 0 };
	pid_t pid;

	(void)state;
	spec.deadline = clock_in(LONG_MS);
	life.at = LIFE_REGISTER;
	life.begun = true;
	life.give_up_at = clock_in(GIVE_UP_MS);
	assert_int_equal(job_start(&life.job, &spec, &err), 0);
	pid = life.job.pid;
	while (waitpid(pid, NULL, 0) < 0)
		assert_int_equal(errno, EINTR);
	assert_true(life_reaped(&life, pid));
	assert_int_equal(job_next(&life.job, &record), 1);
	assert_int_equal(record.type, JOURNAL_NODE);
	assert_true(state_apply(&life.state, JOURNAL_NODE, record.text, NULL));
	assert_int_equal(job_next(&life.job, &record), 1);
	assert_int_equal(record.type, JOURNAL_FAILED);
	life_table_happen(&life, life_table_end(&life, &record.err),
	    &record.err);
	assert_int_equal(life.at, LIFE_REMOVE);
	assert_string_equal(life.state.node, NODE);
}

#define LIFE_TEST(f) cmocka_unit_test_setup_teardown(f, make, clean)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE_TEST(test_begin),
		LIFE_TEST(test_barred),
		LIFE_TEST(test_barred_from_disk),
		LIFE_TEST(test_stopped_before_anything),
		LIFE_TEST(test_stopped_while_up),
		LIFE_TEST(test_stopped_at_work),
		LIFE_TEST(test_not_begun_when_stopped),
		LIFE_TEST(test_clear),
		LIFE_TEST(test_preparing),
		LIFE_TEST(test_asking),
		LIFE_TEST(test_registering),
		LIFE_TEST(test_tries),
		cmocka_unit_test(test_pauses),
		LIFE_TEST(test_no_other_try),
		LIFE_TEST(test_wait_ends),
		LIFE_TEST(test_agent),
		LIFE_TEST(test_failures_on_the_way_down),
		LIFE_TEST(test_predecessor_that_stays),
		LIFE_TEST(test_time_to_prepare),
		LIFE_TEST(test_records_are_saved),
		LIFE_TEST(test_worker_that_dies),
		cmocka_unit_test(test_table),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
