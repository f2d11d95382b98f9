/* SPDX-License-Identifier: MIT */
#include "ssm/node.h"

#include <stdbool.h>
#include <string.h>

#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "ssm/id.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define BASE64  LETTERS "+/="
#define HOST    LETTERS "-._:[]"

void
node_body(const struct node_request *req, struct buf *out)
{
	if (req->kind == NODE_TOKEN) {
		json_write(out, "{\"Fingerprint\":%}", req->fingerprint);
		return;
	}
	json_write(out, "{\"NewPublicKey\":%,\"NewPublicKeyType\":\"Rsa\"}",
	    req->public_key);
}

static const char *
target_of(enum node_kind kind)
{
	return kind == NODE_TOKEN ? "AmazonSSM.RequestManagedInstanceRoleToken"
	                          : "AmazonSSM.UpdateManagedInstancePublicKey";
}

/* What is signed is a text in lines, so no field may bring its own. */
static int
check_fields(const struct node_request *req, struct err *err)
{
	bool token = req->kind == NODE_TOKEN;

	if (endpoint_check_region(req->region, "the caller", err) != 0)
		return -1;
	if (token ? id_is_uuid(req->fingerprint)
	          : slice_all_in(slice_of(req->public_key), BASE64)) {
		if (slice_all_in(slice_of(req->host), HOST))
			return 0;
	}
	return err_set(err, ERR_KIND_PARAM_VALIDATION,
	    "a request of the node has a field that does not fit");
}

/* The same four headers, and no other, as aws/api signs. */
int
node_string_to_sign(const struct node_request *req, struct buf *out,
    struct err *err)
{
	char date[CLOCK_BASIC_SIZE];
	const struct http_header headers[] = {
		{ "Host", req->host },
		{ "Content-Type", "application/x-amz-json-1.1" },
		{ "X-Amz-Target", target_of(req->kind) },
		{ "X-Amz-Date", date },
	};
	struct sigv4_request text = {
		.method = "POST",
		.path = "/",
		.headers = headers,
		.header_count = sizeof headers / sizeof headers[0],
		.region = req->region,
		.service = "ssm",
		.when = req->when,
	};
	struct buf body = { 0 };
	int rc;

	if (check_fields(req, err) != 0)
		return -1;
	clock_basic(req->when, date);
	node_body(req, &body);
	text.body = body.data;
	text.body_len = body.len;
	rc = buf_ok(&body) ? sigv4_string_to_sign(&text, out, err)
	                   : err_memory(err);
	buf_free(&body);
	return rc;
}

int
node_sign(const struct node_request *req, const struct rsa_key *key,
    struct buf *out, struct err *err)
{
	unsigned char salt[RSA_SALT_LEN];
	struct buf text = { 0 };
	int rc = -1;

	if (rng_fill(salt, sizeof salt, err) == 0 &&
	    node_string_to_sign(req, &text, err) == 0)
		rc = rsa_sign_pss(key, text.data, text.len, salt, out, err);
	explicit_bzero(salt, sizeof salt);
	buf_free(&text);
	return rc;
}
