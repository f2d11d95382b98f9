/* SPDX-License-Identifier: MIT */
/*
 * Becomes a program to which the kernel denies some system calls, and to all
 * that it starts.
 *
 *	deny ERRNO CALL[,CALL]... INDEX VALUE PROGRAM [ARGUMENT]...
 *
 * ERRNO is a number.  INDEX says which of the call's arguments, from 0, must
 * be VALUE for that; -1: whatever they are.  A call that this architecture
 * does not have is one that nobody can make.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name)                \
	{                         \
#name, SYS_##name \
	}

enum { CALLS_MAX = 8, STEPS = 5, FIXED_WORDS = 5, CANNOT = 97 };
enum { ABSENT = -1 };

static const struct {
	const char *name;
	long number;
} calls[] = {
	CALL(accept4),
	CALL(bind),
	CALL(brk),
	CALL(capget),
	CALL(capset),
	CALL(chdir),
	CALL(chroot),
	CALL(clock_nanosleep),
	CALL(clone),
	CALL(clone3),
	CALL(close),
	CALL(close_range),
	CALL(connect),
	CALL(dup),
	CALL(dup3),
	CALL(faccessat),
	CALL(fchdir),
	CALL(fchmod),
	CALL(fchmodat),
	CALL(fchown),
	CALL(fchownat),
	CALL(fcntl),
	CALL(flock),
	CALL(fstat),
	CALL(fsync),
	CALL(getcwd),
	CALL(getdents64),
	CALL(getegid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getgroups),
	CALL(getpid),
	CALL(getppid),
	CALL(getrandom),
	CALL(getresgid),
	CALL(getresuid),
	CALL(getsid),
	CALL(getsockname),
	CALL(getsockopt),
	CALL(gettid),
	CALL(getuid),
	CALL(inotify_add_watch),
	CALL(inotify_init1),
	CALL(ioctl),
	CALL(kill),
	CALL(listen),
	CALL(lseek),
	CALL(madvise),
	CALL(mkdirat),
	CALL(mmap),
	CALL(mount),
	CALL(mprotect),
	CALL(munmap),
	CALL(nanosleep),
	CALL(openat),
	CALL(pipe2),
	CALL(ppoll),
	CALL(prctl),
	CALL(pread64),
	CALL(prlimit64),
	CALL(pselect6),
	CALL(read),
	CALL(readlinkat),
	CALL(recvfrom),
	CALL(renameat2),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigtimedwait),
	CALL(seccomp),
	CALL(recvmsg),
	CALL(sendmsg),
	CALL(sendto),
	CALL(setgid),
	CALL(setgroups),
	CALL(setpgid),
	CALL(setpriority),
	CALL(setresgid),
	CALL(setresuid),
	CALL(setsid),
	CALL(setsockopt),
	CALL(setuid),
	CALL(signalfd4),
	CALL(socket),
	CALL(socketpair),
	CALL(statx),
	CALL(uname),
	CALL(unlinkat),
	CALL(unshare),
	CALL(wait4),
	CALL(waitid),
	CALL(write),
	CALL(writev),
	CALL(newfstatat),
#ifdef SYS_fork
	CALL(access),
	CALL(chmod),
	CALL(dup2),
	CALL(fork),
	CALL(lstat),
	CALL(mkdir),
	CALL(open),
	CALL(poll),
	CALL(readlink),
	CALL(rename),
	CALL(stat),
	CALL(unlink),
	CALL(vfork),
#else
	{ "access", ABSENT },
	{ "chmod", ABSENT },
	{ "dup2", ABSENT },
	{ "fork", ABSENT },
	{ "lstat", ABSENT },
	{ "mkdir", ABSENT },
	{ "open", ABSENT },
	{ "poll", ABSENT },
	{ "readlink", ABSENT },
	{ "rename", ABSENT },
	{ "stat", ABSENT },
	{ "unlink", ABSENT },
	{ "vfork", ABSENT },
#endif
	CALL(renameat),
};

struct rule {
	unsigned error;
	int index;
	unsigned value;
	size_t count;
	unsigned numbers[CALLS_MAX];
};

static void
die(const char *what)
{
	perror(what);
	exit(CANNOT);
}

static long
number_of(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	}
	die(name);
	return ABSENT;
}

static void
take_calls(struct rule *rule, char *names)
{
	char *rest = NULL;

	for (char *name = strtok_r(names, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest)) {
		long number = number_of(name);

		if (number == ABSENT)
			continue;
		if (rule->count == CALLS_MAX)
			die("too many calls");
		rule->numbers[rule->count++] = (unsigned)number;
	}
}

/* What is true goes on to the next step, what is not over the others. */
static size_t
put_steps(struct sock_filter *out, const struct rule *rule, unsigned number)
{
	struct sock_filter any[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | rule->error),
	};
	struct sock_filter one[] = {
		any[0],
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (unsigned)(offsetof(struct seccomp_data, args) +
		               sizeof(__u64) * (size_t)rule->index)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1),
		any[2],
	};

	if (rule->index < 0) {
		memcpy(out, any, sizeof(any));
		return sizeof(any) / sizeof(any[0]);
	}
	memcpy(out, one, sizeof(one));
	return sizeof(one) / sizeof(one[0]);
}

static void
deny(const struct rule *rule)
{
	struct sock_filter steps[CALLS_MAX * STEPS + 1];
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog filter = { .filter = steps };
	size_t count = 0;

	for (size_t i = 0; i < rule->count; i++)
		count += put_steps(steps + count, rule, rule->numbers[i]);
	steps[count++] = allow;
	filter.len = (unsigned short)count;
	/* Root needs no no_new_privs for that, which would change more. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
		die("seccomp");
}

int
main(int argc, char **argv)
{
	struct rule rule = { 0 };

	if (argc <= FIXED_WORDS)
		die("deny ERRNO CALL[,CALL]... INDEX VALUE PROGRAM");
	rule.error = (unsigned)strtoul(argv[1], NULL, 10);
	take_calls(&rule, argv[2]);
	rule.index = (int)strtol(argv[3], NULL, 10);
	rule.value = (unsigned)strtoul(argv[4], NULL, 10);
	deny(&rule);
	(void)execv(argv[FIXED_WORDS], argv + FIXED_WORDS);
	die(argv[FIXED_WORDS]);
	return CANNOT;
}
