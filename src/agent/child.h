/* SPDX-License-Identifier: MIT */
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
	/* In a session of its own with this terminal, which is its standard
	 * input, output and error; 0 = none. */
	int terminal;
	int output, errors; /* standard output and error; 0 = the parent's */
	bool with_parent;   /* SIGTERM when the parent dies */
	bool killed_with_parent; /* SIGKILL in its place */
	bool agent; /* it is the agent: tell procs_learn() of its files */
	const struct user_ids *user;        /* NULL = stay */
	const struct exec_signals *signals; /* NULL = none ignored or blocked */
};

/* A start under way.  How long it takes is up to the program's volume. */
struct child {
	pid_t pid;
	int fd;              /* readable when there is news; -1 = no more */
	const char *program; /* argv[0] of its options, borrowed */
};

enum child_news {
	CHILD_PENDING,
	CHILD_RUNS,   /* or has ended already */
	CHILD_FAILED, /* it ends now, for the caller to reap */
};

/*
 * Begin to start it; waits for nothing.  Without PATH the folders that
 * container runtimes put there are searched; a file that the kernel does not
 * know how to run is given to /bin/sh, as execvp(3) does.
 */
int child_begin(struct child *child, const struct child_options *options,
    struct err *err);

/*
 * What became of it; waits for nothing.  On failure *exec_errno tells whether
 * the program was not found (ENOENT …), 0 when something before exec failed.
 */
enum child_news child_look(struct child *child, int *exec_errno,
    struct err *err);

/* Wait until it runs or failed, at most ms milliseconds, -1 = without end. */
void child_wait(const struct child *child, int ms);

/* Close the report of the start; pid is not touched. */
void child_drop(struct child *child);

/* What a program that exec(2) refused ends with, as in every shell: 127 not
 * found, 126 not executable. */
int child_exec_status(int exec_errno);

/* Exit status as a shell reports it: the status, or 128 + signal. */
int child_status(int wait_status);

#endif
