/* SPDX-License-Identifier: MIT */
#ifndef SSM_NODE_H
#define SSM_NODE_H

#include <stdint.h>

struct buf;
struct err;
struct rsa_key;

/*
 * What a managed node asks for with its own key, for the process that holds
 * the key and signs.  It is told a few fields, and writes what is to be signed
 * by itself, so that whoever may ask it gets nothing else signed
 * (amazon-ssm-agent, agent/ssm/rsaauth).
 */
enum node_kind {
	NODE_TOKEN,   /* RequestManagedInstanceRoleToken */
	NODE_NEW_KEY, /* UpdateManagedInstancePublicKey */
};

struct node_request {
	enum node_kind kind;
	const char *node;        /* mi-… */
	const char *fingerprint; /* TOKEN: a UUID */
	const char *public_key;  /* NEW_KEY: base64 of SubjectPublicKeyInfo */
	const char *region;
	const char *host; /* as in the Host header, with a port if any */
	int64_t when;     /* seconds since 1970, of AWS's clock */
};

/* Append the body of the request, JSON. */
void node_body(const struct node_request *req, struct buf *out);

/* Append the string to sign.  -1: a field cannot be part of one. */
int node_string_to_sign(const struct node_request *req, struct buf *out,
    struct err *err);

/* Append its signature (RSASSA-PSS), bytes; draws the salt. */
int node_sign(const struct node_request *req, const struct rsa_key *key,
    struct buf *out, struct err *err);

#endif
