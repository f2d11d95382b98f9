#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include <stdint.h>

struct err;
struct exec_signals;
struct slice;

/* Names of signals: "TERM", with or without "SIG", any letter case, or a
 * number; 0 = none of them. */
int signals_number(struct slice name);

/* A set of signals is 64 bits: this is the place of one. */
uint64_t signals_bit(int number);

/*
 * Block all signals and give a descriptor to read them from (signalfd(2),
 * non-blocking).  Children can be waited for from then on, even where SIGCHLD
 * was ignored.
 */
int signals_open(int *fd, struct exec_signals *before, struct err *err);

/* The next signal that came, 0 = none. */
int signals_next(int fd);

/* "TERM" for SIGTERM; "?" for a signal without a name. */
const char *signals_name(int number);

#endif
