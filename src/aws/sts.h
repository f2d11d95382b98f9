#ifndef AWS_STS_H
#define AWS_STS_H

#include <stdint.h>

struct api;
struct cred;
struct err;

/* Operations of AWS Security Token Service, in the region of the api. */

struct sts_role {
	const char *role_arn, *session_name;
	const char *external_id; /* NULL = none */
	const char *duration;    /* seconds as digits, NULL = default */
};

struct sts_credentials {
	char *access_key, *secret_key, *token; /* owned, wiped on free */
	int64_t expires;
	char *arn; /* owned: of the session; NULL if STS did not say */
};

void sts_credentials_free(struct sts_credentials *cred);

/* Signed with base. */
int sts_assume_role(struct api *api, const struct cred *base,
    const struct sts_role *role, int64_t deadline, struct sts_credentials *out,
    struct err *err);

/* Unsigned; external_id and duration are not sent. */
int sts_assume_role_with_web_identity(struct api *api,
    const struct sts_role *role, const char *token, int64_t deadline,
    struct sts_credentials *out, struct err *err);

#endif
