/* SPDX-License-Identifier: MIT */
#ifndef MGS_DENY_H
#define MGS_DENY_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/*
 * Where a session may not be forwarded to as a remote host: this container
 * itself and what hands out credentials or is AWS's own (amazon-ssm-agent
 * 3.3.4851 and later; agent/session/plugins/port).  Pure.
 *
 * Refused are loopback (127/8, ::1), unspecified addresses (0/8, ::),
 * link-local ones (169.254/16: metadata of EC2, credentials of ECS and EKS,
 * DNS, time, licences; fe80::/10), fd00:ec2::/32, and each IPv6 address that
 * holds such an IPv4 address: mapped, compatible, translated, 6to4, NAT64.
 */

/* size: 4 or 16 bytes, as an address goes over the wire; any other size is
 * refused. */
bool deny_address(const void *bytes, size_t size);

/*
 * The host as it was given, before it is looked up: an address (also with
 * brackets, a zone, or in the forms of inet_aton(3): 127.1, 0x7f000001) that
 * is refused, localhost, or a name below it.  Another name is not refused:
 * each address that it leads to is to be asked for with deny_address().
 */
bool deny_host(const char *host);

/* Fill in "Forwarding to IP address X is forbidden."; gives -1. */
int deny_say(const char *what, struct err *err);

#endif
