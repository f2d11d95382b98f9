/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include "aws/api.h"
#include "aws/client.h"
#include "aws/conf.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"
#include "net/http.h"

/*
 * A service whose answers are the input: pieces with NUL bytes between.  The
 * first byte of a piece chooses the status, the rest is the body; after the
 * last one nobody answers.
 */
struct answers {
	struct slice rest;
};

static inline int
answers_give(void *context, const struct http_request *request,
    struct http_msg *answer, struct err *err)
{
	static const int statuses[] = { 200, 400, 403, 404, 500, 503 };
	enum { COUNT = sizeof(statuses) / sizeof(statuses[0]) };
	struct answers *answers = context;
	struct slice piece;
	struct buf text = { .max = 1 << 20 };
	size_t used = 0;
	int rc;

	http_msg_init(answer, request->body_max, false);
	if (!slice_cut(&answers->rest, '\0', &piece) || piece.len == 0)
		return err_set(err, ERR_KIND_CONNECTION, "nobody answers");
	buf_printf(&text, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n",
	    statuses[(unsigned char)(piece.ptr[0] - '0') % COUNT],
	    piece.len - 1);
	piece = slice_skip(piece, 1);
	buf_add(&text, piece.ptr, piece.len);
	rc = http_msg_feed(answer, buf_str(&text), text.len, &used, err);
	buf_free(&text);
	return rc;
}

static inline struct transport
answers_transport(struct answers *answers)
{
	return (struct transport){ .context = answers,
		.roundtrip = answers_give };
}

/* What is in the environment: keys, and that nothing is asked twice. */
static inline struct env
answers_env(void)
{
	static char home[] = "HOME=/nonexistent";
	static char key[] = "AWS_ACCESS_KEY_ID=AKIDEXAMPLE";
	static char secret[] = "AWS_SECRET_ACCESS_KEY=secret";
	static char imds[] = "AWS_EC2_METADATA_DISABLED=true";
	static char once[] = "AWS_MAX_ATTEMPTS=1";
	static char *vars[] = { home, key, secret, imds, once, NULL };

	return (struct env){ vars };
}

/* A client of that service; client_free() is the caller's. */
static inline struct client *
answers_client(struct answers *answers)
{
	struct conf_options options = { .region = "eu-west-1",
		.env = answers_env() };
	struct client *client = NULL;

	log_open(LOG_ERROR, LOG_TEXT);
	require(client_open(&client, &options, NULL) == 0);
	require(client_locate(client, NULL) == 0);
	client_api(client)->transport = answers_transport(answers);
	return client;
}

#endif
