#ifndef NET_PURPOSE_H
#define NET_PURPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Finds out whether a certificate is one for servers: without the extension
 * extendedKeyUsage it is for everything, with it only when that names servers
 * or any purpose (RFC 5280, 4.2.1.12).  BearSSL does not look at it.
 *
 * The certificate comes in pieces of any size and nothing of it is kept.  The
 * answer counts for one that BearSSL has found well formed.
 */
enum { PURPOSE_DEPTH = 8, PURPOSE_OID_MAX = 8 };

struct purpose {
	size_t at;                 /* bytes read so far */
	size_t end[PURPOSE_DEPTH]; /* of the elements we are in */
	unsigned depth;
	size_t value; /* bytes left of a value that is read or skipped */
	size_t length;
	unsigned length_bytes; /* of a long length, still to come */
	unsigned step;
	unsigned char tag;
	unsigned char oid[PURPOSE_OID_MAX];
	size_t oid_len; /* with what did not fit into oid */
	bool body;      /* the part that is signed has begun */
	bool usages;    /* in the extension that we look for */
	bool limited, servers;
};

/* All zero is the state before a certificate. */
void purpose_read(struct purpose *purpose, const unsigned char *data,
    size_t len);

/* After the last byte. */
bool purpose_serves(const struct purpose *purpose);

#endif
