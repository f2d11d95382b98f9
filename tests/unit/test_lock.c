/* SPDX-License-Identifier: MIT */
/* One keeper for a state directory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/paths.h"
#include "base/err.h"
#include "base/pass.h"
#include "settings/config.h"
#include "unit/folder.h"
#include "unit/sandbox.h"
#include "work/lock.h"

static int
make(void **state)
{
	(void)state;
	return folder_make("lock");
}

/* Start a process that takes the lock and holds it until it is killed. */
static pid_t
held_by(int (*take)(void))
{
	int ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30);
		if (take() != 0)
			_exit(1);
		(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static int
take_lock(void)
{
	struct err err = { 0 };
	pid_t other = getpid();
	int fd = -1;

	return lock_take(&fd, &other, &folder.cfg, &err);
}

/* As version 0.1.0 takes it. */
static int
take_lock_of_a_process(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(open(folder.path, O_RDWR | O_CREAT, 0600), F_SETLK, &lock);
}

static void
test_makes_the_folder(void **state)
{
	pid_t who = 7;
	int fd = -1;

	(void)state;
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), 0);
	assert_true(fd >= 0);
	assert_int_equal(who, 7);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(sandbox_mode(folder.state), 0700);
	assert_int_equal(sandbox_mode(folder.path), 0600);
	close(fd);
}

static void
test_somebody_has_it(void **state)
{
	pid_t pid = held_by(take_lock), who = 0;
	int fd = -7;

	(void)state;
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), 1);
	assert_int_equal(who, pid);
	assert_int_equal(fd, -7);
	assert_int_equal(folder.err.kind, ERR_KIND_NONE);
	/* It ends with its holder, however that ends. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), 0);
	close(fd);
}

/* A worker takes it and hands it over; it lives as long as the keeper's copy,
 * and says whose it is. */
static void
test_is_handed_over(void **state)
{
	pid_t keeper = getpid(), who = 0, pid;
	int ends[2], fds[PASS_MAX], more[PASS_MAX], other = -7;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { 0 };
		int fd = -1;

		if (lock_take(&fd, &keeper, &folder.cfg, &err) != 0 ||
		    pass_send(ends[1], &fd, 1) != 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(pass_receive(ends[0], fds), 1);
	assert_true((fcntl(fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(pass_receive(ends[0], more), 0);
	assert_int_equal(lock_take(&other, &who, &folder.cfg, &folder.err), 1);
	assert_int_equal(who, getpid());
	close(fds[0]);
	assert_int_equal(lock_take(&other, &who, &folder.cfg, &folder.err), 0);
	close(other);
	close(ends[0]);
	close(ends[1]);
}

static void
test_lock_of_a_process(void **state)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t pid, who = 0;
	int fd = -7;

	(void)state;
	assert_int_equal(mkdir(folder.state, 0700), 0);
	pid = held_by(take_lock_of_a_process);
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), 1);
	assert_int_equal(who, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* And it finds ours. */
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int own = open(folder.path, O_RDWR);

		_exit(fcntl(own, F_SETLK, &lock) != 0 && errno == EAGAIN ? 0
		                                                         : 1);
	}
	assert_int_equal(waitpid(pid, &fd, 0), pid);
	assert_int_equal(fd, 0);
}

static void
test_something_else_is_there(void **state)
{
	char target[128];
	pid_t who = 0;
	int fd = -7;

	(void)state;
	assert_int_equal(mkdir(folder.state, 0700), 0);
	snprintf(target, sizeof target, "%s/target", folder.base);
	assert_int_equal(symlink(target, folder.path), 0);
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), -1);
	assert_int_equal(folder.err.kind, ERR_KIND_SYSTEM);
	assert_non_null(strstr(folder.err.msg, folder.path));
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(fd, -7);
}

static void
test_no_folder_can_be_made(void **state)
{
	pid_t who = 0;
	int fd = -7;

	(void)state;
	folder.cfg.state_dir = "/proc/nothing/here";
	assert_int_equal(lock_take(&fd, &who, &folder.cfg, &folder.err), -1);
	assert_int_equal(folder.err.kind, ERR_KIND_SYSTEM);
	assert_int_equal(fd, -7);
}

/* What is there, or not there, is told by others. */
static void
no_agent_folder(void)
{
	struct err err = { 0 };
	int fd = -7;

	sandbox_file("/var", 0644, "a file");
	SANDBOX_CHECK(lock_agent(&fd, &err) == 0);
	SANDBOX_CHECK(fd == -1);
	SANDBOX_CHECK(err.kind == ERR_KIND_NONE);
}

/* Two descriptors of one process are as good as two containers: the lock is
 * that of an open file. */
static void
agent_folder(void)
{
	struct err err = { 0 };
	int fd = -1, other = -7;

	SANDBOX_CHECK(lock_agent(&fd, &err) == 0);
	SANDBOX_CHECK(fd >= 0);
	SANDBOX_CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	SANDBOX_CHECK(sandbox_mode(PATHS_LIB) == 0700);
	SANDBOX_CHECK(lock_agent(&other, &err) == -1);
	SANDBOX_CHECK(other == -7);
	SANDBOX_CHECK(strstr(err.msg, PATHS_LIB) != NULL);
	SANDBOX_CHECK(err.kind == ERR_KIND_SYSTEM);
	err = (struct err){ 0 };
	close(fd);
	SANDBOX_CHECK(lock_agent(&other, &err) == 0);
	SANDBOX_CHECK(other >= 0);
	close(other);
}

static void
test_agent_folder(void **state)
{
	(void)state;
	assert_true(sandbox_run(no_agent_folder));
	assert_true(sandbox_run(agent_folder));
}

#define LOCK_TEST(f) cmocka_unit_test_setup_teardown(f, make, folder_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOCK_TEST(test_makes_the_folder),
		LOCK_TEST(test_somebody_has_it),
		LOCK_TEST(test_is_handed_over),
		LOCK_TEST(test_lock_of_a_process),
		LOCK_TEST(test_something_else_is_there),
		LOCK_TEST(test_no_folder_can_be_made),
		cmocka_unit_test(test_agent_folder),
	};

	/* No wait is for ever. */
	alarm(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
