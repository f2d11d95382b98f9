/* SPDX-License-Identifier: MIT */
#ifndef SSM_SSM_H
#define SSM_SSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/api.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "ssm/id.h"

struct client;
struct cred;
struct err;
struct json;
struct rsa_key;

/*
 * The operations of AWS Systems Manager that a managed node's life needs, as
 * typed calls.  RegisterManagedInstance and RequestManagedInstanceRoleToken
 * are not in the public model; their form is that of amazon-ssm-agent
 * (agent/ssm/anonauth, agent/ssm/rsaauth).
 */

/*
 * How removal and gc wait for AWS to stop throttling: a call is repeated with
 * growing pauses until no call got through for SSM_PATIENCE_MS, or until its
 * deadline.  Who else tries again stands at clock_backoff() in base/clock.h.
 */
enum { SSM_PATIENCE_MS = 180000 };
struct ssm_pace {
	int64_t until; /* clock_ms() time base */
	int pause_ms;  /* the next one */
	bool slowed;   /* the last call was throttled before it was done */
};
void ssm_pace_begin(struct ssm_pace *pace);

/* Who calls.  With a pace, the err of each call must be given, and be empty. */
struct ssm {
	struct client *client;
	const struct cred *as; /* a node's own credentials, which sign in place
	                        * of the client's; NULL = the client's */
	const char *role;      /* of the node, for advice */
	int64_t deadline;      /* of each call; 0 = 180 s from its beginning */
	struct ssm_pace *pace; /* NULL = do not wait while AWS throttles */
};

/* One operation: what goes out, what comes back. */
struct ssm_exchange {
	enum api_service service; /* zero is Systems Manager */
	const char *operation;
	struct buf body;                   /* JSON; freed by ssm_exchange() */
	const char *secret;                /* in the body, NULL = none */
	const struct sigv4_signer *signer; /* NULL = as struct ssm says */
	int max_attempts;                  /* 0 = as configured */
	struct json *doc; /* the answer, freed by the caller, also after
	                   * a failure */
	bool ambiguous;   /* a failed attempt may have been carried out */
};
int ssm_exchange(const struct ssm *ssm, struct ssm_exchange *what,
    struct err *err);

struct ssm_tag {
	const char *key, *value;
};

struct ssm_activation_in {
	const char *role;        /* name or path/name */
	const char *name;        /* DefaultInstanceName, NULL = none */
	const char *description; /* NULL = none */
	int64_t expires;         /* seconds since 1970 */
	const struct ssm_tag *tags;
	size_t tag_count;
};

struct ssm_activation {
	char id[SSM_UUID_SIZE];
	char code[SSM_CODE_SIZE]; /* secret: ssm_activation_wipe() */
};
void ssm_activation_wipe(struct ssm_activation *activation);

/* With a registration limit of 1.  One attempt only: the keeper tries again
 * (base/clock.h).  *ambiguous: an attempt that failed may have made one
 * more activation; set on failure too. */
int ssm_create_activation(const struct ssm *ssm,
    const struct ssm_activation_in *in, struct ssm_activation *out,
    bool *ambiguous, struct err *err);

/* Fine when it is gone already. */
int ssm_delete_activation(const struct ssm *ssm, const char *id,
    struct err *err);

/* Fine when it is gone already. */
int ssm_deregister(const struct ssm *ssm, const char *node, struct err *err);

struct ssm_register_in {
	const struct ssm_activation *activation;
	const char *fingerprint; /* UUID */
	const char *public_key;  /* base64 of the SubjectPublicKeyInfo */
};

/* Unsigned.  node: the id of the new managed node.  *ambiguous: an attempt
 * that failed may have made it; set on failure too. */
int ssm_register(const struct ssm *ssm, const struct ssm_register_in *in,
    char node[static SSM_NODE_SIZE], bool *ambiguous, struct err *err);

struct ssm_node {
	const char *id;
	const char *fingerprint;
	const struct rsa_key *key; /* NULL: signer has it */
	struct sigv4_remote signer;
};

/* The node's own credentials, signed with its key.  *renew (NULL: nobody
 * asks): AWS wants a new key, see ssm_update_key(). */
int ssm_role_token(const struct ssm *ssm, const struct ssm_node *node,
    struct cred *out, bool *renew, struct err *err);

/* Tell AWS the node's new public key (base64 of the SubjectPublicKeyInfo),
 * signed with the old one (UpdateManagedInstancePublicKey). */
int ssm_update_key(const struct ssm *ssm, const struct ssm_node *node,
    const char *public_key, struct err *err);

/* Tell that the node is there (UpdateInstanceInformation), signed with
 * ssm->as, its credentials. */
struct ssm_report {
	const char *node;
	const char *version;  /* of the agent: three or four numbers */
	const char *computer; /* its name, "" = unknown */
	const char *address;  /* IPv4 or IPv6; AWS refuses an empty one */
	const char *platform, *platform_version; /* "Alpine Linux", "3.20.3" */
	bool connected; /* the control channel is open */
};
int ssm_update_information(const struct ssm *ssm,
    const struct ssm_report *report, struct err *err);

/* A parameter of Parameter Store, String or StringList. */
enum { SSM_COUNT_MAX = 2147483647 };
struct ssm_parameter {
	char value[SSM_TEXT_SIZE]; /* "" also for a longer one */
	int64_t version;           /* from 1 on */
	int64_t written;           /* milliseconds since 1970 */
};
int ssm_get_parameter(const struct ssm *ssm, const char *name,
    struct ssm_parameter *out, struct err *err);

/*
 * Listings of the account, with all their pages.  found is called for each id,
 * with its entry, and gives 0 to go on, -1 (with err set) to stop.
 */
struct ssm_sink {
	void *context;
	int (*found)(void *context, const char *id, const struct json *item,
	    struct err *err);
};

/* Activations, of the role (NULL: any), whose description holds the text. */
int ssm_find_activations(const struct ssm *ssm, const char *role,
    const char *text, const struct ssm_sink *sink, struct err *err);

/* Managed nodes that pass the filter: ActivationIds, tag-key, ... (API
 * reference of DescribeInstanceInformation; filters by tag cannot be combined).
 */
int ssm_find_nodes(const struct ssm *ssm, const char *key, const char *value,
    const struct ssm_sink *sink, struct err *err);

#endif
