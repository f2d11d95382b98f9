/* SPDX-License-Identifier: MIT */
/*
 * Signatures against vectors that botocore made (tests/lib/data), and the rules
 * that they do not touch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws/cred/cred.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rsa.h"
#include "base/slice.h"
#include "net/url.h"

enum { HEADERS = 32, VECTORS = 30, DATA_MAX = 1 << 20 };

static const char data_file[] = "tests/lib/data/sigv4-vectors.json";

/* A vector's request, with what its pointers lead to. */
struct sample {
	struct http_header headers[HEADERS];
	struct sigv4_request req;
	struct cred cred;
	struct url url;
	struct buf host, body;
};

static void
decode_hex(struct buf *out, const char *hex)
{
	for (size_t i = 0; hex[i] != '\0'; i += 2) {
		char pair[3] = { hex[i], hex[i + 1], '\0' };

		buf_putc(out, (char)strtol(pair, NULL, 16));
	}
}

static void
add_header(struct sample *s, const char *name, const char *value)
{
	assert_true(s->req.header_count < HEADERS);
	s->headers[s->req.header_count++] = (struct http_header){ name, value };
}

/* A pair [name, value], or a member of an object. */
static void
add_pair(struct sample *s, const struct json *pair)
{
	const struct json *name = json_first(pair);

	add_header(s, json_string(name), json_string(json_next(name)));
}

static void
fill(struct sample *s, const struct json *vector)
{
	const struct json *in = json_get(vector, "input"), *item;
	const struct json *added =
	    json_get(json_get(vector, "output"), "headers_added");
	struct slice url, query;
	char *mark;

	assert_int_equal(url_parse(&s->url, json_text(in, "url"), NULL), 0);
	url = slice_of(s->url.path);
	mark = strchr(s->url.path, '?');
	if (slice_split(url, '?', &url, &query)) {
		s->req.query = query.ptr;
		*mark = '\0';
	}
	url_authority(&s->url, &s->host);
	decode_hex(&s->body, json_text(in, "body_hex"));
	add_header(s, "Host", buf_str(&s->host));
	for (item = json_first(json_get(in, "headers")); item != NULL;
	     item = json_next(item))
		add_pair(s, item);
	for (item = json_first(added); item != NULL; item = json_next(item))
		if (strcmp(json_name(item), "Authorization") != 0)
			add_header(s, json_name(item), json_string(item));
	s->req.method = json_text(in, "method");
	s->req.path = s->url.path;
	s->req.headers = s->headers;
	s->req.body = s->body.data;
	s->req.body_len = s->body.len;
	s->req.region = json_text(in, "region");
	s->req.service = json_text(in, "service");
	assert_true(clock_parse_iso(slice_of(json_text(in, "time")),
	    &s->req.when));
	s->cred.access_key =
	    slice_dup(slice_of(json_text(in, "access_key_id")));
	s->cred.secret_key =
	    slice_dup(slice_of(json_text(in, "secret_access_key")));
}

static void
drop(struct sample *s)
{
	buf_free(&s->host);
	buf_free(&s->body);
	cred_value_free(&s->cred);
}

static void
check_vector(const struct json *vector)
{
	const struct json *want = json_get(vector, "output");
	struct sample s = { .req = { .method = NULL } };
	struct buf out = { 0 };
	struct sigv4_signer signer = { .kind = SIGV4_HMAC, .cred = &s.cred };

	fill(&s, vector);
	assert_int_equal(sigv4_canonical(&s.req, &out, NULL), 0);
	assert_string_equal(buf_str(&out),
	    json_text(want, "canonical_request"));
	buf_cut(&out, 0);
	assert_int_equal(sigv4_string_to_sign(&s.req, &out, NULL), 0);
	assert_string_equal(buf_str(&out), json_text(want, "string_to_sign"));
	buf_cut(&out, 0);
	assert_int_equal(sigv4_sign(&s.req, &signer, NULL, &out, NULL), 0);
	assert_string_equal(buf_str(&out), json_text(want, "authorization"));
	buf_free(&out);
	drop(&s);
}

static void
test_agrees_with_every_vector(void **state)
{
	struct buf text = { .max = DATA_MAX };
	struct json *doc = NULL;
	const struct json *vector;
	int count = 0;

	(void)state;
	assert_int_equal(file_read(data_file, &text, NULL), FILE_FOUND);
	assert_int_equal(json_parse(&doc, text.data, text.len, NULL), 0);
	for (vector = json_first(json_get(doc, "vectors")); vector != NULL;
	     vector = json_next(vector)) {
		print_message("%s\n", json_text(vector, "name"));
		check_vector(vector);
		count++;
	}
	assert_int_equal(count, VECTORS);
	json_free(doc);
	buf_free(&text);
}

static void
check_path(const char *path, const char *want)
{
	struct sigv4_request req = {
		.method = "GET", .path = path, .region = "r", .service = "s"
	};
	struct buf out = { 0 };
	struct slice rest, line = { 0 };

	assert_int_equal(sigv4_canonical(&req, &out, NULL), 0);
	rest = slice_of(buf_str(&out));
	assert_true(slice_line(&rest, &line));
	assert_true(slice_line(&rest, &line));
	if (!slice_eq(line, want))
		fail_msg("%s gives %.*s", path, (int)line.len, line.ptr);
	buf_free(&out);
}

static void
test_normalises_paths(void **state)
{
	static const char *const paths[][2] = { { "", "/" }, { "/", "/" },
		{ "//", "/" }, { "/.", "/" }, { "/..", "/" }, { "/../..", "/" },
		{ "/a/..", "/" }, { "/a/../", "/" }, { "/a/.", "/a" },
		{ "/a/./", "/a/" }, { "/a//b/", "/a/b/" },
		{ "/a/b/../../c", "/c" }, { "/../a", "/a" },
		{ "/%20", "/%2520" }, { "/a b", "/a%20b" },
		{ "/-._~", "/-._~" }, { "/\xc3\xa9", "/%C3%A9" },
		{ "/a=b&c", "/a%3Db%26c" }, { "/...", "/..." } };

	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		check_path(paths[i][0], paths[i][1]);
}

static void
check_query(const char *query, const char *want)
{
	struct sigv4_request req = { .method = "GET",
		.path = "/",
		.query = query,
		.region = "r",
		.service = "s" };
	struct buf out = { 0 }, head = { 0 };

	buf_printf(&head, "GET\n/\n%s\n", want);
	assert_int_equal(sigv4_canonical(&req, &out, NULL), 0);
	assert_true(slice_starts(slice_of(buf_str(&out)), buf_str(&head)));
	buf_free(&out);
	buf_free(&head);
}

static void
test_sorts_queries(void **state)
{
	(void)state;
	check_query(NULL, "");
	check_query("", "");
	check_query("b=1&a=2", "a=2&b=1");
	check_query("a=2&a=1&a", "a=&a=1&a=2");
	check_query("a=b=c", "a=b=c");
	check_query("a-b=1&a=1", "a=1&a-b=1");
	check_query("x&", "=&x=");
	check_query("B=1&a=1", "B=1&a=1");
	check_query("a=%2f&a=%2F", "a=%2F&a=%2f");
}

static void
test_refuses_too_much(void **state)
{
	struct http_header headers[65];
	struct sigv4_request req = { .method = "GET",
		.path = "/",
		.headers = headers,
		.region = "r",
		.service = "s" };
	struct buf out = { 0 }, query = { 0 };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 65; i++) {
		headers[i] = (struct http_header){ "x", "y" };
		buf_printf(&query, "a=%zu&", i);
	}
	req.header_count = 64;
	assert_int_equal(sigv4_canonical(&req, &out, &err), 0);
	req.header_count = 65;
	assert_int_equal(sigv4_canonical(&req, &out, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	err_clear(&err);
	req.header_count = 0;
	req.query = buf_str(&query);
	assert_int_equal(sigv4_canonical(&req, &out, &err), -1);
	assert_int_equal(err.kind, ERR_KIND_INVALID_VALUE);
	buf_free(&out);
	buf_free(&query);
}

static void
test_signs_as_a_managed_node(void **state)
{
	static const char want[] =
	    "AWS4-HMAC-SHA256 Credential=mi-0123456789abcdef0/20260115/"
	    "eu-west-1/ssm/aws4_request, SignedHeaders=content-type;host;"
	    "x-amz-date;x-amz-target, Signature=";
	static const struct http_header headers[] = {
		{ "Host", "ssm.eu-west-1.amazonaws.com" },
		{ "Content-Type", "application/x-amz-json-1.1" },
		{ "X-Amz-Date", "20260115T083007Z" },
		{ "X-Amz-Target", "AmazonSSM.RequestManagedInstanceRoleToken" },
	};
	struct sigv4_request req = { .method = "POST",
		.path = "/",
		.headers = headers,
		.header_count = 4,
		.body = "{}",
		.body_len = 2,
		.region = "eu-west-1",
		.service = "ssm",
		.when = 1768465807 };
	unsigned char salt[RSA_SALT_LEN] = { 1 };
	struct rsa_key *key = NULL;
	struct buf out = { 0 }, text = { 0 }, raw = { 0 }, again = { 0 };
	struct sigv4_signer signer = { .kind = SIGV4_RSA,
		.node = "mi-0123456789abcdef0" };

	(void)state;
	assert_int_equal(rsa_make(&key, NULL), 0);
	signer.key = key;
	assert_int_equal(sigv4_sign(&req, &signer, salt, &out, NULL), 0);
	assert_true(slice_starts(slice_of(buf_str(&out)), want));
	assert_int_equal(out.len, strlen(want) + 344);
	/* The signature is that of the string to sign. */
	assert_int_equal(sigv4_string_to_sign(&req, &text, NULL), 0);
	assert_int_equal(rsa_sign_pss(key, text.data, text.len, salt, &raw,
	                     NULL),
	    0);
	buf_base64(&again, raw.data, raw.len);
	assert_true(slice_ends(slice_of(buf_str(&out)), buf_str(&again)));
	rsa_free(key);
	buf_free(&out);
	buf_free(&text);
	buf_free(&raw);
	buf_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_every_vector),
		cmocka_unit_test(test_normalises_paths),
		cmocka_unit_test(test_sorts_queries),
		cmocka_unit_test(test_refuses_too_much),
		cmocka_unit_test(test_signs_as_a_managed_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
