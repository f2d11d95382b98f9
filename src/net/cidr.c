/* SPDX-License-Identifier: MIT */
#include "net/cidr.h"

#include <arpa/inet.h>
#include <string.h>

/* ::ffff:0:0/96 holds the IPv4 addresses (RFC 4291, 2.5.5.2). */
static const unsigned char mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0xff, 0xff };

bool
cidr_read(struct cidr_address *out, struct slice text)
{
	struct cidr_address address = { .size = 4 };
	unsigned char *bytes = address.bytes;
	char copy[INET6_ADDRSTRLEN];

	if (!slice_copy(text, copy, sizeof copy))
		return false;
	if (inet_pton(AF_INET, copy, bytes) != 1) {
		if (inet_pton(AF_INET6, copy, bytes) != 1)
			return false;
		if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0)
			memcpy(bytes, &bytes[sizeof mapped_prefix], 4);
		else
			address.size = 16;
	}
	*out = address;
	return true;
}

void
cidr_add(struct cidr_list *list, const void *bytes, size_t size)
{
	struct cidr_address *address = &list->at[list->count];

	if (list->count == CIDR_LIST_MAX)
		return;
	*address = (struct cidr_address){ .size = (unsigned char)size };
	memcpy(address->bytes, bytes, size);
	list->count++;
}

static bool
same_prefix(const struct cidr_address *a, const struct cidr_address *b,
    unsigned bits)
{
	size_t whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

bool
cidr_is_address(const char *host)
{
	struct cidr_address address;

	return cidr_read(&address, slice_of(host));
}

bool
cidr_has(struct slice block, const char *host)
{
	struct cidr_address wanted, network;
	struct slice base = block, length = { 0 };
	uint64_t most, bits;
	bool lone = !slice_split(block, '/', &base, &length);

	if (!cidr_read(&network, base) || !cidr_read(&wanted, slice_of(host)))
		return false;
	if (wanted.size != network.size)
		return false;
	bits = most = 8 * (uint64_t)network.size;
	if (!lone && !slice_u64(length, most, &bits))
		return false;
	return same_prefix(&wanted, &network, (unsigned)bits);
}
