/* SPDX-License-Identifier: MIT */
#ifndef NET_URL_H
#define NET_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct err;

/* A checked http or https URL; pure. */
enum { URL_HOST_MAX = 255, URL_PATH_MAX = 2048 };

struct url {
	bool tls;     /* https */
	bool literal; /* host is an IP address */
	bool whole;   /* host is a whole name, as its maker says */
	uint16_t port;
	char host[URL_HOST_MAX + 1]; /* lower case, IPv6 without brackets */
	char path[URL_PATH_MAX + 1]; /* with query; "" when there is none */
};

/*
 * Scheme http or https; a name of labels of 1 to 63 [A-Za-z0-9-], with a
 * dot behind it or without, an IPv4 address or a bracketed IPv6 address; an
 * optional port 1 to 65535.  User info, fragments, and control characters are
 * refused.  err gets ERR_KIND_INVALID_VALUE; its text never holds user info.
 */
int url_parse(struct url *out, const char *text, struct err *err);

/* The same for a proxy, in whose name underscores are no fault: networks of
 * containers have such names.  AWS SDKs refuse them in an endpoint. */
int url_parse_proxy(struct url *out, const char *text, struct err *err);

/* Append to the path: more of it, which begins with '/' and is joined by one
 * '/' only, or "?" and a query. */
int url_append(struct url *url, const char *text, struct err *err);

/* A name without the dot that may be behind it, which only resolvers heed:
 * certificates, lists of names and SNI have none (RFC 6066, 3). */
struct slice url_bare(const char *host);

/* Append host[:port] as the Host header and the signature want it: without
 * the default port, IPv6 in brackets. */
void url_authority(const struct url *url, struct buf *out);

/* The value of a hexadecimal digit; false for any other character. */
bool url_hex(char c, unsigned *value);

/* Append host, in brackets if it is an IPv6 address, and ":port" unless that
 * is the usual one. */
void url_add_host(struct buf *out, const char *host, uint16_t port,
    uint16_t usual);

/* 127.0.0.0/8, ::1, localhost. */
bool url_is_loopback(const char *host);

/* Loopback, 169.254.0.0/16, fe80::/10 or fd00:ec2::/32: hosts that are never
 * asked for through a proxy. */
bool url_is_local(const char *host);

#endif
