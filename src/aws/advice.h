/* SPDX-License-Identifier: MIT */
#ifndef AWS_ADVICE_H
#define AWS_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

struct conf;
struct err;

/*
 * What to do about a failed call: the table of advice_table.h maps AWS's code
 * (with the operation and the text) to what it means and what to do, with the
 * caller's own names filled in.
 */
struct advice_context {
	const char *service;     /* "ssm" */
	const char *operation;   /* "CreateActivation" */
	const char *region;      /* may be NULL */
	const char *role;        /* name or ARN; NULL: IamRole of the body */
	const char *body;        /* JSON of the request, or NULL */
	const char *host;        /* that was called; may be NULL */
	const char *method;      /* where the credentials come from, or NULL */
	const char *access_key;  /* for its kind only; may be NULL */
	bool has_token;          /* the credentials have a session token */
	int64_t expires;         /* of the credentials; 0 = never */
	bool configured;         /* the user gave the endpoint */
	bool variant;            /* a FIPS or dual-stack name */
	const struct conf *conf; /* may be NULL */
};

/* Fill in err->fix, unless something stands there already. */
void advice_fill(struct err *err, const struct advice_context *ctx);

#endif
