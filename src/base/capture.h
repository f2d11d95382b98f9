/* SPDX-License-Identifier: MIT */
#ifndef BASE_CAPTURE_H
#define BASE_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * A function of ours in a process of its own, which may become another program:
 * what it writes is taken piece by piece, and it has a deadline.  The caller
 * waits for its end; work/job, agent/child and `up` start what goes on beside
 * them.
 */
enum { CAPTURE_PIECE = 4096, CAPTURE_STREAMS = 2 };

struct capture_stream {
	/* Takes a piece, the last one of length 0; false ends the process.
	 * NULL: the stream is that of the caller. */
	bool (*take)(void *into, const char *text, size_t len);
	void *into;
};

struct capture {
	int (*work)(void *argument); /* gives the exit status */
	void *argument;
	int64_t deadline; /* base/clock; INT64_MAX = none */
	struct capture_stream streams[CAPTURE_STREAMS]; /* stdout, stderr */
	int status; /* as waitpid(2) gives it, once it ended */
};

enum capture_end {
	CAPTURE_FAILED = -1, /* it was not started */
	CAPTURE_ENDED = 0,
	CAPTURE_LATE,    /* killed at the deadline */
	CAPTURE_STOPPED, /* killed, because a piece was not taken */
};

/*
 * Until the process has ended and the pipes hold nothing more: what it left
 * running may keep them open.  It is killed together with the group that it
 * leads, if it leads one, and gone then unless the kernel holds it for more
 * than 100 ms.
 */
enum capture_end capture_run(struct capture *capture, struct err *err);

/* Pieces for a struct buf: it fails when its ceiling is passed, or what is
 * over the ceiling is dropped. */
bool capture_all(void *buf, const char *text, size_t len);
bool capture_head(void *buf, const char *text, size_t len);

/* Whether a child has ended by then, and was reaped, by whomever. */
bool capture_ended(pid_t pid, int *status, int64_t until);

#endif
