#ifndef AWS_CRED_VALUE_H
#define AWS_CRED_VALUE_H

#include <stdint.h>

#include "base/err.h"

struct cred;
struct json;

/*
 * The texts that make credentials, checked; pure.  A newline or blank that a
 * secret store added is refused under the name of the setting, never cut off
 * and never shown.
 */
struct cred_value {
	const char *name; /* of the setting, for messages */
	const char *text; /* NULL = none */
};

enum cred_value_rule {
	CRED_VALUE_STRICT,    /* no blank in any of them */
	CRED_VALUE_IN_SECRET, /* the secret key may hold blanks */
};

struct cred_values {
	struct cred_value access_key, secret_key, token;
	enum cred_value_rule rule;
	enum err_kind kind; /* of the error for a bad one */
};

/* Copy them into out, whose expiry becomes "never".  Both keys must be
 * there. */
int cred_value_take(struct cred *out, const struct cred_values *values,
    struct err *err);

/*
 * AccessKeyId, SecretAccessKey, Expiration and the token of an answer in
 * JSON; the last two may be absent.  ERR_KIND_CREDENTIAL_RETRIEVAL.
 */
int cred_value_json(struct cred *out, const struct json *doc,
    const char *token_key, struct err *err);

/* ERR_KIND_EXPIRED_CREDENTIALS when they are out of date; from: whose. */
int cred_value_fresh(const struct cred *cred, int64_t now, const char *from,
    struct err *err);

#endif
