/* SPDX-License-Identifier: MIT */
/* Names and numbers of signals, and the descriptor they are read from. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/exec.h"
#include "base/signals.h"
#include "base/slice.h"
#include "unit/sandbox.h"

enum { SIGNALS_TOP = 64 };

static int
number(const char *name)
{
	return signals_number(slice_of(name));
}

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(number("TERM"), SIGTERM);
	assert_int_equal(number("SIGTERM"), SIGTERM);
	assert_int_equal(number("sigterm"), SIGTERM);
	assert_int_equal(number("SiGqUiT"), SIGQUIT);
	assert_int_equal(number("usr2"), SIGUSR2);
	assert_int_equal(number("HUP"), SIGHUP);
	assert_int_equal(number("POLL"), SIGIO);
	assert_int_equal(number("SIGIOT"), SIGABRT);
}

/* As with bash, docker and systemd; SIGRTMIN of musl is one more. */
static void
test_real_time(void **state)
{
	(void)state;
	assert_int_equal(number("RTMIN"), 34);
	assert_int_equal(number("SIGRTMIN+3"), 37);
	assert_int_equal(number("sigrtmin+03"), 37);
	assert_int_equal(number("RTMIN+0"), 34);
	assert_int_equal(number("RTMIN+30"), SIGNALS_TOP);
	assert_int_equal(number("RTMIN+31"), 0);
	assert_int_equal(number("SIGRTMAX"), SIGNALS_TOP);
	assert_int_equal(number("SIGRTMAX-14"), 50);
	assert_int_equal(number("RTMAX-30"), 34);
	assert_int_equal(number("RTMAX-31"), 0);
	assert_int_equal(number("RTMIN-1"), 0);
	assert_int_equal(number("RTMAX+1"), 0);
	assert_int_equal(number("RTMIN+"), 0);
	assert_int_equal(number("RTMIN+x"), 0);
	assert_string_equal(signals_name(34), "RTMIN");
	assert_string_equal(signals_name(37), "RTMIN+3");
	assert_string_equal(signals_name(33), "?");
}

static void
test_numbers(void **state)
{
	(void)state;
	assert_int_equal(number("1"), 1);
	assert_int_equal(number("15"), SIGTERM);
	assert_int_equal(number("64"), SIGNALS_TOP);
	assert_int_equal(number("65"), 0);
	assert_int_equal(number("0"), 0);
	assert_int_equal(number("-1"), 0);
	assert_int_equal(number("18446744073709551617"), 0);
}

static void
test_neither_name_nor_number_is_refused(void **state)
{
	(void)state;
	assert_int_equal(number(""), 0);
	assert_int_equal(number("SIG"), 0);
	assert_int_equal(number("SIGSIGTERM"), 0);
	assert_int_equal(number("TERMX"), 0);
	assert_int_equal(number("TER"), 0);
	assert_int_equal(number(" TERM"), 0);
	assert_int_equal(number("SIG15"), 0);
}

/* Each name leads to its number and back. */
static void
test_back_and_forth(void **state)
{
	int named = 0;

	(void)state;
	for (int sig = 1; sig <= SIGNALS_TOP; sig++) {
		const char *name = signals_name(sig);

		if (name[0] == '?')
			continue;
		named++;
		assert_int_equal(number(name), sig);
	}
	assert_true(named >= 20);
	assert_string_equal(signals_name(SIGTERM), "TERM");
	assert_string_equal(signals_name(0), "?");
	assert_string_equal(signals_name(SIGNALS_TOP + 1), "?");
}

static void
test_every_signal_has_its_own_bit(void **state)
{
	uint64_t all = 0;

	(void)state;
	assert_true(signals_bit(1) == 1);
	assert_true(signals_bit(SIGNALS_TOP) == UINT64_C(1) << 63);
	for (int sig = 1; sig <= SIGNALS_TOP; sig++)
		all |= signals_bit(sig);
	assert_true(all == UINT64_MAX);
}

static void
reads_signals(void)
{
	struct signalfd_siginfo info;
	struct exec_signals before;
	struct err err = { 0 };
	sigset_t mask;
	int fd = -1;

	(void)signal(SIGCHLD, SIG_IGN);
	SANDBOX_CHECK(signals_open(&fd, &before, &err) == 0);
	SANDBOX_CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	/* Nothing there: it does not wait. */
	SANDBOX_CHECK(read(fd, &info, sizeof(info)) == -1);
	SANDBOX_CHECK(raise(SIGTERM) == 0);
	SANDBOX_CHECK(raise(SIGRTMIN + 3) == 0);
	SANDBOX_CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	SANDBOX_CHECK(info.ssi_signo == SIGTERM);
	SANDBOX_CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	SANDBOX_CHECK((int)info.ssi_signo == SIGRTMIN + 3);
	SANDBOX_CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
	SANDBOX_CHECK(sigismember(&mask, SIGCHLD) == 1);
	SANDBOX_CHECK(sigismember(&before.mask, SIGCHLD) == 0);
	SANDBOX_CHECK(before.child.sa_handler == SIG_IGN);
	/* Children can be waited for. */
	SANDBOX_CHECK(signal(SIGCHLD, SIG_DFL) == SIG_DFL);
	SANDBOX_CHECK(sigismember(&mask, SIGTTIN) == 1);
	SANDBOX_CHECK(sigismember(&mask, SIGSEGV) == 1);
	SANDBOX_CHECK(sigismember(&mask, SIGABRT) == 1);
	SANDBOX_CHECK(close(fd) == 0);
}

static void
test_descriptor(void **state)
{
	(void)state;
	assert_true(sandbox_fork(reads_signals));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_real_time),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_neither_name_nor_number_is_refused),
		cmocka_unit_test(test_back_and_forth),
		cmocka_unit_test(test_every_signal_has_its_own_bit),
		cmocka_unit_test(test_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
