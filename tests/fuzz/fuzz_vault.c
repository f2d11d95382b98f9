/* SPDX-License-Identifier: MIT */
/*
 * The vault's files: key, fingerprint and manifest, with NUL bytes between.
 * What decodes must encode, and decode to the same again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/vault.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "fuzz/fuzz.h"

enum { PARTS = 3 };

static void
check(const struct vault *vault)
{
	struct vault again = { 0 };
	struct buf key = { 0 }, fingerprint = { 0 };
	struct err err = { 0 };

	vault_encode(&key, VAULT_KEY, vault, 0);
	vault_encode(&fingerprint, VAULT_FINGERPRINT, vault, 0);
	if (vault_decode(&again, buf_str(&key), buf_str(&fingerprint), &err) !=
	    0)
		abort();
	if (strcmp(again.node, vault->node) != 0 ||
	    strcmp(again.region, vault->region) != 0 ||
	    strcmp(again.fingerprint, vault->fingerprint) != 0 ||
	    strcmp(again.private_key, vault->private_key) != 0)
		abort();
	vault_free(&again);
	buf_free(&key);
	buf_free(&fingerprint);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	char *text[PARTS] = { NULL };
	struct vault_places places = { 0 };
	struct vault vault = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < PARTS; i++) {
		struct slice part = { 0 };

		if (slice_cut(&rest, '\0', &part))
			text[i] = slice_dup(part);
	}
	if (vault_decode(&vault, text[0], text[1], &err) == 0)
		check(&vault);
	vault_free(&vault);
	err_clear(&err);
	if (text[2] != NULL &&
	    vault_decode_manifest(&places, text[2], &err) == 0 &&
	    ((places.key[0] != '\0' && places.key[0] != '/') ||
	        (places.fingerprint[0] != '\0' &&
	            places.fingerprint[0] != '/')))
		abort();
	for (size_t i = 0; i < PARTS; i++)
		free(text[i]);
	return 0;
}
