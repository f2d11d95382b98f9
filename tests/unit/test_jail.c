/* SPDX-License-Identifier: MIT */
/* What is left to a network worker that was taken over: the real jail, and
 * from inside of it all that it must not be able to do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "settings/config.h"
#include "work/jail.h"

#include "unit/sandbox.h"

static const struct config config = { .user = NULL };

/* Another process, of the user that network workers once were. */
static pid_t victim;
static char secret[] = "what the application holds";

static long
reads_memory(void)
{
	char text[sizeof secret] = "";
	struct iovec here = { text, sizeof text };
	struct iovec there = { secret, sizeof secret };

	return process_vm_readv(victim, &here, 1, &there, 1, 0);
}

static long
writes_memory(void)
{
	char text[sizeof secret] = "";
	struct iovec here = { text, sizeof text };
	struct iovec there = { secret, sizeof secret };

	return process_vm_writev(victim, &here, 1, &there, 1, 0);
}

static long
traces(void)
{
	return ptrace(PTRACE_SEIZE, victim, NULL, NULL);
}

static long
kills(void)
{
	return kill(victim, 0);
}

static long
kills_keeper(void)
{
	return kill(getppid(), 0);
}

static long
opens_terminal(void)
{
	return open("/dev/tty", O_RDONLY | O_CLOEXEC);
}

static long
types(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static long
makes_namespace(void)
{
	return unshare(CLONE_NEWUSER | CLONE_NEWNET);
}

static long
forks(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long
runs_program(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL };

	return execve("/bin/true", argv, argv + 1);
}

static long
opens_local_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long
opens_netlink(void)
{
	return socket(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE);
}

static long
opens_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static long
opens_ping(void)
{
	return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static long
filters_socket(void)
{
	struct sock_filter all = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &all };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
	    sizeof program);
}

static long
listens(void)
{
	return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long
writes_file(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static long
makes_file(void)
{
	return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static long
maps_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? -1 : 0;
}

static long
turns_into_code(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? 0 : mprotect(at, 4096, PROT_READ | PROT_EXEC);
}

static long
has_file_in_memory(void)
{
	return syscall(SYS_memfd_create, "x", 0);
}

static long
becomes_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static long
has_signals_sent(void)
{
	return fcntl(socket(AF_INET, SOCK_DGRAM, 0), F_SETOWN, victim);
}

static const struct {
	const char *what;
	long (*attempt)(void);
} attempts[] = {
	{ "reads another process's memory", reads_memory },
	{ "writes to another process's memory", writes_memory },
	{ "traces another process", traces },
	{ "kills another process", kills },
	{ "kills its keeper", kills_keeper },
	{ "opens the terminal", opens_terminal },
	{ "types into a terminal", types },
	{ "makes namespaces", makes_namespace },
	{ "starts a process", forks },
	{ "runs a program", runs_program },
	{ "opens a local socket", opens_local_socket },
	{ "opens a netlink socket", opens_netlink },
	{ "opens a raw socket", opens_raw },
	{ "opens a socket for pings", opens_ping },
	{ "gives the kernel a program", filters_socket },
	{ "listens", listens },
	{ "opens a file for writing", writes_file },
	{ "makes a file", makes_file },
	{ "maps memory as code", maps_code },
	{ "turns data into code", turns_into_code },
	{ "makes a file in memory", has_file_in_memory },
	{ "becomes dumpable", becomes_dumpable },
	{ "has signals sent to another process", has_signals_sent },
};

/* Whoever is in there ends by _exit(0): looking for leaks takes a thread. */
static void
enter(void)
{
	struct err err = { 0 };

	jail_worker(NULL, 0, -1);
	SANDBOX_CHECK(jail_net(&config, &err) == 0);
}

/* A process that a worker of the old user could have attached to. */
static void
start_victim(void)
{
	int ready[2];
	char c;

	assert_int_equal(pipe(ready), 0);
	victim = fork();
	assert_true(victim >= 0);
	if (victim == 0) {
		(void)!setgid(JAIL_ID_OLD);
		(void)!setuid(JAIL_ID_OLD);
		(void)prctl(PR_SET_DUMPABLE, 1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void
try_all(void)
{
	enter();
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		if (attempts[i].attempt() >= 0)
			sandbox_fail(__FILE__, __LINE__, attempts[i].what);
	}
	_exit(0);
}

static void
test_nothing_is_possible(void **state)
{
	(void)state;
	start_victim();
	assert_true(sandbox_fork(try_all));
	assert_int_equal(kill(victim, 0), 0);
	(void)kill(victim, SIGKILL);
	assert_int_equal(waitpid(victim, NULL, 0), victim);
}

/* What a worker needs for its work. */
static void
work(void)
{
	struct stat st;
	char *big;
	int fd;

	enter();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	SANDBOX_CHECK(fd >= 0);
	SANDBOX_CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	SANDBOX_CHECK(close(fd) == 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	SANDBOX_CHECK(fd >= 0 || errno == EAFNOSUPPORT);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	SANDBOX_CHECK(fd >= 0 && fstat(fd, &st) == 0);
	SANDBOX_CHECK(stat("/", &st) == 0);
	big = malloc(8 << 20);
	SANDBOX_CHECK(big != NULL);
	(void)memset(big, 1, 8 << 20);
	free(big);
	_exit(0);
}

static void
test_work_is_possible(void **state)
{
	(void)state;
	assert_true(sandbox_fork(work));
}

/* What the kernel does not know must look like that to a C library. */
static void
unknown_calls(void)
{
	enter();
	SANDBOX_CHECK(syscall(SYS_openat + 100000) == -1 && errno == ENOSYS);
	SANDBOX_CHECK(unshare(CLONE_NEWUSER) == -1 && errno == ENOSYS);
	SANDBOX_CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM);
	_exit(0);
}

static void
test_how_it_is_refused(void **state)
{
	(void)state;
	assert_true(sandbox_fork(unknown_calls));
}

static void
look_at_ids(void)
{
	if (geteuid() != 0)
		_exit(0);
	enter();
	SANDBOX_CHECK(getuid() <= JAIL_ID_MAX && getuid() > JAIL_ID_MAX - 64);
	SANDBOX_CHECK(geteuid() == getuid() && getgid() == getuid());
	_exit(0);
}

static void
test_ids(void **state)
{
	(void)state;
	assert_true(sandbox_fork(look_at_ids));
}

/* Of the environment what AWS, proxies and we are set by. */
static void
look_at_environment(void)
{
	char text[] = "DATABASE_URL=of-the-application";
	char lower[] = "https_proxy=http://proxy:3128";
	char upper[] = "NO_PROXY=localhost";
	char short_name[] = "_proxy";
	char aws[] = "AWS_REGION=eu-west-1";
	char task[] = "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2";
	char ours[] = "SSM_ACTIVATE_NAME=name";
	char home[] = "HOME=/root";
	char *vars[] = { text, lower, upper, short_name, aws, task, ours, home,
		NULL };

	environ = vars;
	enter();
	SANDBOX_CHECK(vars[0] == lower && vars[1] == upper);
	SANDBOX_CHECK(vars[2] == aws && vars[3] == task);
	SANDBOX_CHECK(vars[4] == ours && vars[5] == home && vars[6] == NULL);
	for (size_t i = 0; i < sizeof text; i++)
		SANDBOX_CHECK(text[i] == '\0');
	_exit(0);
}

static void
test_environment(void **state)
{
	(void)state;
	assert_true(sandbox_fork(look_at_environment));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_possible),
		cmocka_unit_test(test_work_is_possible),
		cmocka_unit_test(test_how_it_is_refused),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
