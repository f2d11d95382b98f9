/* SPDX-License-Identifier: MIT */
/*
 * Error answers: the first byte chooses protocol and status, up to a NUL
 * follows the header x-amzn-errortype, then the body.  The code is never
 * empty, all texts are printable, and a secret is not shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aws/fault.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

static const char secret[] = "Secret-0123";

static void
check_text(const char *text, size_t size)
{
	require(memchr(text, '\0', size) != NULL);
	for (size_t i = 0; text[i] != '\0'; i++)
		require((unsigned char)text[i] >= ' ' && text[i] != 127);
}

static void
decode(uint8_t choice, struct slice type, struct slice body)
{
	static const int statuses[] = { 302, 400, 403, 404, 429, 500, 503,
		599 };
	char *header = slice_dup(type);
	struct fault_answer a = {
		.status = statuses[choice & 7],
		.query = (choice & 8) != 0,
		.type = (choice & 16) != 0 ? header : NULL,
		.id = header,
		.body = body.ptr,
		.body_len = body.len,
		.secrets = { secret, NULL },
	};
	struct err err = { 0 };

	fault_decode(&a, &err);
	require(err.http_status == a.status);
	require(err.peer_code[0] != '\0');
	check_text(err.peer_code, sizeof err.peer_code);
	check_text(err.peer_text, sizeof err.peer_text);
	check_text(err.request_id, sizeof err.request_id);
	require(strstr(err.peer_text, secret) == NULL);
	free(header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = slice_make((const char *)data, size), type, body;

	if (size < 1)
		return 0;
	all = slice_skip(all, 1);
	if (!slice_split(all, '\0', &type, &body)) {
		type = slice_make(NULL, 0);
		body = all;
	}
	decode(data[0], type, body);
	return 0;
}
