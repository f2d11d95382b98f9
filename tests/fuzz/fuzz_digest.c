/* SPDX-License-Identifier: MIT */
/*
 * Base64, which must come back as it was.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

static void
check(const struct buf *bytes)
{
	struct buf text = { .max = 1 << 20 }, again = { .max = 1 << 20 };

	buf_base64(&text, bytes->data, bytes->len);
	require(digest_base64_decode(&again, slice_make(text.data, text.len)) ==
	        0);
	require(again.len == bytes->len);
	require(again.len == 0 ||
	        memcmp(again.data, bytes->data, again.len) == 0);
	buf_free(&text);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct buf bytes = { .max = 1 << 20 };

	if (digest_base64_decode(&bytes, text) == 0)
		check(&bytes);
	else
		require(bytes.len == 0);
	buf_free(&bytes);
	bytes.max = 1 << 20;
	buf_add(&bytes, data, size);
	check(&bytes);
	buf_free(&bytes);
	return 0;
}
