/* SPDX-License-Identifier: MIT */
#ifndef KEEP_TTL_H
#define KEEP_TTL_H

#include <stdbool.h>
#include <stdint.h>

struct config;

/*
 * How long a node may live (SSM_ACTIVATE_TTL), counted from when it is up.
 * When that is over, open sessions and commands get the grace: until none is
 * left, or the grace is over too.  Zero is a node that lives as long as its
 * container.
 */
struct ttl {
	int64_t next;   /* when ttl_over() wants to be asked, 0 = never */
	int64_t latest; /* clock_ms() time base, as next */
	int64_t until;  /* without the grace, seconds since 1970, 0 = none */
	int64_t asked;  /* the same, where somebody chose it */
	bool cut;       /* it was ended early */
};

/* The node is up: log when it will go, counted from now; from the first one,
 * for a node that takes the place of one that AWS did not accept any more. */
void ttl_begin(struct ttl *ttl, const struct config *cfg, const char *node);

/* Its time is over now. */
void ttl_cut(struct ttl *ttl, const struct config *cfg);

/* True, once, when the node has to go. */
bool ttl_over(struct ttl *ttl);

#endif
