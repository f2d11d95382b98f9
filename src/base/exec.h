#ifndef BASE_EXEC_H
#define BASE_EXEC_H

#include <stdbool.h>

/*
 * Becoming another program, after fork(2): async-signal-safe, allocates
 * nothing.
 */

/* Default dispositions and an empty mask. */
void exec_reset_signals(void);

/*
 * Become argv[0] with the environment; comes back with errno if that fails.
 * search: look a name without '/' up in PATH of envp; without PATH the
 * folders that container runtimes put there are searched.  A file that the
 * kernel does not know how to run is given to /bin/sh, as execvp(3) does.
 */
void exec_program(const char *const *argv, char *const *envp, bool search);

#endif
