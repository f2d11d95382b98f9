/* SPDX-License-Identifier: MIT */
/*
 * The application to which system calls are denied: it ends with 7 when it is
 * told to (SIGTERM) and needs next to nothing for that.  That it is ready is
 * to be seen from outside, by the signal, which it catches or blocks.
 */
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { STATUS = 7, LOOK_US = 10000 };

static void
end(int number)
{
	(void)number;
	_exit(STATUS);
}

int
main(void)
{
	sigset_t set;

	if (signal(SIGTERM, end) != SIG_ERR) {
		for (;;)
			(void)pause();
	}
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 0)
		(void)usleep(LOOK_US);
	return STATUS;
}
