/* SPDX-License-Identifier: MIT */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "net/http_msg.h"
#include "net/url.h"

struct duplex;
struct err;
struct owner;

/*
 * One request, one answer, under one deadline.  No redirects, no retries.
 * The connection stays open for the next request to the same host.
 */
struct http_request {
	const char *method;
	const struct url *url;             /* its path is the request's */
	const struct http_header *headers; /* besides Host, Content-Length */
	size_t header_count;
	const void *body;
	size_t body_len;
	bool has_length;  /* send Content-Length although the body is empty */
	bool no_proxy;    /* metadata services */
	int connect_ms;   /* for each address; 0 = 10 s */
	int read_ms;      /* for each wait; 0 = 60 s */
	int64_t deadline; /* of the whole; clock_ms() time base */
	size_t body_max;  /* bytes of the answer's body */
};

/* The seam for tests: what sends a request.  http_roundtrip() is the real
 * one, with a struct http as its context. */
struct transport {
	void *context;
	int (*roundtrip)(void *context, const struct http_request *request,
	    struct http_msg *answer, struct err *err);
	int (*upgrade)(void *context, const struct http_request *request,
	    struct http_msg *answer, struct duplex **line, struct err *err);
};

struct http_options {
	struct env env;            /* proxies */
	const char *ca_file;       /* PEM that replaces the built-in roots */
	const char *ca_setting;    /* what named it, for messages */
	const struct owner *ca_by; /* whose word its path is; NULL = ours */
};

struct http;

/* Loads ca_file at once, so that it can be read before privileges are
 * dropped.  The strings are borrowed for the life of the client. */
int http_open(struct http **out, const struct http_options *options,
    struct err *err);
void http_close(struct http *http);
struct transport http_transport(struct http *http);

/*
 * answer is initialised here and freed by the caller (http_msg_free()), also
 * after a failure.  err->ambiguous tells whether a byte of the request may
 * have reached the peer.
 */
int http_roundtrip(void *http, const struct http_request *request,
    struct http_msg *answer, struct err *err);

/*
 * The same for a request that asks for another protocol (RFC 9110, 7.8).
 * When the answer is 101, *line is the connection from there on and the
 * caller's, to be freed before http_close(); another answer leaves it as it
 * was.  The headers of request hold Connection and Upgrade.
 */
int http_upgrade(void *http, const struct http_request *request,
    struct http_msg *answer, struct duplex **line, struct err *err);

#endif
