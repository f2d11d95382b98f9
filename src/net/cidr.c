#include "net/cidr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

struct address {
	unsigned char bytes[16];
	unsigned bits; /* 32 or 128 */
};

/* ::ffff:0:0/96 holds the IPv4 addresses (RFC 4291, 2.5.5.2). */
static const unsigned char mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0xff, 0xff };

static bool
read_address(struct address *out, const char *text)
{
	unsigned char six[16];

	if (inet_pton(AF_INET, text, out->bytes) == 1) {
		out->bits = 32;
		return true;
	}
	if (inet_pton(AF_INET6, text, six) != 1)
		return false;
	if (memcmp(six, mapped_prefix, sizeof mapped_prefix) == 0) {
		memcpy(out->bytes, &six[sizeof mapped_prefix], 4);
		out->bits = 32;
	} else {
		memcpy(out->bytes, six, sizeof six);
		out->bits = 128;
	}
	return true;
}

static bool
same_prefix(const struct address *a, const struct address *b, unsigned bits)
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
	struct address address;

	return read_address(&address, host);
}

bool
cidr_has(struct slice block, const char *host)
{
	struct address wanted, network;
	struct slice base = block, length = { 0 };
	char text[INET6_ADDRSTRLEN];
	uint64_t bits = 0;
	bool lone = !slice_split(block, '/', &base, &length);

	if (!slice_copy(base, text, sizeof text))
		return false;
	if (!read_address(&network, text) || !read_address(&wanted, host))
		return false;
	if (wanted.bits != network.bits)
		return false;
	if (!lone && !slice_u64(length, network.bits, &bits))
		return false;
	return same_prefix(&wanted, &network,
	    lone ? network.bits : (unsigned)bits);
}
