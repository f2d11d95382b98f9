/* SPDX-License-Identifier: MIT */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * An environment as an argument: the NULL-terminated array that execve(2)
 * takes.  Pure modules get it instead of calling getenv(3).
 */
struct env {
	char *const *vars; /* borrowed; NULL = empty */
};

/* The value, or NULL when the variable is unset or empty: every AWS setting
 * treats the two alike. */
const char *env_get(struct env env, const char *name);

/* The value, "" when it is set but empty, NULL when it is unset. */
const char *env_raw(struct env env, const char *name);

/*
 * Take a secret out of the process's own environment: its bytes are
 * overwritten where the kernel shows them (/proc/PID/environ) and the
 * variable is removed from the array.
 */
void env_erase(char **vars, const char *name);

/*
 * The same with all variables but those that keep() wants.  Who looks later
 * finds the others unset.
 */
void env_keep(char **vars, bool (*keep)(struct slice name));

#endif
