/* SPDX-License-Identifier: MIT */
#ifndef BASE_RSA_H
#define BASE_RSA_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct slice;

/*
 * The RSA key of a managed node: made once, written into the agent's vault,
 * read back to sign with.
 */
enum { RSA_BITS = 2048, RSA_BYTES_MAX = 512, RSA_SALT_LEN = 32 };

struct rsa_key; /* holds secrets; rsa_free() wipes it */

/* A new key of RSA_BITS, e = 65537, from the kernel's randomness.  Takes 20
 * to 600 ms of processor time. */
int rsa_make(struct rsa_key **out, struct err *err);

/* PKCS#1 RSAPrivateKey DER (RFC 8017, A.1.2), 2048 to 4096 bits, e = 65537.
 * A key whose numbers do not fit together may be taken; it does not sign. */
int rsa_parse(struct rsa_key **out, const void *der, size_t len,
    struct err *err);
void rsa_free(struct rsa_key *key);

/* PKCS#1 RSAPrivateKey DER. */
int rsa_private_der(const struct rsa_key *key, struct buf *out,
    struct err *err);
/* SubjectPublicKeyInfo DER (RFC 5280, 4.1); 294 bytes for 2048 bits. */
int rsa_public_der(const struct rsa_key *key, struct buf *out, struct err *err);

/*
 * RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes, which the
 * caller draws (RFC 8017, 8.1).  Appends as many bytes as the key has.
 */
int rsa_sign_pss(const struct rsa_key *key, const void *text, size_t len,
    const uint8_t salt[static RSA_SALT_LEN], struct buf *out, struct err *err);

/*
 * EMSA-PSS-ENCODE (RFC 8017, 9.1.1) with SHA-256, MGF1-SHA-256 and a salt of
 * 32 bytes, for a modulus of that many bits (at least 1024, at most 4096):
 * the (bits + 7) / 8 bytes that the private operation is applied to.  Pure.
 */
void rsa_pss_encode(unsigned char *out, uint32_t bits, const void *text,
    size_t len, const uint8_t salt[static RSA_SALT_LEN]);

#endif
