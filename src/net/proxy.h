/* SPDX-License-Identifier: MIT */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "net/url.h"

struct err;

/* Which proxy an URL goes through; pure. */
enum { PROXY_AUTH_MAX = 512 };

struct proxy {
	bool used;
	uint16_t port;
	char host[URL_HOST_MAX + 1];
	char auth[PROXY_AUTH_MAX]; /* "Basic …" or ""; secret */
};

/*
 * https_proxy, else HTTPS_PROXY, for https; http_proxy, else HTTP_PROXY, for
 * http (not with REQUEST_METHOD set); no_proxy, else NO_PROXY, with names,
 * addresses and CIDR blocks.  Only http:// proxies; anything else is an error
 * (ERR_KIND_PROXY) that names the variable and never its value.
 */
int proxy_choose(struct proxy *out, const struct url *url, struct env env,
    struct err *err);

/* The proxy answered 407: gives -1 with the advice how to set user and
 * password; tls: for an https URL. */
int proxy_refused(const struct proxy *proxy, bool tls, struct err *err);

void proxy_wipe(struct proxy *proxy);

#endif
