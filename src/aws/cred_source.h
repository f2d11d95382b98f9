#ifndef AWS_CRED_SOURCE_H
#define AWS_CRED_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/cred.h"
#include "aws/imds.h"
#include "base/buf.h"
#include "net/url.h"

struct api;
struct conf;
struct err;
struct sts_credentials;
struct sts_role;

/*
 * What cred.c and the sources (cred_<name>.c) share: the plan, which is plain
 * data, and the functions of each source.
 */

/* How the first credentials of a plan are got. */
enum cred_base_kind {
	CRED_BASE_KEYS,      /* they are in the plan already */
	CRED_BASE_WEB,       /* STS, for a token */
	CRED_BASE_CONTAINER, /* the container's endpoint */
	CRED_BASE_IMDS,
};

enum { CRED_HOPS_MAX = 10, CRED_SESSION_MAX = 64 };

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
	enum cred_base_kind kind;
	struct cred keys;    /* KEYS */
	char *token;         /* owned, secret; WEB, CONTAINER (may be NULL) */
	struct cred_hop web; /* WEB: whom to become */
	struct url url;      /* CONTAINER */
	int pause_ms;        /* CONTAINER: between attempts */
	struct imds imds;    /* IMDS */
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
int cred_env_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_role_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_web_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_file_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_file_plan_config(struct cred_plan *plan,
    const struct cred_request *req, struct err *err);
int cred_process_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_sso_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_container_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);
int cred_imds_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);

/* Note why the source that is being asked is not used; gives 1. */
int cred_skip(struct cred_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Every source was passed over: ERR_KIND_NO_CREDENTIALS with all the reasons;
 * why: that of iam-role when it was asked, else "". */
int cred_none(const struct cred_plan *plan, const char *why, struct err *err);

/* The sources that belong to a profile (web identity to config file), asked
 * for a source_profile: 0, 1 or -1 as above. */
int cred_profile_plan(struct cred_plan *plan, const struct cred_request *req,
    struct err *err);

/* The network half of the sources that have one. */
int cred_web_fetch(struct cred *out, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err);
int cred_container_fetch(struct cred *out, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err);
int cred_imds_fetch(struct cred *out, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err);

/* The session name and external id are as STS wants them. */
int cred_role_check(const struct cred_hop *hop, struct err *err);

/* The hop as STS's parameters; a session name is made up in session when the
 * hop has none.  out borrows from both. */
void cred_role_describe(struct sts_role *out, const struct cred_hop *hop,
    char session[static CRED_SESSION_MAX + 1]);

/* Copy what STS gave into out. */
int cred_role_take(struct cred *out, const struct sts_credentials *got,
    struct err *err);

/* Assume the plan's roles, one after the other; cred is what it begins with
 * and ends with. */
int cred_role_fetch(struct cred *cred, const struct cred_plan *plan,
    struct api *api, int64_t deadline, struct err *err);

#endif
