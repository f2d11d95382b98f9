#ifndef NET_CIDR_H
#define NET_CIDR_H

#include <stdbool.h>

#include "base/slice.h"

/* IP addresses in text form and blocks of them (RFC 4632); pure. */

/* host is an IPv4 address, or an IPv6 address without brackets. */
bool cidr_is_address(const char *host);

/*
 * The address host lies in the block: "10.0.0.0/8", "fd00::/8", or a lone
 * address.  An IPv4 address in IPv6 form (::ffff:10.0.0.1) counts as the
 * IPv4 address.  False when either of the two is something else.
 */
bool cidr_has(struct slice block, const char *host);

#endif
