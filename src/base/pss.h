#ifndef BASE_PSS_H
#define BASE_PSS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rsa.h"

/*
 * EMSA-PSS-ENCODE (RFC 8017, 9.1.1) with SHA-256, MGF1-SHA-256 and a salt of
 * 32 bytes, for a modulus of that many bits (at least 1024, at most 4096):
 * the (bits + 7) / 8 bytes that the private operation is applied to.  Pure.
 */
void pss_encode(unsigned char *out, uint32_t bits, const void *text, size_t len,
    const uint8_t salt[static RSA_SALT_LEN]);

#endif
