/* SPDX-License-Identifier: MIT */
#ifndef AWS_STS_H
#define AWS_STS_H

#include <stdint.h>

struct api;
struct api_reply;
struct buf;
struct cred;
struct err;
struct json;

/*
 * AWS Security Token Service, in the region of the api.  It speaks the Query
 * protocol (Smithy, "AWS query protocol"): forms, answered by XML.
 */

struct sts_role {
	const char *role_arn, *session_name;
	const char *external_id; /* NULL = none */
	const char *duration;    /* seconds as digits, NULL = default */
	const char *token;       /* of a web identity, NULL = none */
};

/*
 * Signed with base, or with a web identity unsigned and without external_id
 * and duration.  out is replaced on success; it can be base.
 */
int sts_assume_role(struct api *api, const struct cred *base,
    const struct sts_role *role, int64_t deadline, struct cred *out,
    struct err *err);

/*
 * The same forms and answers as the JSON that `ssm-activate api` speaks for
 * every service; pure.
 */

/* Append the form of a flat object, its strings, numbers and booleans: names
 * and values percent-encoded, a blank as %20. */
int sts_form(struct buf *form, const struct json *params, struct err *err);

/* The members of the result in an answer: text as strings, elements with
 * children as objects, those with "member" children as arrays. */
int sts_answer(const struct api_reply *reply, struct json **out,
    struct err *err);

#endif
