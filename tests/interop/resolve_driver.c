/* SPDX-License-Identifier: MIT */
/*
 * resolve_driver HOST MILLISECONDS: the addresses of a host, one a line, in
 * the order in which they would be tried; or "final: " or "again: " and what
 * went wrong, with status 1.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "net/cidr.h"
#include "net/resolve.h"

int
main(int argc, char **argv)
{
	struct cidr_list list = { .count = 0 };
	struct err err = { 0 };
	char text[INET6_ADDRSTRLEN];
	uint64_t limit = 0;

	if (argc < 3 || !slice_u64(slice_of(argv[2]), INT32_MAX, &limit))
		return 2;
	log_open(LOG_DEBUG, LOG_TEXT);
	if (resolve_host(argv[1], argc > 3, clock_in((int64_t)limit), &list,
	        &err) != 0) {
		printf("%s: %s\n", err.retry == ERR_FINAL ? "final" : "again",
		    err.msg);
		return 1;
	}
	for (size_t i = 0; i < list.count; i++) {
		int family = list.at[i].size == 4 ? AF_INET : AF_INET6;

		puts(inet_ntop(family, list.at[i].bytes, text, sizeof text));
	}
	return 0;
}
