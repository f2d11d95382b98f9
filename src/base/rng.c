/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
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
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[16];
	size_t at = 0;

	if (rng_fill(bytes, sizeof bytes, err) != 0)
		return -1;
	/* Version 4 and the variant of the RFC. */
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof bytes; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = digits[bytes[i] >> 4];
		out[at++] = digits[bytes[i] & 15];
	}
	out[at] = '\0';
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
