#ifndef BASE_EXEC_H
#define BASE_EXEC_H

#include <signal.h>
#include <stdbool.h>

/*
 * Becoming another program, after fork(2): async-signal-safe, allocates
 * nothing.
 */

/* What init changes of its own signals, as it was before. */
struct exec_signals {
	sigset_t mask;
	struct sigaction child; /* of SIGCHLD */
};

/* The PATH of an environment without one, as container runtimes have it. */
#define EXEC_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Default dispositions and an empty mask. */
void exec_reset_signals(void);

/* As they were; what was ignored from the start still is. */
void exec_restore_signals(const struct exec_signals *before);

/*
 * Become argv[0] with the environment; comes back with errno if that fails.
 * search: look a name without '/' up in PATH of envp, or EXEC_PATH.  A file
 * that the kernel does not know how to run is given to /bin/sh, as execvp(3)
 * does.
 */
void exec_program(const char *const *argv, char *const *envp, bool search);

#endif
