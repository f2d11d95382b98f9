/* SPDX-License-Identifier: MIT */
/*
 * The private key of a vault: what is taken for one can be written and signed
 * with, whatever its numbers are.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rsa.h"
#include "fuzz/fuzz.h"

static void
use(const struct rsa_key *key)
{
	static const uint8_t salt[RSA_SALT_LEN] = { 1 };
	struct buf public = { 0 }, private = { 0 }, signature = { 0 };

	(void)rsa_public_der(key, &public, NULL);
	(void)rsa_private_der(key, &private, NULL);
	if (rsa_sign_pss(key, "x", 1, salt, &signature, NULL) == 0)
		require(signature.len <= RSA_BYTES_MAX);
	buf_free(&public);
	buf_free(&private);
	buf_free(&signature);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rsa_key *key = NULL;
	struct err err = { 0 };

	if (rsa_parse(&key, data, size, &err) == 0)
		use(key);
	else
		require(key == NULL && err.kind != ERR_KIND_NONE);
	rsa_free(key);
	return 0;
}
