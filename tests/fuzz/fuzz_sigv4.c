/* SPDX-License-Identifier: MIT */
/*
 * Canonical requests: the input is path, query, a header's name and its
 * value, and the body, each up to a NUL.  The form of the result is always
 * the same, and normalising is done once and for all.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { PARTS = 5 };

static void
check_path(struct slice path)
{
	require(slice_starts(path, "/"));
	require(slice_find(path, "//") < 0);
	require(slice_find(path, "/./") < 0 && slice_find(path, "/../") < 0);
	require(slice_all_in(path,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789-._~/%"));
}

/* An encoded path without '%' is not changed by another round. */
static void
check_again(struct sigv4_request req, struct slice path)
{
	struct buf out = { .max = 1 << 22 };
	struct slice rest, line = { 0 };
	char *copy = slice_dup(path);

	req.path = copy;
	if (!slice_has(path, '%') && sigv4_canonical(&req, &out, NULL) == 0) {
		rest = slice_of(buf_str(&out));
		require(slice_cut(&rest, '\n', &line));
		require(slice_cut(&rest, '\n', &line));
		require(slice_same(line, path));
	}
	buf_free(&out);
	free(copy);
}

static void
check_form(const struct sigv4_request *req, const struct buf *out)
{
	struct slice rest = slice_make(out->data, out->len), line, head, hash;

	require(slice_cut(&rest, '\n', &line) && slice_eq(line, "POST"));
	require(slice_cut(&rest, '\n', &line));
	check_path(line);
	check_again(*req, line);
	require(slice_rsplit(rest, '\n', &head, &hash));
	/* The caller's own hash is taken as it is. */
	require(hash.len == 64 || slice_eq_nocase(slice_of(req->headers->name),
	                              "x-amz-content-sha256"));
}

static void
check_signature(const struct sigv4_request *req)
{
	struct buf out = { .max = 1 << 22 };

	if (sigv4_string_to_sign(req, &out, NULL) == 0) {
		require(slice_starts(slice_of(buf_str(&out)),
		    "AWS4-HMAC-SHA256\n20260115T083007Z\n20260115/r/ssm/"
		    "aws4_request\n"));
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size), piece;
	char *part[PARTS] = { NULL };
	struct http_header header;
	struct sigv4_request req = { .method = "POST",
		.headers = &header,
		.header_count = 1,
		.region = "r",
		.service = "ssm",
		.when = 1768465807 };
	struct buf out = { .max = 1 << 22 };

	for (size_t i = 0; i < PARTS; i++) {
		(void)slice_cut(&rest, '\0', &piece);
		part[i] = slice_dup(piece);
		require(part[i] != NULL);
	}
	req.path = part[0];
	req.query = part[1];
	header = (struct http_header){ part[2], part[3] };
	req.body = part[4];
	req.body_len = strlen(part[4]);
	if (sigv4_canonical(&req, &out, NULL) == 0)
		check_form(&req, &out);
	check_signature(&req);
	buf_free(&out);
	for (size_t i = 0; i < PARTS; i++)
		free(part[i]);
	return 0;
}
