/* SPDX-License-Identifier: MIT */
#ifndef WORK_CALLER_H
#define WORK_CALLER_H

struct err;

/*
 * For commands that talk to AWS from a shell: the work is done in a child that
 * goes into the jail (work/jail.h), and what it writes on 1 and 2 comes
 * through pipes, so that it has no terminal.  Characters that are not
 * printable become '?' on the way, but for LF and tab, and CR where descriptor
 * 2 is a terminal.
 *
 * The exit status: what work gives, 128 and the signal that ended it, or that
 * of err when it could not be started or its output not be written.
 */
int caller_run(int (*work)(void *argument), void *argument, struct err *err);

/* The same, but what it writes on 1 goes into out, as it is: bytes of a process
 * that has talked to strangers. */
struct buf;
int caller_ask(int (*work)(void *argument), void *argument, struct buf *out,
    struct err *err);

#endif
