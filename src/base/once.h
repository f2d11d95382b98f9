#ifndef BASE_ONCE_H
#define BASE_ONCE_H

#include <stdbool.h>

/*
 * Warnings that a family of processes gives once together, by whichever has
 * reason to first.
 */

/* Let processes that are forked from now on know of each other; done once,
 * later calls do nothing.  Without memory each warns for itself. */
void once_share(void);

/* Whether nobody asked for this key before.  Keys are short texts or paths;
 * what comes after ONCE_MAX different ones is always new. */
enum { ONCE_MAX = 32 };
bool once_new(const char *key);

#endif
