#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct exec_signals;
struct spec;
struct user_ids;

/*
 * Starting programs: the agent, and the application under `run`.  Between
 * fork and exec only async-signal-safe calls are made; a failure of exec
 * comes back as an error with errno.
 */
struct child_options {
	const char *const *argv; /* NULL-terminated, not empty */
	char *const *envp;
	const char *dir; /* NULL = stay */
	bool search;     /* look argv[0] up in PATH of envp */
	bool new_group;  /* a process group of its own */
	bool foreground; /* and the terminal's foreground group; SIGTTOU has to
	                  * be blocked */
	bool null_stdin, null_stdout, null_stderr; /* /dev/null */
	bool with_parent;                   /* SIGTERM when the parent dies */
	const struct user_ids *user;        /* NULL = stay */
	const struct exec_signals *signals; /* NULL = none ignored or blocked */
};

/*
 * Start it.  Without PATH the folders that container runtimes put there are
 * searched; a file that the kernel does not know how to run is given to
 * /bin/sh, as execvp(3) does.  On failure *exec_errno tells whether the program
 * was not found (ENOENT …), 0 when something before exec failed.
 */
int child_start(pid_t *pid, const struct child_options *options,
    int *exec_errno, struct err *err);

/* Exit status as a shell reports it: the status, or 128 + signal. */
int child_status(int wait_status);

#endif
