#include "work/jail_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { FIRST_FOREIGN = 0x40000000 }; /* x32 */
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
enum { FIRST_FOREIGN = 0x40000000 }; /* none; no call has it */
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no filter of system calls for this architecture"
#endif

enum { CODE_MAX = 320, VALUES_MAX = 4 };

/* Whatever the arguments. */
static const int plain[] = {
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_lseek,
	SYS_close,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_ppoll,
	SYS_connect,
	SYS_sendto,
	SYS_recvfrom,
	SYS_shutdown,
	SYS_getsockopt,
	SYS_getsockname,
	SYS_getpeername,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_futex,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_gettimeofday,
	SYS_nanosleep,
	SYS_sched_yield,
	SYS_getrandom,
	SYS_uname,
	SYS_getpid,
	SYS_getppid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
#ifdef __x86_64__
	SYS_poll,
	SYS_stat,
	SYS_lstat,
	SYS_time,
#endif
};

/* One argument of a call: the bits of mask that it has must be one of these
 * values.  Those of one call stand together, and all must hold. */
struct check {
	int number;
	uint32_t argument, mask, count, values[VALUES_MAX];
};

/* What makes or changes a file, or opens it for anything but reading. */
enum {
	NOT_READING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND |
	              (O_TMPFILE & ~O_DIRECTORY),
};

#define ANY_BIT UINT32_MAX

static const struct check checks[] = {
	{ SYS_openat, 2, NOT_READING, 1, { O_RDONLY } },
#ifdef __x86_64__
	{ SYS_open, 1, NOT_READING, 1, { O_RDONLY } },
#endif
	{ SYS_mmap, 2, PROT_EXEC, 1, { 0 } },
	{ SYS_mprotect, 2, PROT_EXEC, 1, { 0 } },
	{ SYS_socket, 0, ANY_BIT, 2, { AF_INET, AF_INET6 } },
	{ SYS_socket, 1, ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), 2,
	    { SOCK_STREAM, SOCK_DGRAM } },
	{ SYS_socket, 2, ANY_BIT, 3, { 0, IPPROTO_TCP, IPPROTO_UDP } },
	{ SYS_setsockopt, 1, ANY_BIT, 1, { IPPROTO_TCP } },
	{ SYS_setsockopt, 2, ANY_BIT, 1, { TCP_NODELAY } },
	{ SYS_fcntl, 1, ANY_BIT, 4, { F_GETFD, F_SETFD, F_GETFL, F_SETFL } },
};

enum { CHECKS = sizeof checks / sizeof checks[0] };

struct program {
	struct sock_filter code[CODE_MAX];
	unsigned short len;
};

static void
add(struct program *program, unsigned code, uint32_t operand)
{
	program->code[program->len++] =
	    (struct sock_filter)BPF_STMT((uint16_t)code, operand);
}

static void
add_load(struct program *program, size_t offset)
{
	add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

/* A jump over so many instructions if what was loaded is the value (yes), or
 * is not (no). */
static void
add_jump(struct program *program, uint32_t value, size_t yes, size_t no)
{
	program->code[program->len++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value,
	        (uint8_t)yes, (uint8_t)no);
}

static void
add_return(struct program *program, uint32_t action)
{
	add(program, BPF_RET | BPF_K, action);
}

/* Both architectures store the lower half of an argument first; the kernel
 * takes all those that are looked at for 32 bits. */
static void
add_check(struct program *program, const struct check *check)
{
	add_load(program, offsetof(struct seccomp_data, args) +
	                      check->argument * sizeof(uint64_t));
	add(program, BPF_ALU | BPF_AND | BPF_K, check->mask);
	for (size_t i = 0; i < check->count; i++)
		add_jump(program, check->values[i], check->count - i, 0);
	add_return(program, SECCOMP_RET_ERRNO | EPERM);
}

/* All checks of the call of checks[first]; the index behind them. */
static size_t
add_checked(struct program *program, size_t first)
{
	size_t jump = program->len;
	size_t i = first;

	add_jump(program, (uint32_t)checks[first].number, 0, 0);
	for (; i < CHECKS && checks[i].number == checks[first].number; i++)
		add_check(program, &checks[i]);
	add_return(program, SECCOMP_RET_ALLOW);
	program->code[jump].jf = (uint8_t)(program->len - jump - 1);
	return i;
}

static void
build(struct program *program)
{
	add_load(program, offsetof(struct seccomp_data, arch));
	add_jump(program, ARCHITECTURE, 1, 0);
	add_return(program, SECCOMP_RET_KILL_PROCESS);
	add_load(program, offsetof(struct seccomp_data, nr));
	program->code[program->len++] =
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K,
	        FIRST_FOREIGN, 0, 1);
	add_return(program, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
		add_jump(program, (uint32_t)plain[i], 0, 1);
		add_return(program, SECCOMP_RET_ALLOW);
	}
	for (size_t i = 0; i < CHECKS;)
		i = add_checked(program, i);
	add_return(program, SECCOMP_RET_ERRNO | ENOSYS);
}

int
jail_filter_begin(void)
{
	struct program program = { .len = 0 };
	struct sock_fprog given = { .filter = program.code };

	build(&program);
	given.len = program.len;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &given);
}
