/* SPDX-License-Identifier: MIT */
#ifndef NET_RESOLVE_CONF_H
#define NET_RESOLVE_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/cidr.h"

/* The files resolv.conf(5) and hosts(5); pure.  What is not understood is
 * left out, as every resolver does. */

enum { RESOLVE_CONF_SERVERS = 3 };

struct resolve_conf {
	struct cidr_address servers[RESOLVE_CONF_SERVERS];
	/* The interface behind "%" of a link-local one, borrowed, or empty. */
	struct slice zones[RESOLVE_CONF_SERVERS];
	size_t count;        /* of servers, at least 1 */
	struct slice search; /* domains with blanks between, borrowed */
	uint64_t ndots;      /* 0 to 15, 1 if nothing is said */
	uint64_t timeout;    /* seconds, 1 to 30; 5 */
	uint64_t attempts;   /* 1 to 5; 2 */
};

void resolve_conf_read(struct resolve_conf *out, struct slice text);

/* The number of an interface by its name, which text, /proc/net/if_inet6, has,
 * or by that number; 0 = there is none. */
uint32_t resolve_conf_zone(struct slice text, struct slice zone);

/* Add the addresses of every line that has the name, in whatever case. */
void resolve_conf_hosts(struct slice text, struct slice name,
    struct cidr_list *out);

/* Cut the next word off; false, with an empty word, without one. */
bool resolve_conf_word(struct slice *rest, struct slice *word);

#endif
