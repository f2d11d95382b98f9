/* SPDX-License-Identifier: MIT */
/* Worker processes: what they say, how they end, what they are given. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "work/job.h"

#define NODE "mi-0123456789abcdef0"

enum { LONG_MS = 20000, SHORT_MS = 1500, STEP_MS = 20 };

static struct job job;
static struct err failure;

static void
start(int (*work)(const struct work *, int, struct err *), const void *input,
    int64_t ms)
{
	struct job_spec spec = { .name = "test", .work = work, .input = input };

	spec.tells = JOURNAL_BIT(JOURNAL_REGION) | JOURNAL_BIT(JOURNAL_NODE) |
	             JOURNAL_BIT(JOURNAL_SETTLED);

	spec.deadline = clock_in(ms);
	job = (struct job){ .name = NULL };
	assert_int_equal(job_start(&job, &spec, &failure), 0);
	assert_true(job.active);
	assert_true(job.pid > 0);
}

/* The next record, waited for as a keeper does. */
static struct job_record
next(void)
{
	int64_t until = clock_in(LONG_MS);
	struct job_record record = { 0 };

	while (job_next(&job, &record) == 0) {
		struct pollfd wait = { job.fd, POLLIN, 0 };

		assert_true(job.active);
		assert_true(clock_ms() < until);
		(void)poll(&wait, 1, STEP_MS);
	}
	return record;
}

/* It has ended, and with it what it says of itself. */
static void
reap(pid_t pid)
{
	int64_t until = clock_in(LONG_MS);
	pid_t got = 0;

	while ((got = waitpid(pid, NULL, WNOHANG)) == 0 && clock_ms() < until)
		clock_sleep(clock_in(STEP_MS));
	assert_int_equal(got, pid);
}

/* Who sees the end of a job need not wait for its worker. */
static void
assert_gone(pid_t pid)
{
	assert_int_equal(job.pid, 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static int
reports(const struct work *input, int out, struct err *err)
{
	(void)err;
	(void)job_tell(out, JOURNAL_REGION, (const char *)input, NULL);
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	return 0;
}

static void
test_records(void **state)
{
	struct job_record record;
	pid_t pid;

	(void)state;
	start(reports, "eu-west-1", LONG_MS);
	pid = job.pid;
	record = next();
	assert_int_equal(record.type, JOURNAL_REGION);
	assert_string_equal(record.text, "eu-west-1");
	record = next();
	assert_int_equal(record.type, JOURNAL_NODE);
	assert_true(job.active);
	record = next();
	assert_int_equal(record.type, JOURNAL_DONE);
	assert_false(job.active);
	assert_int_equal(job_next(&job, &record), 0);
	assert_gone(pid);
}

static int
lingers(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_DONE, NULL, NULL);
	clock_sleep(clock_in(LONG_MS));
	return 0;
}

/* Whatever it still does: none is left when its keeper ends. */
static void
test_worker_that_is_slow_to_go(void **state)
{
	int64_t until = clock_in(LONG_MS / 2);
	pid_t pid;

	(void)state;
	start(lingers, NULL, LONG_MS);
	pid = job.pid;
	assert_int_equal(next().type, JOURNAL_DONE);
	assert_gone(pid);
	assert_true(clock_ms() < until);
}

static int
fails(const struct work *input, int out, struct err *err)
{
	(void)out;
	return err_set(err, ERR_KIND_TLS, "%s", (const char *)input);
}

static void
test_failure_of_a_worker(void **state)
{
	struct job_record record;
	pid_t pid;

	(void)state;
	start(fails, "why", LONG_MS);
	pid = job.pid;
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_string_equal(record.err.msg, "why");
	assert_int_equal(record.err.kind, ERR_KIND_TLS);
	assert_false(job.active);
	assert_gone(pid);
}

static int
says_nothing(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)out;
	_exit(0);
}

static int
crashes(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	(void)raise(SIGKILL);
	return 0;
}

static void
test_worker_that_dies(void **state)
{
	struct job_record record;
	pid_t pid;

	(void)state;
	start(says_nothing, NULL, LONG_MS);
	pid = job.pid;
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_int_equal(record.err.kind, ERR_KIND_SYSTEM);
	assert_non_null(strstr(record.err.msg, "test"));
	assert_false(record.err.timed_out);
	assert_false(job.active);
	assert_gone(pid);
	/* What it had said before is not lost. */
	start(crashes, NULL, LONG_MS);
	pid = job.pid;
	record = next();
	assert_int_equal(record.type, JOURNAL_NODE);
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_gone(pid);
}

/* One that has ended by itself, and that its keeper has reaped, is no other
 * process of that number. */
static void
test_worker_that_is_reaped_first(void **state)
{
	pid_t pid;

	(void)state;
	start(says_nothing, NULL, LONG_MS);
	pid = job.pid;
	reap(pid);
	assert_false(job_reaped(&job, pid + 1));
	assert_true(job_reaped(&job, pid));
	assert_int_equal(next().type, JOURNAL_FAILED);
	assert_gone(pid);
}

static int
hangs(const struct work *input, int out, struct err *err)
{
	(void)input;
	(void)err;
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	for (;;)
		(void)pause();
	return 0;
}

static void
test_deadline(void **state)
{
	struct job_record record;
	pid_t pid;

	(void)state;
	start(hangs, NULL, SHORT_MS);
	pid = job.pid;
	record = next();
	assert_int_equal(record.type, JOURNAL_NODE);
	assert_true(clock_ms() < job.deadline);
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_true(clock_ms() >= job.deadline);
	assert_true(record.err.timed_out);
	assert_int_equal(record.err.kind, ERR_KIND_CONNECTION);
	assert_int_not_equal(record.err.retry, ERR_FINAL);
	assert_false(job.active);
	assert_int_equal(kill(pid, 0), -1);
}

static int
damaged_first(const struct work *input, int out, struct err *err)
{
	static const struct job_record zero;

	(void)input;
	for (int i = 0; i < 2; i++)
		(void)!write(out, &zero, sizeof zero);
	return hangs(NULL, out, err);
}

/* A worker that is killed takes no knowledge with it. */
static void
test_pipe_is_read_to_its_end(void **state)
{
	struct pollfd wait;
	struct job_record record;

	(void)state;
	start(damaged_first, NULL, SHORT_MS);
	wait = (struct pollfd){ job.fd, POLLIN, 0 };
	assert_int_equal(poll(&wait, 1, LONG_MS), 1);
	clock_sleep(job.deadline);
	record = next();
	assert_int_equal(record.type, JOURNAL_NODE);
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	assert_true(record.err.timed_out);
}

static int
starts_another(const struct work *input, int out, struct err *err)
{
	char text[16];
	pid_t pid = fork();

	(void)input;
	(void)err;
	if (pid == 0)
		for (;;)
			(void)pause();
	snprintf(text, sizeof text, "%d", (int)pid);
	(void)job_tell(out, JOURNAL_SETTLED, text, NULL);
	for (;;)
		(void)pause();
	return 0;
}

static void
test_kill_ends_the_group(void **state)
{
	struct job_record record;
	pid_t pid, second;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	start(starts_another, NULL, LONG_MS);
	pid = job.pid;
	record = next();
	second = (pid_t)strtol(record.text, NULL, 10);
	assert_true(second > 0);
	assert_int_equal(kill(second, 0), 0);
	job_kill(&job);
	assert_false(job.active);
	assert_int_equal(job_next(&job, &record), 0);
	reap(second);
	assert_gone(pid);
	job_kill(&job);
	/* The same at a deadline. */
	start(starts_another, NULL, SHORT_MS);
	record = next();
	second = (pid_t)strtol(record.text, NULL, 10);
	record = next();
	assert_int_equal(record.type, JOURNAL_FAILED);
	reap(second);
}

/* What it is given: "ok", or what is wrong. */
static const char *
wrong_setting(const int *kept)
{
	struct rlimit limit;
	struct stat in, out, null;
	sigset_t mask;
	int death = 0;

	if (getpgrp() != getpid())
		return "group";
	if (getsid(0) != getpid())
		return "session";
	if (prctl(PR_GET_PDEATHSIG, &death) != 0 || death != SIGKILL)
		return "death";
	if (prctl(PR_GET_DUMPABLE) != 0)
		return "dumpable";
	if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0)
		return "core";
	if (fstat(0, &in) != 0 || fstat(1, &out) != 0 ||
	    stat("/dev/null", &null) != 0 || in.st_rdev != null.st_rdev ||
	    out.st_rdev != null.st_rdev)
		return "stdio";
	if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 ||
	    sigismember(&mask, SIGTERM) != 0 ||
	    sigismember(&mask, SIGCHLD) != 0)
		return "mask";
	if (signal(SIGTERM, SIG_DFL) != SIG_DFL ||
	    signal(SIGHUP, SIG_DFL) != SIG_DFL)
		return "handlers";
	if (fcntl(kept[0], F_GETFD) < 0)
		return "kept";
	return fcntl(kept[1], F_GETFD) < 0 ? "ok" : "not kept";
}

static int
looks_around(const struct work *input, int out, struct err *err)
{
	(void)err;
	(void)job_tell(out, JOURNAL_SETTLED, wrong_setting((const void *)input),
	    NULL);
	return 0;
}

static void
test_what_a_worker_is_given(void **state)
{
	struct job_spec spec = { .name = "test", .work = looks_around };
	struct job_record record;
	sigset_t block, before;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	(void)sigfillset(&block);
	assert_int_equal(sigprocmask(SIG_BLOCK, &block, &before), 0);
	assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	spec.input = (const void *)fds;
	spec.keep[0] = fds[0];
	spec.keep_count = 1;
	spec.tells = JOURNAL_BIT(JOURNAL_SETTLED);
	spec.deadline = clock_in(LONG_MS);
	assert_int_equal(job_start(&job, &spec, &failure), 0);
	record = next();
	assert_string_equal(record.text, "ok");
	record = next();
	assert_int_equal(record.type, JOURNAL_DONE);
	assert_true(signal(SIGHUP, SIG_DFL) == SIG_IGN);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	close(fds[0]);
	close(fds[1]);
}

/* What goes to standard error while a job is there. */
static char *
log_of(int (*work)(const struct work *, int, struct err *), size_t *len)
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);
	char *text = NULL;
	ssize_t n = 0;

	assert_non_null(file);
	assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
	start(work, NULL, SHORT_MS);
	(void)next();
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	(void)close(before);
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	n = pread(fileno(file), text, (1 << 20) - 1, 0);
	assert_true(n >= 0);
	*len = (size_t)n;
	(void)fclose(file);
	return text;
}

static int
logs(const struct work *input, int out, struct err *err)
{
	static const char text[] = "raw \x1b[2J\nlast";

	(void)input;
	(void)out;
	(void)err;
	log_event(LOG_WARN, "test", "first");
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	return 0;
}

static void
test_log_comes_through(void **state)
{
	size_t len = 0;
	char *text = log_of(logs, &len);

	(void)state;
	assert_string_equal(text,
	    "ssm-activate: warn: first\nraw ?[2J\nlast\n");
	free(text);
}

static int
floods(const struct work *input, int out, struct err *err)
{
	char line[4096];

	(void)input;
	(void)err;
	(void)out;
	(void)memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	for (;;)
		(void)!write(STDERR_FILENO, line, sizeof line);
	return 0;
}

/* Neither the keeper's time nor its log is a worker's. */
static void
test_log_is_bounded(void **state)
{
	int64_t began = clock_ms();
	size_t len = 0, most;
	char *text = log_of(floods, &len);

	(void)state;
	most = JOB_LOG_BURST +
	       (size_t)(clock_ms() - began + 1000) * JOB_LOG_RATE / 1000;
	assert_true(len >= JOB_LOG_BURST / 2);
	assert_true(len < most);
	assert_non_null(strstr(text, "test: the worker's log was too long"));
	free(text);
}

/* Without its keeper a worker must not go on. */
static void
test_worker_ends_with_its_keeper(void **state)
{
	struct job_spec spec = { .name = "test",
		.work = hangs,
		.tells = JOURNAL_BIT(JOURNAL_NODE) };
	int fds[2];
	pid_t keeper, worker = 0;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(fds), 0);
	keeper = fork();
	assert_true(keeper >= 0);
	if (keeper == 0) {
		spec.deadline = clock_in(LONG_MS);
		if (job_start(&job, &spec, &failure) != 0)
			_exit(1);
		/* Its first record says that it is at work. */
		(void)next();
		(void)!write(fds[1], &job.pid, sizeof job.pid);
		_exit(0);
	}
	assert_int_equal(read(fds[0], &worker, sizeof worker), sizeof worker);
	reap(keeper);
	reap(worker);
	close(fds[0]);
	close(fds[1]);
}

static int
says_what_is_not_its(const struct work *input, int out, struct err *err)
{
	const struct state state = { .node = NODE };

	(void)input;
	(void)err;
	(void)job_send(out, JOURNAL_STATE, "reuse", &state, NULL);
	(void)job_tell(out, JOURNAL_NODE, NODE, NULL);
	(void)job_tell(out, JOURNAL_CERTS, NULL, NULL);
	return 0;
}

/* A worker that talks to the network has no word in what is on disk. */
static void
test_records_of_another_kind(void **state)
{
	(void)state;
	start(says_what_is_not_its, NULL, LONG_MS);
	assert_int_equal(next().type, JOURNAL_NODE);
	assert_int_equal(next().type, JOURNAL_DONE);
	assert_false(job.active);
}

static void
test_no_job(void **state)
{
	struct job none = { .name = NULL };
	struct job_record record;

	(void)state;
	assert_int_equal(job_next(&none, &record), 0);
	job_kill(&none);
	assert_false(job_reaped(&none, getpid()));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_failure_of_a_worker),
		cmocka_unit_test(test_worker_that_is_slow_to_go),
		cmocka_unit_test(test_worker_that_dies),
		cmocka_unit_test(test_worker_that_is_reaped_first),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_pipe_is_read_to_its_end),
		cmocka_unit_test(test_kill_ends_the_group),
		cmocka_unit_test(test_log_comes_through),
		cmocka_unit_test(test_log_is_bounded),
		cmocka_unit_test(test_what_a_worker_is_given),
		cmocka_unit_test(test_worker_ends_with_its_keeper),
		cmocka_unit_test(test_records_of_another_kind),
		cmocka_unit_test(test_no_job),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
