/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct exec_signals;
struct pollfd;
struct slice;

/* Names of signals: "TERM", "RTMIN+3", "RTMAX-1", with or without "SIG", any
 * letter case, or a number; 0 = none of them. */
int signals_number(struct slice name);

/* A set of signals is 64 bits: this is the place of one. */
uint64_t signals_bit(int number);

/* Between two looks without a descriptor. */
enum { SIGNALS_LOOK_MS = 100 };

/*
 * Block all signals and give a descriptor to read them from (signalfd(2),
 * non-blocking), or -1, with a warning, where there can be none: then they are
 * looked for.  Children can be waited for from then on, even where SIGCHLD was
 * ignored.  -1 where signals cannot be blocked.
 */
int signals_open(int *fd, struct exec_signals *before, struct err *err);

/* The next signal that came, 0 = none. */
int signals_next(int fd);

/* poll(2), where fds[0] is the descriptor of signals: not for longer than
 * until the next look without it, nor where poll(2) is denied. */
void signals_wait(struct pollfd *fds, size_t count, int ms);

/* "TERM" for SIGTERM, "RTMIN+3" (valid until the next call); "?" for a signal
 * without a name. */
const char *signals_name(int number);

#endif
