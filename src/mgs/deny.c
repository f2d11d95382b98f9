/* SPDX-License-Identifier: MIT */
#include "mgs/deny.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"

enum { FOUR = 4, SIX = 16, TEXT_MAX = 80 };

/* A block of addresses: those whose first bits are these. */
struct block {
	unsigned char bytes[SIX];
	unsigned char bits;
};

static const struct block four[] = {
	{ { 0 }, 8 },
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 },
};

static const struct block six[] = {
	{ { 0 }, 128 },
	{ { [15] = 1 }, 128 },
	{ { 0xfe, 0x80 }, 10 },
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32 },
};

/* IPv6 addresses that stand for IPv4 ones (RFC 4291, 2.5.5; RFC 2765; RFC
 * 3056; RFC 6052; RFC 8215), and where the four bytes are. */
static const struct {
	struct block block;
	unsigned char at;
} holders[] = {
	{ { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },
	{ { { 0 }, 96 }, 12 },
	{ { { [8] = 0xff, [9] = 0xff }, 96 }, 12 },
	{ { { 0x20, 0x02 }, 16 }, 2 },
	{ { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },
	{ { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, 12 },
};

static bool
lies_in(const struct block *block, const unsigned char *address)
{
	size_t whole = block->bits / 8;
	unsigned rest = block->bits % 8;

	return memcmp(block->bytes, address, whole) == 0 &&
	       (rest == 0 ||
	           (block->bytes[whole] ^ address[whole]) >> (8 - rest) == 0);
}

static bool
lies_in_one(const struct block *blocks, size_t count,
    const unsigned char *address)
{
	for (size_t i = 0; i < count; i++) {
		if (lies_in(&blocks[i], address))
			return true;
	}
	return false;
}

static bool
deny_four(const unsigned char *address)
{
	return lies_in_one(four, sizeof four / sizeof four[0], address);
}

bool
deny_address(const void *bytes, size_t size)
{
	const unsigned char *address = bytes;

	if (size == FOUR)
		return deny_four(address);
	if (size != SIX)
		return true;
	for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
		if (lies_in(&holders[i].block, address) &&
		    deny_four(&address[holders[i].at]))
			return true;
	}
	return lies_in_one(six, sizeof six / sizeof six[0], address);
}

/* Without brackets, a zone, and the dot behind a name. */
static struct slice
bare(const char *host)
{
	struct slice s = slice_of(host), zone;

	if (slice_starts(s, "[") && slice_ends(s, "]"))
		s = slice_head(slice_skip(s, 1), s.len - 2);
	slice_split(s, '%', &s, &zone);
	while (slice_ends(s, "."))
		s = slice_head(s, s.len - 1);
	return s;
}

static bool
is_local_name(struct slice name)
{
	static const char local[] = ".localhost";
	size_t len = sizeof local - 1;

	if (slice_eq_nocase(name, &local[1]))
		return true;
	return name.len > len &&
	       slice_eq_nocase(slice_skip(name, name.len - len), local);
}

bool
deny_host(const char *host)
{
	struct slice name = bare(host);
	unsigned char bytes[SIX];
	struct in_addr old;
	char text[TEXT_MAX];

	if (is_local_name(name))
		return true;
	/* No address is that long. */
	if (!slice_copy(name, text, sizeof text))
		return false;
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return deny_address(bytes, SIX);
	return inet_aton(text, &old) == 1 && deny_address(&old, FOUR);
}

int
deny_say(const char *what, struct err *err)
{
	char shown[TEXT_MAX];

	err_clean(shown, sizeof shown, what, slice_of(what).len);
	return err_set(err, ERR_KIND_INVALID_VALUE,
	    "Forwarding to IP address %s is forbidden.", shown);
}
