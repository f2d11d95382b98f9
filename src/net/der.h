/* SPDX-License-Identifier: MIT */
#ifndef NET_DER_H
#define NET_DER_H

#include <stdbool.h>

#include "base/slice.h"

/*
 * Elements of DER (X.690), of definite length and with tags of one byte, cut
 * off a slice.  False changes nothing.
 */
enum { DER_ANY = 0, DER_OID = 0x06, DER_SEQUENCE = 0x30 };

/* A slice of constant bytes, for initializers. */
#define DER_BYTES(bytes)                                        \
	{                                                       \
		(bytes), sizeof bytes - 1 /* NOLINT: no type */ \
	}

struct der {
	unsigned tag;
	struct slice whole, value;
};

/* The next one, which must have the tag, unless that is DER_ANY. */
bool der_take(struct slice *rest, unsigned tag, struct der *out);

/* The next one, if it has the tag. */
bool der_optional(struct slice *rest, unsigned tag, struct der *out);

/* The one that is all there is. */
bool der_only(struct slice all, unsigned tag, struct der *out);

#endif
