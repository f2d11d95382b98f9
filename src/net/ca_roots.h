/* SPDX-License-Identifier: MIT */
#ifndef NET_CA_ROOTS_H
#define NET_CA_ROOTS_H

#include <stddef.h>

/*
 * The built-in trust anchors as DER certificates; the table is written by
 * build.sh from Debian's ca-certificates and checked against
 * vendor/roots.lock.  china: for names of the China partition only.
 */
struct ca_root {
	const char *name;
	const unsigned char *der;
	size_t len;
	int china;
};

extern const struct ca_root ca_roots_table[];
extern const size_t ca_roots_count;

#endif
