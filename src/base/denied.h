#ifndef BASE_DENIED_H
#define BASE_DENIED_H

#include <stdbool.h>

/*
 * Whether errno says that nobody here may make a system call: a seccomp policy
 * denies it, or the file system has nothing of it.  If so it warns once for
 * all processes (base/once): the call, and what is lost without it.  Keeps
 * errno.
 */
bool denied_call(const char *call, const char *loss);

#endif
