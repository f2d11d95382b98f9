/* SPDX-License-Identifier: MIT */
/*
 * What a credential_process prints: to its output, and, when it fails, to
 * standard error.
 */
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

#include "aws/cred/process.c"

static void
output(struct slice text)
{
	struct buf out = { .max = OUT_MAX };
	struct cred cred = { 0 };
	struct err err = { 0 };

	buf_add(&out, text.ptr, text.len);
	if (!buf_ok(&out) || decode_output(&cred, &out, &err) != 0) {
		require(!buf_ok(&out) || err.kind != ERR_KIND_NONE);
		require(cred.access_key == NULL);
	} else {
		require(strpbrk(cred.access_key, "\r\n ") == NULL);
		require(strpbrk(cred.secret_key, "\r\n") == NULL);
		require(cred.token == NULL ||
		        strpbrk(cred.token, "\r\n ") == NULL);
	}
	cred_value_free(&cred);
	buf_free(&out);
}

static void
failure(struct slice text)
{
	struct cred_run run = { .status = 1 << 8,
		.errors = { .max = ERRORS_MAX } };
	struct err err = { 0 };

	buf_add(&run.errors, text.ptr, text.len);
	require(check_status(&run, &err) == -1);
	require_printable(err.msg, strlen(err.msg));
	buf_free(&run.errors);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	output(slice_make((const char *)data, size));
	failure(slice_make((const char *)data, size));
	return 0;
}
