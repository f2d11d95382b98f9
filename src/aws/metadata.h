/* SPDX-License-Identifier: MIT */
#ifndef AWS_METADATA_H
#define AWS_METADATA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

struct api;
struct json;

/*
 * One document of a metadata service: the instance's, the task's or the
 * container's credentials.  Asked again when that can help; never through a
 * proxy.
 */
struct metadata {
	const char *what; /* the document's name, for messages; borrowed */
	struct api *api;  /* borrowed */
	int64_t deadline;
	const struct url *base;
	const char *below;             /* the path below that of base, or "" */
	struct http_header headers[2]; /* up to the first without a value */
	bool put;     /* a PUT without a body takes the place of GET */
	bool json;    /* nothing but JSON counts as an answer */
	bool sparing; /* ask again only after no answer or status 5xx */
	/* True: asking again is of no use.  May be NULL. */
	bool (*settled)(const struct err *cause);
	int connect_ms, read_ms;
	int attempts;
	int pause_ms;       /* between attempts */
	size_t body_max;    /* of the answer; 0 = 64 KiB */
	enum err_kind kind; /* of all errors but those of TLS; NONE = its own */
	/* The last answer; freed by metadata_free(). */
	struct http_msg answer;
	struct json *doc; /* with json set */
};

/*
 * 0 once an answer has status 200 and a body.  Else the error tells why the
 * last attempt was in vain: "WHAT from HOST: …", with http_status (0 = there
 * was no answer), timed_out and ambiguous.
 */
int metadata_ask(struct metadata *m, struct err *err);
void metadata_free(struct metadata *m);

#endif
