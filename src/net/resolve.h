/* SPDX-License-Identifier: MIT */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

struct cidr_list;
struct err;

/*
 * The addresses of a host, in the order in which they should be tried: both
 * families in turn, IPv6 first (RFC 8305, 4); behind them those that would be
 * reached from a private IPv6 address only, and those without a route
 * (RFC 6724, 6).  out must be empty.
 *
 * An address (IPv6 without brackets) and localhost are not looked up.
 * Otherwise /etc/hosts is asked, then the name servers of /etc/resolv.conf,
 * all at once, for IPv4 and IPv6; a truncated answer is fetched over TCP.
 * Each of the "attempts" lasts "timeout" and is sent twice, so that a lost
 * datagram costs half of it.  Names with fewer than "ndots" dots are
 * looked for in the domains of "search" first, others as they are first; a
 * domain whose servers say nothing ends that, and the name is asked as it is; a
 * dot at the end or whole (an AWS name) leaves out the domains.  Names below
 * localhost that are not in /etc/hosts are this host (RFC 6761, 6.3).
 *
 * musl's getaddrinfo() does less: a server that is silent about IPv6 costs it
 * 5 s a name, and a take-down may need two; it gives up at the first domain
 * whose servers fail, tries none when "ndots" is 0, divides by "attempts:0",
 * and needs bind(2) and sendmsg(2), which the jail refuses.
 *
 * A name that does not exist or has no address is ERR_FINAL; servers that
 * fail or do not answer by then are ERR_TRANSIENT; all ERR_KIND_CONNECTION.
 */
int resolve_host(const char *host, bool whole, int64_t deadline,
    struct cidr_list *out, struct err *err);

#endif
