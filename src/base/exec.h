/* SPDX-License-Identifier: MIT */
#ifndef BASE_EXEC_H
#define BASE_EXEC_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/env.h"

/*
 * Becoming another user and another program, after fork(2): async-signal-safe,
 * allocates nothing.
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
 * The first regular file of the name in PATH of the environment, or EXEC_PATH,
 * that may be run.  -1 with EACCES where there are only others, with ENOENT
 * where there is none.
 */
int exec_find(char out[static PATH_MAX], const char *name, struct env env);

/*
 * Become argv[0] with the environment; comes back with errno if that fails.
 * search: look a name without '/' up in PATH by trying to run it in each
 * folder. A file that the kernel does not know how to run is given to /bin/sh,
 * as execvp(3) does.
 */
void exec_program(const char *const *argv, char *const *envp, bool search);

/*
 * Become this user for good: groups first, the user last, so that nothing is
 * left that could set the others, and check the result.  Setting what the
 * process has already needs no right.  Gives -1 with errno.  The system calls
 * are made directly: this program has one thread, and the C library's code for
 * many threads is large.
 */
int exec_become_user(uid_t uid, gid_t gid, const gid_t *groups, size_t count);

/* Give up every capability, but for those of the bounding set; -1 with errno.
 */
int exec_no_capabilities(void);

#endif
