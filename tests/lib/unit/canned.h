/* SPDX-License-Identifier: MIT */
#ifndef UNIT_CANNED_H
#define UNIT_CANNED_H

#include "aws/api.h"
#include "aws/conf.h"
#include "aws/cred/cred.h"
#include "base/err.h"

/*
 * An AWS of canned answers, for tests of calls: requests are written down,
 * and each gets the next answer.  Nothing is read but the given environment.
 */
struct canned_answer {
	int status; /* 0 = none: what the transport reports is next */
	enum err_kind fault;
	enum err_retry retry;
	bool ambiguous;
	const char *headers; /* "Name: value\r\n" each; NULL = none, but for
	                      * 101 what a websocket's server answers */
	const char *body;    /* NULL = empty */
};

enum { CANNED_SEEN = 8, CANNED_TEXT = 4096, CANNED_VARS = 16 };

struct canned {
	char *vars[CANNED_VARS + 1];
	struct conf *conf;
	struct api api;
	struct cred cred;
	const struct canned_answer *answers;
	size_t count, used;
	/* "POST https://host/path\nName: value\n…\n\nbody" */
	char seen[CANNED_SEEN][CANNED_TEXT];
	size_t body_max; /* of the last request */
	int read_ms;
	int peer; /* the other end of the last line, after 101; -1 = none */
	struct api_reply reply;
	struct err err;
};

/* vars: NAME=VALUE, ended by NULL; NULL = none. */
void canned_open(struct canned *c, const char *const *vars);
void canned_close(struct canned *c);

/* Call with the canned credentials, after what was left of the last call was
 * dropped; all answers must be asked for. */
int canned_call(struct canned *c, const struct api_request *req,
    const struct canned_answer *answers, size_t count);

/* The same network for another caller. */
struct transport canned_transport(struct canned *c,
    const struct canned_answer *answers, size_t count);

/* The value of a header of request n, or fail. */
void canned_header(const struct canned *c, size_t n, const char *name,
    char *out, size_t size);
bool canned_has(const struct canned *c, size_t n, const char *text);

/* One answer that is a success, and a call that may get it. */
extern const struct canned_answer canned_ok[1];
extern const struct api_request canned_create;

#define CANNED_DENIED                                                  \
	{                                                              \
		.status = 400, .headers = "x-amzn-RequestId: r-2\r\n", \
		.body = "{\"__type\":\"ValidationException\","         \
		        "\"message\":\"no\"}"                          \
	}

#define CANNED(list) (list), sizeof(list) / sizeof((list)[0])

#endif
