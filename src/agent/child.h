#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct err;
struct spec;
struct user_ids;

/*
 * Starting programs: the agent, and the application under `run`.  Between
 * fork and exec only async-signal-safe calls are made; a failure of exec
 * comes back as an error with errno.
 */
struct child_options {
	const char *const *argv;      /* NULL-terminated */
	char *const *envp;
	const char *dir;	      /* NULL = stay */
	bool search;		      /* look argv[0] up in PATH of envp */
	bool new_group;		      /* a process group of its own */
	bool foreground;	      /* and the terminal's foreground group */
	bool null_stdin, null_stdout; /* /dev/null */
	const struct user_ids *user;  /* NULL = stay */
};

/*
 * Start it with default signal dispositions and an empty signal mask.  On
 * failure *exec_errno tells whether the program was not found (ENOENT …), 0
 * when something before exec failed.
 */
int child_start(pid_t *pid, const struct child_options *options,
    int *exec_errno, struct err *err);

/* Exit status as a shell reports it: the status, or 128 + signal. */
int child_status(int wait_status);

#endif
