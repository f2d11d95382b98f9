#ifndef APP_SIGNALS_H
#define APP_SIGNALS_H

#include <stdint.h>

struct err;
struct slice;

/* Names of signals: "TERM", with or without "SIG", any letter case, or a
 * number; 0 = none of them. */
int signals_number(struct slice name);

/* A set of signals is 64 bits: this is the place of one. */
uint64_t signals_bit(int number);

/* Block all signals but those that a fault of our own raises, and give a
 * descriptor to read them from (signalfd(2), non-blocking). */
int signals_open(int *fd, struct err *err);

/* "TERM" for SIGTERM; "?" for a signal without a name. */
const char *signals_name(int number);

#endif
