/* SPDX-License-Identifier: MIT */
/*
 * Signs what it is told, for comparison with other implementations.  Each
 * line of standard input is a JSON object {"method","url","headers":[[name,
 * value],…],"body" (hexadecimal),"region","service","time","access_key",
 * "secret_key"} or, in place of the last two, "node" for a signature with an
 * RSA key of its own; each line of output {"canonical","string_to_sign",
 * "authorization"[,"public_key"]}.  Headers are those to be signed, besides
 * Host.  In place of "url" there may be "path" and "query" as they are sent;
 * Host is then one of the headers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/cred/cred.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "net/url.h"

enum { HEADERS = 40, LINE = 1 << 20 };

/* A request, with what its pointers lead to. */
struct job {
	struct http_header headers[HEADERS];
	struct sigv4_request req;
	struct sigv4_signer signer;
	struct cred cred;
	struct url url;
	struct buf host, body, path, query;
};

static struct rsa_key *node_key;

static int
add_hex(struct buf *out, const char *hex)
{
	char pair[3] = "";
	size_t i;

	for (i = 0; hex[i] != '\0' && hex[i + 1] != '\0'; i += 2) {
		pair[0] = hex[i];
		pair[1] = hex[i + 1];
		buf_putc(out, (char)strtol(pair, NULL, 16));
	}
	return hex[i] == '\0' ? 0 : -1;
}

static void
add_header(struct job *job, const char *name, const char *value)
{
	if (job->req.header_count < HEADERS)
		job->headers[job->req.header_count++] =
		    (struct http_header){ name, value };
}

/* Host, path and query as the signer wants them, from an URL. */
static int
read_url(struct job *job, const char *text, struct err *err)
{
	struct slice path, query = { NULL, 0 };

	if (url_parse(&job->url, text, err) != 0)
		return -1;
	url_authority(&job->url, &job->host);
	add_header(job, "Host", buf_str(&job->host));
	path = slice_of(job->url.path);
	(void)slice_split(path, '?', &path, &query);
	buf_add(&job->path, path.ptr, path.len);
	buf_add(&job->query, query.ptr, query.len);
	job->req.path = buf_str(&job->path);
	job->req.query = buf_str(&job->query);
	return 0;
}

static int
read_signer(struct job *job, const struct json *in, struct err *err)
{
	job->signer.node = json_text(in, "node");
	if (job->signer.node == NULL) {
		job->cred.access_key =
		    slice_dup(slice_of(json_text(in, "access_key")));
		job->cred.secret_key =
		    slice_dup(slice_of(json_text(in, "secret_key")));
		job->signer.kind = SIGV4_HMAC;
		job->signer.cred = &job->cred;
		return 0;
	}
	if (node_key == NULL && rsa_make(&node_key, err) != 0)
		return -1;
	job->signer.kind = SIGV4_RSA;
	job->signer.key = node_key;
	return 0;
}

static int
read_job(struct job *job, const struct json *in, struct err *err)
{
	const char *url = json_text(in, "url");
	const struct json *pair;

	if (add_hex(&job->body, json_text(in, "body")) != 0 ||
	    !clock_parse_iso(slice_of(json_text(in, "time")), &job->req.when))
		return err_set(err, ERR_KIND_INVALID_VALUE, "bad request");
	job->req.path = json_text(in, "path");
	job->req.query = json_text(in, "query");
	if (url != NULL && read_url(job, url, err) != 0)
		return -1;
	for (pair = json_first(json_get(in, "headers")); pair != NULL;
	     pair = json_next(pair))
		add_header(job, json_string(json_first(pair)),
		    json_string(json_next(json_first(pair))));
	job->req.method = json_text(in, "method");
	job->req.headers = job->headers;
	job->req.body = job->body.data;
	job->req.body_len = job->body.len;
	job->req.region = json_text(in, "region");
	job->req.service = json_text(in, "service");
	return read_signer(job, in, err);
}

static int
add_public_key(struct buf *out, struct err *err)
{
	struct buf der = { 0 }, text = { 0 };
	int rc = rsa_public_der(node_key, &der, err);

	buf_base64(&text, der.data, der.len);
	if (rc == 0)
		json_write(out, ",\"public_key\":%", buf_str(&text));
	buf_free(&der);
	buf_free(&text);
	return rc;
}

static int
answer(const struct job *job, struct buf *out, struct err *err)
{
	struct buf canonical = { .max = LINE }, text = { 0 }, auth = { 0 };
	unsigned char salt[RSA_SALT_LEN];
	int rc = -1;

	if (rng_fill(salt, sizeof salt, err) == 0 &&
	    sigv4_canonical(&job->req, &canonical, err) == 0 &&
	    sigv4_string_to_sign(&job->req, &text, err) == 0 &&
	    sigv4_sign(&job->req, &job->signer, salt, &auth, err) == 0)
		rc = 0;
	json_write(out,
	    "{\"canonical\":%,\"string_to_sign\":%,\"authorization\":%",
	    buf_str(&canonical), buf_str(&text), buf_str(&auth));
	if (rc == 0 && job->signer.kind == SIGV4_RSA)
		rc = add_public_key(out, err);
	buf_putc(out, '}');
	buf_free(&canonical);
	buf_free(&text);
	buf_free(&auth);
	return rc;
}

static int
do_line(const char *line, struct err *err)
{
	struct job job = { .req = { .method = NULL } };
	struct json *in = NULL;
	struct buf text = { .max = LINE };
	int rc = -1;

	if (json_parse(&in, line, strlen(line), err) == 0 &&
	    read_job(&job, in, err) == 0 && answer(&job, &text, err) == 0 &&
	    buf_ok(&text))
		rc = puts(buf_str(&text)) < 0 ? -1 : 0;
	json_free(in);
	buf_free(&text);
	buf_free(&job.host);
	buf_free(&job.body);
	buf_free(&job.path);
	buf_free(&job.query);
	cred_value_free(&job.cred);
	return rc;
}

int
main(void)
{
	char *line = malloc(LINE);
	struct err err = { .code = ERR_OK };
	int rc = line == NULL ? -1 : 0;

	while (rc == 0 && fgets(line, LINE, stdin) != NULL)
		rc = do_line(line, &err);
	if (rc != 0)
		fprintf(stderr, "sign_driver: %s\n", err.msg);
	free(line);
	rsa_free(node_key);
	return rc == 0 ? 0 : 1;
}
