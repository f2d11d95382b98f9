/* SPDX-License-Identifier: MIT */
#ifndef NET_CIDR_H
#define NET_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* IP addresses in text form and blocks of them (RFC 4632); pure. */

struct cidr_address {
	unsigned char bytes[16];
	unsigned char size; /* 4 or 16 bytes are used */
	uint32_t scope;     /* interface of a link-local address; 0 = none */
};

enum { CIDR_LIST_MAX = 32 };

struct cidr_list {
	struct cidr_address at[CIDR_LIST_MAX];
	size_t count;
};

/* The text is an IPv4 address, or an IPv6 address without brackets and zone.
 * An IPv4 address in IPv6 form (::ffff:10.0.0.1) becomes the IPv4 address. */
bool cidr_read(struct cidr_address *out, struct slice text);

/* Add an address of 4 or 16 bytes; a full list stays as it is. */
void cidr_add(struct cidr_list *list, const void *bytes, size_t size);

/* host is an address that cidr_read() takes. */
bool cidr_is_address(const char *host);

/*
 * The address host lies in the block: "10.0.0.0/8", "fd00::/8", or a lone
 * address.  False when either of the two is something else.
 */
bool cidr_has(struct slice block, const char *host);

#endif
