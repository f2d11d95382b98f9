/* SPDX-License-Identifier: MIT */
#ifndef SERVE_FACTS_H
#define SERVE_FACTS_H

struct slice;

/* What a node tells of itself with each heartbeat. */
enum { FACTS_NAME_SIZE = 256, FACTS_WORD_SIZE = 65, FACTS_ADDRESS_SIZE = 46 };

struct facts {
	char computer[FACTS_NAME_SIZE];
	char platform[FACTS_WORD_SIZE], version[FACTS_WORD_SIZE];
	char address[FACTS_ADDRESS_SIZE]; /* never empty: AWS refuses that */
};

/* The host's name, /etc/os-release ("Linux" and "NotAvailable" without it), and
 * the address that a packet to the world would have as its sender; none is
 * sent.  Fine in the net worker's jail. */
void facts_gather(struct facts *out);

/* NAME and VERSION_ID of an os-release(5); pure. */
void facts_platform(struct facts *out, struct slice text);

#endif
