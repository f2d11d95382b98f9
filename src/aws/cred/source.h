/* SPDX-License-Identifier: MIT */
#ifndef AWS_CRED_SOURCE_H
#define AWS_CRED_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred/value.h"
#include "aws/imds.h"
#include "base/buf.h"
#include "net/url.h"

struct api;
struct conf;
struct err;

/*
 * What cred.c and the sources share: the plan, and the functions of each
 * source.
 */

enum { CRED_HOPS_MAX = 10 };

/* Characters of the name of a role, and of a session (IAM and STS API
 * references, RoleName and RoleSessionName). */
#define CRED_ROLE_LETTERS                                      \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_+=,.@-"

/* A role to be assumed.  Borrowed from the configuration. */
struct cred_hop {
	const char *profile;
	const char *role_arn;
	const char *session_name; /* NULL = made up when it is needed */
	const char *external_id;  /* NULL = none, as is duration */
	const char *duration;     /* seconds, digits */
};

struct cred_plan {
	const struct conf *conf; /* borrowed */
	const char *method;      /* static: where the final ones come from */
	const char *base_method; /* static: where the first ones come from */
	/* How the first ones are got; NULL = they are in keys already. */
	int (*fetch)(struct cred *out, const struct cred_plan *plan,
	    struct api *api, int64_t deadline, struct err *err);
	struct cred keys;
	char *token;         /* owned, secret; web, container (may be NULL) */
	struct cred_hop web; /* whom to become for a web identity */
	struct url url;      /* of the container's endpoint */
	int pause_ms;        /* between attempts there */
	struct imds imds;
	/* Roles to assume one after the other, the last one first. */
	struct cred_hop hops[CRED_HOPS_MAX];
	size_t hop_count;
	struct buf skipped; /* "source: reason; " for each one passed over */
};

/* For which profile a source is asked, and whether it may look at the
 * variables that compete with a profile. */
struct cred_request {
	const struct conf *conf;
	const char *profile;
	bool env;
};

/*
 * A source looks at its settings: 0, it is the plan's base; 1, it is not
 * configured (cred_skip() noted why); -1, it is and is broken, which ends the
 * search.
 */
int cred_keys_env_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_role_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_role_web_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_keys_file_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_keys_config_plan(struct cred_plan *plan,
    const struct cred_request *req, struct err *err);
int cred_process_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_keys_sso_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_container_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_imds_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);

/* Note why the source that is being asked is not used; gives 1. */
int cred_skip(struct cred_plan *plan, const char *reason);

/* Every source was passed over: ERR_KIND_NO_CREDENTIALS with all the reasons;
 * why: that of iam-role when it was asked, else "". */
int cred_none(const struct cred_plan *plan, const char *why, struct err *err);

/* Put the profile's name before an error: "WHAT "NAME": …"; gives -1. */
int cred_blame(const char *what, const char *profile, struct err *err);

/* The sources that belong to a profile (web identity to config file), asked
 * for a source_profile: 0, 1 or -1 as above. */
int cred_profile_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);

/* The one that credential_source names: 0 or -1. */
int cred_named_plan(struct cred_plan *plan, const struct cred_request *req,
    const char *name, struct err *err);

/* The network half of iam-role. */
int cred_imds_fetch(struct cred *out, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err);

/* Assume the role with the token of a web identity, or (NULL) with what is in
 * cred, which becomes what STS gives. */
int cred_role_assume(struct cred *cred, const char *token,
    const struct cred_hop *hop, struct api *api, int64_t deadline,
    struct err *err);

#endif
