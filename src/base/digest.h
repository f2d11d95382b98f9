/* SPDX-License-Identifier: MIT */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

struct buf;
struct slice;

/* SHA-256, HMAC-SHA-256, SHA-1 and base64 decoding; pure. */
enum { DIGEST_SHA256_LEN = 32, DIGEST_HEX_LEN = 64 };

void digest_sha256(const void *data, size_t len,
    unsigned char out[static DIGEST_SHA256_LEN]);
void digest_sha256_hex(const void *data, size_t len,
    char out[static DIGEST_HEX_LEN + 1]);
void digest_hmac(const void *key, size_t key_len, const void *text,
    size_t text_len, unsigned char out[static DIGEST_SHA256_LEN]);

/* SHA-1, which protects nothing, for protocols that name it. */
enum { DIGEST_SHA1_LEN = 20 };
void digest_sha1(const void *data, size_t len,
    unsigned char out[static DIGEST_SHA1_LEN]);

/* Decode base64 with padding, blanks and line ends ignored, onto out; -1 for
 * any other byte or a wrong length.  out is unchanged then. */
int digest_base64_decode(struct buf *out, struct slice text);

#endif
