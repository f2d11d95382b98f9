/*
 * resolve_driver HOST MILLISECONDS: the addresses of a host, one a line, in
 * the order in which they would be tried; or "final: " or "again: " and what
 * went wrong, with status 1.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "net/cidr.h"
#include "net/resolve.h"

int
main(int argc, char **argv)
{
	struct cidr_list list = { .count = 0 };
	struct err err = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (argc != 3)
		return 2;
	log_open(LOG_DEBUG, LOG_TEXT);
	if (resolve_host(argv[1], clock_in(atoi(argv[2])), &list, &err) != 0) {
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
