/* SPDX-License-Identifier: MIT */
#ifndef AWS_CRED_VALUE_H
#define AWS_CRED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct json;
struct owner;

/* Credentials as values: kept, checked, read from a document. */
struct cred {
	char *access_key; /* owned, as are the next two; wiped on free */
	char *secret_key;
	char *token;        /* NULL = none */
	int64_t expires;    /* seconds since 1970, 0 = never */
	const char *method; /* static: "env", "container-role", … */
};

void cred_value_free(struct cred *cred);

/* At least margin seconds of life are left. */
bool cred_value_lasts(const struct cred *cred, int64_t now, int64_t margin);

/*
 * The texts that make credentials, checked; pure.  A newline or blank that a
 * secret store added is refused under the name of the setting, never cut off
 * and never shown.
 */
enum { CRED_VALUE_KEY, CRED_VALUE_SECRET, CRED_VALUE_TOKEN, CRED_VALUE_COUNT };

struct cred_values {
	const char *const *names;            /* of the settings, for messages */
	const char *texts[CRED_VALUE_COUNT]; /* NULL = none */
	bool blanks; /* the secret key may hold blanks */
	/* Kinds of the errors for a key that is not there, and for a text
	 * that cannot be one. */
	enum err_kind missing, bad;
};

/* Copy them into out, whose expiry becomes "never".  Both keys must be
 * there. */
int cred_value_take(struct cred *out, const struct cred_values *values,
    struct err *err);

/* The same for what a service gave, with its expiry.  out and from can be
 * one.  ERR_KIND_CREDENTIAL_RETRIEVAL, as for the next two. */
int cred_value_copy(struct cred *out, const struct cred *from, struct err *err);

/* AccessKeyId, SecretAccessKey, Expiration and the token of an answer in
 * JSON; the last two may be absent. */
int cred_value_json(struct cred *out, const struct json *doc,
    const char *token_key, struct err *err);

/* Append the file of a token, whose path is the word of by (base/trust.h); what
 * names it in messages. */
int cred_value_file(struct buf *out, const char *path, const struct owner *by,
    const char *what, struct err *err);

/* ERR_KIND_EXPIRED_CREDENTIALS when they are out of date; from: whose. */
int cred_value_fresh(const struct cred *cred, int64_t now, const char *from,
    struct err *err);

#endif
