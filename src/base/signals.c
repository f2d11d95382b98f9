/* SPDX-License-Identifier: MIT */
#include "base/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/exec.h"
#include "base/log.h"
#include "base/slice.h"

/* The real-time signals begin where glibc and container engines let them
 * begin; musl says one later. */
enum { SIGNALS_MAX = 64, RT_FIRST = 34, RT_COUNT = SIGNALS_MAX - RT_FIRST };

static const struct {
	const char *name;
	int number;
} names[] = {
	{ "HUP", SIGHUP },
	{ "INT", SIGINT },
	{ "QUIT", SIGQUIT },
	{ "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE },
	{ "ALRM", SIGALRM },
	{ "TERM", SIGTERM },
	{ "CONT", SIGCONT },
	{ "TSTP", SIGTSTP },
	{ "TTIN", SIGTTIN },
	{ "TTOU", SIGTTOU },
	{ "URG", SIGURG },
	{ "VTALRM", SIGVTALRM },
	{ "PROF", SIGPROF },
	{ "WINCH", SIGWINCH },
	{ "IO", SIGIO },
	{ "PWR", SIGPWR },
	{ "KILL", SIGKILL },
	{ "STOP", SIGSTOP },
	{ "ABRT", SIGABRT },
	{ "SEGV", SIGSEGV },
	{ "BUS", SIGBUS },
	{ "FPE", SIGFPE },
	{ "ILL", SIGILL },
	{ "TRAP", SIGTRAP },
	{ "SYS", SIGSYS },
	{ "STKFLT", SIGSTKFLT },
	{ "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ },
	{ "RTMIN", RT_FIRST },
	{ "RTMAX", SIGNALS_MAX },
	/* Behind the names that are told. */
	{ "POLL", SIGPOLL },
	{ "IOT", SIGIOT },
};

enum { NAMES = sizeof names / sizeof names[0] };

/* RTMIN+N and RTMAX-N. */
static int
real_time(struct slice name)
{
	bool up = slice_eq_nocase(slice_head(name, 6), "RTMIN+");
	uint64_t steps = 0;

	if ((!up && !slice_eq_nocase(slice_head(name, 6), "RTMAX-")) ||
	    !slice_u64(slice_skip(name, 6), RT_COUNT, &steps))
		return 0;
	return up ? RT_FIRST + (int)steps : SIGNALS_MAX - (int)steps;
}

int
signals_number(struct slice name)
{
	uint64_t number = 0;

	if (slice_u64(name, SIGNALS_MAX, &number))
		return (int)number;
	if (slice_eq_nocase(slice_head(name, 3), "SIG"))
		name = slice_skip(name, 3);
	for (size_t i = 0; i < NAMES; i++) {
		if (slice_eq_nocase(name, names[i].name))
			return names[i].number;
	}
	return real_time(name);
}

uint64_t
signals_bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

const char *
signals_name(int number)
{
	static char text[sizeof "RTMIN+30"];

	for (size_t i = 0; i < NAMES; i++) {
		if (names[i].number == number)
			return names[i].name;
	}
	if (number < RT_FIRST || number > SIGNALS_MAX)
		return "?";
	snprintf(text, sizeof text, "RTMIN+%d", number - RT_FIRST);
	return text;
}

enum { SET_SIZE = SIGNALS_MAX / 8 };

/* The C library keeps three signals for its threads, of which there are none
 * here, and leaves them out of what it fills and tells: by the system call
 * they are signals like all others.  A fault of our own ends us though its
 * signal is blocked. */
int
signals_open(int *fd, struct exec_signals *before, struct err *err)
{
	struct sigaction child = { .sa_handler = SIG_DFL };
	sigset_t set;

	memset(&set, 0xff, sizeof set);
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &before->mask,
	        SET_SIZE) != 0 ||
	    sigaction(SIGCHLD, &child, &before->child) != 0)
		return err_sys(err, ERR_KIND_SYSTEM, "signals");
	*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*fd < 0) {
		log_event(LOG_WARN, "signals",
		    "signalfd: %s; signals are looked for every %d ms",
		    strerror(errno), SIGNALS_LOOK_MS);
	}
	return 0;
}

/* Blocked signals wait until somebody asks for them. */
int
signals_next(int fd)
{
	struct signalfd_siginfo info;
	struct timespec now = { 0 };
	sigset_t set;
	long number;

	if (fd >= 0)
		return read(fd, &info, sizeof info) > 0 ? (int)info.ssi_signo
		                                        : 0;
	memset(&set, 0xff, sizeof set);
	number = syscall(SYS_rt_sigtimedwait, &set, NULL, &now, SET_SIZE);
	return number > 0 ? (int)number : 0;
}

void
signals_wait(struct pollfd *fds, size_t count, int ms)
{
	int look = ms < 0 || ms > SIGNALS_LOOK_MS ? SIGNALS_LOOK_MS : ms;
	int rc = poll(fds, count, fds[0].fd < 0 ? look : ms);

	if (rc < 0 && errno != EINTR)
		clock_sleep(clock_in(look));
}
