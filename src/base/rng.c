/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

int
rng_fill(void *data, size_t len, struct err *err)
{
	unsigned char *bytes = data;
	size_t done = 0;

	while (done < len) {
		ssize_t n = getrandom(&bytes[done], len - done, 0);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			return err_sys(err, ERR_KIND_SYSTEM,
			    "cannot draw random bytes");
	}
	return 0;
}

int
rng_uuid(char out[static RNG_UUID_SIZE], struct err *err)
{
	uint16_t w[8];

	if (rng_fill(w, sizeof w, err) != 0)
		return -1;
	/* Version 4 and the variant of the RFC. */
	w[3] = (uint16_t)((w[3] & 0x0fff) | 0x4000);
	w[4] = (uint16_t)((w[4] & 0x3fff) | 0x8000);
	snprintf(out, RNG_UUID_SIZE, "%04x%04x-%04x-%04x-%04x-%04x%04x%04x",
	    w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]);
	return 0;
}

double
rng_unit(void)
{
	uint64_t bits = 0;

	/* It spreads retries in time and needs no secrecy: where the kernel
	 * gives no randomness yet, the clock's low digits do. */
	if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) !=
	    (ssize_t)sizeof bits) {
		struct timespec now = { 0 };

		clock_gettime(CLOCK_MONOTONIC, &now);
		return (double)now.tv_nsec / 1e9;
	}
	/* A double holds 53 bits. */
	return (double)(bits >> 11) / (double)(1ULL << 53);
}
