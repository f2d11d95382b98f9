/* SPDX-License-Identifier: MIT */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>

struct err;

/* The kernel's randomness (getrandom(2)). */
int rng_fill(void *data, size_t len, struct err *err);

/* A random UUID (RFC 4122, 4.4), lower case, 36 characters and a NUL. */
enum { RNG_UUID_SIZE = 37 };
int rng_uuid(char out[static RNG_UUID_SIZE], struct err *err);

/* A number in [0, 1). */
double rng_unit(void);

#endif
