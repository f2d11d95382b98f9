#ifndef BASE_PACK_H
#define BASE_PACK_H

#include <stddef.h>

struct buf;

/*
 * Long texts that are seldom needed, at half their size.  build.d/pack.awk
 * makes them: a byte below 128 is a character, one above stands for two
 * bytes, each of which is either and, if above 127, smaller than itself.
 */
struct pack {
	const unsigned char *text;
	size_t len;
	const unsigned char (*pairs)[2]; /* of 128, of 129, … */
};

/* Append the whole text. */
void pack_expand(struct buf *out, const struct pack *pack);

#endif
