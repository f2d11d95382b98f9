/* SPDX-License-Identifier: MIT */
#ifndef UNIT_DISTURB_H
#define UNIT_DISTURB_H

#include <signal.h>
#include <sys/time.h>

static void
disturb_ignore(int signal)
{
	(void)signal;
}

/* Send this process signals without SA_RESTART, every 10 ms, or no more;
 * include <cmocka.h> before. */
static void
disturb(int on)
{
	struct sigaction action = { .sa_handler =
		                        on ? disturb_ignore : SIG_DFL };
	struct itimerval timer = { { 0 }, { 0 } };

	if (on) {
		timer.it_interval.tv_usec = 10000;
		timer.it_value.tv_usec = 10000;
	}
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
}

#endif
