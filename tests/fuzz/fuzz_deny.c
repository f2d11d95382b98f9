/* SPDX-License-Identifier: MIT */
/*
 * The input is a host.  An address is judged alike as text and as bytes, and
 * however it is wrapped.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mgs/deny.h"

enum { HOST_MAX = 300 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char host[HOST_MAX], wrapped[HOST_MAX + 16];
	unsigned char bytes[16];
	bool refused;

	if (size >= sizeof host || memchr(data, 0, size) != NULL)
		return 0;
	memcpy(host, data, size);
	host[size] = '\0';
	refused = deny_host(host);
	if (inet_pton(AF_INET, host, bytes) == 1)
		require(refused == deny_address(bytes, 4));
	else if (inet_pton(AF_INET6, host, bytes) == 1)
		require(refused == deny_address(bytes, 16));
	else
		return 0;
	(void)snprintf(wrapped, sizeof wrapped, "[%s%%lo]", host);
	require(refused == deny_host(wrapped));
	if (strchr(host, ':') == NULL) {
		(void)snprintf(wrapped, sizeof wrapped, "::ffff:%s", host);
		require(refused == deny_host(wrapped));
	}
	return 0;
}
