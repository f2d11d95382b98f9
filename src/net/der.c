/* SPDX-License-Identifier: MIT */
#include "net/der.h"

enum { LONG = 0x80, LENGTH_BYTES_MAX = 4, TAG_NUMBER = 0x1F };

bool
der_take(struct slice *rest, unsigned tag, struct der *out)
{
	const unsigned char *p = (const unsigned char *)rest->ptr;
	size_t head = 2, len;

	if (rest->len < head || (p[0] & TAG_NUMBER) == TAG_NUMBER ||
	    (tag != DER_ANY && p[0] != tag))
		return false;
	len = p[1];
	if (len >= LONG) {
		size_t bytes = len - LONG;

		if (bytes == 0 || bytes > LENGTH_BYTES_MAX ||
		    rest->len < head + bytes)
			return false;
		for (len = 0; bytes > 0; bytes--)
			len = len << 8 | p[head++];
	}
	if (len > rest->len - head)
		return false;
	out->tag = p[0];
	out->whole = slice_head(*rest, head + len);
	out->value = slice_skip(out->whole, head);
	*rest = slice_skip(*rest, head + len);
	return true;
}

bool
der_optional(struct slice *rest, unsigned tag, struct der *out)
{
	return rest->len > 0 && (unsigned char)rest->ptr[0] == tag &&
	       der_take(rest, tag, out);
}

bool
der_only(struct slice all, unsigned tag, struct der *out)
{
	return der_take(&all, tag, out) && all.len == 0;
}
