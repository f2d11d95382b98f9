/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include <bearssl.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/slice.h"

void
digest_sha256(const void *data, size_t len,
    unsigned char out[static DIGEST_SHA256_LEN])
{
	br_sha256_context ctx;

	br_sha256_init(&ctx);
	br_sha256_update(&ctx, data, len);
	br_sha256_out(&ctx, out);
	/* The state holds the last bytes of what may be a key. */
	explicit_bzero(&ctx, sizeof ctx);
}

void
digest_sha256_hex(const void *data, size_t len,
    char out[static DIGEST_HEX_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char sum[DIGEST_SHA256_LEN];

	digest_sha256(data, len, sum);
	for (size_t i = 0; i < sizeof sum; i++) {
		out[2 * i] = digits[sum[i] >> 4];
		out[2 * i + 1] = digits[sum[i] & 15];
	}
	out[DIGEST_HEX_LEN] = '\0';
}

void
digest_hmac(const void *key, size_t key_len, const void *text, size_t text_len,
    unsigned char out[static DIGEST_SHA256_LEN])
{
	br_hmac_key_context prepared;
	br_hmac_context ctx;

	br_hmac_key_init(&prepared, &br_sha256_vtable, key, key_len);
	br_hmac_init(&ctx, &prepared, 0);
	br_hmac_update(&ctx, text, text_len);
	br_hmac_out(&ctx, out);
	explicit_bzero(&prepared, sizeof prepared);
	explicit_bzero(&ctx, sizeof ctx);
}

void
digest_sha1(const void *data, size_t len,
    unsigned char out[static DIGEST_SHA1_LEN])
{
	br_sha1_context ctx;

	br_sha1_init(&ctx);
	br_sha1_update(&ctx, data, len);
	br_sha1_out(&ctx, out);
}

/* The six bits of a base64 character, or -1. */
static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

struct base64 {
	uint32_t bits;  /* those of the group that is being read */
	size_t digits;  /* characters that carry bits */
	size_t padding; /* '=' seen */
};

/* Take one character; false when it cannot stand there. */
static bool
base64_take(struct base64 *in, char c, struct buf *out)
{
	int value = base64_value(c);

	if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		return true;
	if (c == '=') {
		in->padding++;
		return in->padding <= 2;
	}
	if (value < 0 || in->padding > 0)
		return false;
	in->bits = (in->bits << 6 | (uint32_t)value) & 0xffffff;
	in->digits++;
	/* Every character but the first of a group completes a byte. */
	if (in->digits % 4 == 2)
		buf_putc(out, (char)(in->bits >> 4 & 0xff));
	else if (in->digits % 4 == 3)
		buf_putc(out, (char)(in->bits >> 2 & 0xff));
	else if (in->digits % 4 == 0)
		buf_putc(out, (char)(in->bits & 0xff));
	return true;
}

int
digest_base64_decode(struct buf *out, struct slice text)
{
	struct buf bytes = { .max = text.len + 1 };
	struct base64 in = { 0 };
	int rc = -1;

	for (size_t i = 0; i < text.len; i++) {
		if (!base64_take(&in, text.ptr[i], &bytes))
			goto out;
	}
	/* At most two are padding, so a group has two characters or more. */
	if ((in.digits + in.padding) % 4 != 0 || !buf_ok(&bytes))
		goto out;
	buf_add(out, bytes.data, bytes.len);
	rc = buf_ok(out) ? 0 : -1;
out:
	explicit_bzero(&in, sizeof in);
	buf_free(&bytes);
	return rc;
}
