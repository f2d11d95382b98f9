/* SPDX-License-Identifier: MIT */
#ifndef AGENT_VAULT_H
#define AGENT_VAULT_H

#include <stdint.h>

struct buf;
struct err;

/*
 * The identity of a managed node as amazon-ssm-agent keeps it
 * (agent/managedInstances/{registration,fingerprint,vault/fsvault}): data
 * files first, the manifest last, since its existence is what makes the agent
 * look.  The agent may put a new key into the vault at any time (key
 * rotation), so a key that was read is used at once and not kept.
 */
enum { VAULT_NODE_MAX = 64, VAULT_UUID_SIZE = 37, VAULT_PATH_MAX = 512 };

struct vault {
	char node[VAULT_NODE_MAX]; /* mi-… */
	char region[64];
	char fingerprint[VAULT_UUID_SIZE]; /* a random UUID */
	char *private_key; /* owned, base64 of PKCS#1 DER; secret */
};

void vault_free(struct vault *vault);

/* Every member is there and of the form that AWS gives it. */
int vault_check(const struct vault *vault, struct err *err);

/* The files, in the order in which they are written. */
enum vault_file {
	VAULT_KEY,
	VAULT_FINGERPRINT,
	VAULT_REGISTRATION,
	VAULT_MANIFEST,
};

/* Append the text of a file; pure.  when: seconds since 1970, of the key.
 * What buf_ok() says counts. */
void vault_encode(struct buf *out, enum vault_file file,
    const struct vault *vault, int64_t when);

/*
 * Texts back into out; both may be NULL (absent).  0, 1 when there is no
 * identity (the key text was cleared, or is NULL), -1 when what is there is
 * damaged: a key that the agent would take up beside a fingerprint that it
 * would not.  Members that are not known are skipped.  Pure.
 */
int vault_decode(struct vault *out, const char *key_text,
    const char *fingerprint_text, struct err *err);

/* Where the manifest says the data files are; "" = it does not name them. */
struct vault_places {
	char key[VAULT_PATH_MAX], fingerprint[VAULT_PATH_MAX];
};
int vault_decode_manifest(struct vault_places *out, const char *text,
    struct err *err);

/* Write all files, 0600, folders as the agent leaves them: 0700, and 0600 for
 * those of the vault, which only CAP_DAC_OVERRIDE can enter.  What was there
 * before is replaced.  After a failure there is no registration. */
int vault_save(const struct vault *vault, int64_t when, struct err *err);

/* 1 = there is no registration (none, or a cleared one), 0 = out is filled
 * in, -1 = damaged or unreadable. */
int vault_load(struct vault *out, struct err *err);

/* Remove manifest, key, fingerprint, registration and what the agent cached
 * of the identity (runtimeconfig).  Goes on after a failure and reports the
 * first one. */
int vault_remove(struct err *err);

/* Remove what the agent keeps of that node in a folder of its name: documents
 * that were run with what they wrote, sessions, inventory. */
int vault_remove_data(const char *node, struct err *err);

#endif
