/* SPDX-License-Identifier: MIT */
#include "work/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/used.h"
#include "agent/user.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/log.h"
#include "base/slice.h"
#include "settings/config.h"
#include "settings/options.h"

#if defined(__x86_64__)
enum { FIRST_FOREIGN = 0x40000000 }; /* x32 */
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
enum { FIRST_FOREIGN = 0x40000000 }; /* none; no call has it */
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no filter of system calls for this architecture"
#endif

/* The first numbers are the distribution's own users. */
enum { CAPABILITIES_MAX = 64, ID_MIN = 200, ID_SPREAD = 64 };

/* Of the filter of system calls. */
enum { CODE_MAX = 320, VALUES_MAX = 4 };

/* Nothing is read or written there any more, and no file that is opened later
 * gets the number. */
static void
no_file(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0) {
		close(fd);
		file_close_cover();
		return;
	}
	dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

/* Standard input and output belong to the application. */
static void
no_stdio(int log)
{
	if (log >= 0)
		dup2(log, STDERR_FILENO);
	no_file(STDIN_FILENO);
	no_file(STDOUT_FILENO);
}

void
jail_private(int death_signal)
{
	struct rlimit none = { 0, 0 };
	const char *denied = NULL;

	if (syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none, NULL) != 0)
		denied = "dumping core";
	if (prctl(PR_SET_PDEATHSIG, death_signal) != 0)
		denied = "outliving its keeper";
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		denied = "being read by processes of its user";
	if (denied != NULL && log_once("worker_private")) {
		log_event(LOG_WARN, "worker_private",
		    "a worker is not kept from %s: %s", denied,
		    strerror(errno));
	}
}

void
jail_worker(const int *keep, size_t count, int log)
{
	/* Its group is new as well: what is typed at the terminal is for the
	 * application, and what the worker starts ends with it. */
	if (setsid() < 0)
		setpgid(0, 0);
	no_stdio(log);
	jail_private(SIGKILL);
	file_close_others(keep, count);
}

/* The user of sessions may not be in /etc/passwd yet. */
static void
heed_sessions(struct used *used, const char *ids)
{
	struct slice uid, gid;
	uint64_t number = 0;

	if (!slice_split(slice_of(ids), ':', &uid, &gid))
		return;
	if (slice_u64(uid, UINT32_MAX, &number))
		used_uid(used, (uint32_t)number);
	if (slice_u64(gid, UINT32_MAX, &number))
		used_gid(used, (uint32_t)number);
}

/* Workers that search at the same time begin at different numbers. */
static bool
become_nobody_else(const struct config *cfg)
{
	uint32_t start = JAIL_ID_MAX - (uint32_t)getpid() % ID_SPREAD;
	struct used used;
	uint32_t id = 0;

	used_begin(&used, ID_MIN, start);
	used_machine(&used);
	user_heed(&used, cfg->user);
	used_files(&used);
	used_unmapped(&used);
	heed_sessions(&used, cfg->session_user);
	id = used_free(&used);
	if (id != 0 && exec_become_user(id, id, NULL, 0) == 0)
		return true;
	return exec_become_user(JAIL_ID_OLD, JAIL_ID_OLD, NULL, 0) == 0;
}

/* Values of settings are borrowed from the environment. */
static bool
is_setting(struct slice name)
{
	for (size_t i = 0; i < options_count; i++) {
		const struct option *opt = &options_table[i];

		if ((opt->variable != NULL && slice_eq(name, opt->variable)) ||
		    (opt->alias != NULL && slice_eq(name, opt->alias)))
			return true;
	}
	return false;
}

static bool
is_needed(struct slice name)
{
	static const char *const names[] = { "HOME", "PATH", "SSL_CERT_FILE",
		"REQUEST_METHOD" };
	static const char *const prefixes[] = { "AWS_", "ECS_",
		"SSM_ACTIVATE" };
	static const char suffix[] = "_proxy";
	struct slice end = slice_skip(name, name.len > sizeof suffix - 1
	                                        ? name.len - (sizeof suffix - 1)
	                                        : name.len);

	if (slice_eq_nocase(end, suffix) || is_setting(name))
		return true;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (slice_eq(name, names[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
		if (slice_starts(name, prefixes[i]))
			return true;
	}
	return false;
}

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
	SYS_recvmsg,
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

/*
 * The last thing that a network worker gives up.  What has no place in the
 * lists fails with ENOSYS, as on a kernel that does not know it, so that a C
 * library falls back on what it has; what is refused for its arguments fails
 * with EPERM.  Calls in the manner of another architecture, which only hostile
 * code makes, end the process.  -1 with errno where the kernel, or who started
 * us, does not take a filter.  Needs no_new_privs.
 */
static int
limit_calls(void)
{
	struct program program = { 0 };
	struct sock_fprog given = { .filter = program.code };

	build(&program);
	given.len = program.len;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &given);
}

/* `api` and `gc` are started from a shell, so they have its terminal. */
static void
leave_terminal(void)
{
	if (getsid(0) == getpid())
		return;
	setsid();
	no_file(STDIN_FILENO);
}

int
jail_net(const struct config *cfg, struct err *err)
{
	bool root = geteuid() == 0;
	int with_parent = 0;

	prctl(PR_GET_PDEATHSIG, &with_parent);
	leave_terminal();
	/* The bounding set needs CAP_SETPCAP and no_new_privs makes it moot;
	 * so a container that withholds the capability is fine. */
	for (int cap = 0; root && cap < CAPABILITIES_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			break;
	}
	if (root && !become_nobody_else(cfg) && log_once("worker_privileges")) {
		log_event(LOG_WARN, "worker_privileges",
		    "the worker that talks to AWS keeps uid 0, without "
		    "capabilities: CAP_SETUID and CAP_SETGID are missing");
	}
	if (exec_no_capabilities() != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, ERR_KIND_SYSTEM,
		    "cannot give up privileges");
	/* Changing the uid made the process dumpable as the kernel's
	 * suid_dumpable says, and let it outlive its parent. */
	jail_private(with_parent);
	env_keep(environ, is_needed);
	if (limit_calls() != 0 && log_once("worker_filter")) {
		log_event(LOG_WARN, "worker_filter",
		    "the worker that talks to AWS is not limited in its system "
		    "calls: seccomp: %s",
		    strerror(errno));
	}
	return 0;
}

int
jail_client(struct client **out, const struct config *cfg, const char *region,
    struct err *err)
{
	struct conf_options options = {
		.env = cfg->env,
		.profile = cfg->profile,
		.region =
		    region != NULL && *region != '\0' ? region : cfg->region,
		.endpoint_url = cfg->endpoint_url,
		.read_timeout_ms = (int)cfg->read_timeout_ms,
	};

	if (client_open(out, &options, err) != 0 || jail_net(cfg, err) != 0)
		return -1;
	return client_locate(*out, err);
}
