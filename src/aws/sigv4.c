/* SPDX-License-Identifier: MIT */
#include "aws/sigv4.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "aws/cred/value.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rsa.h"
#include "base/slice.h"

static const char algorithm[] = "AWS4-HMAC-SHA256";

/* Proxies and the transport may change these on the way. */
static const char unsigned_headers[] =
    "connection expect keep-alive proxy-authenticate proxy-authorization te "
    "trailer transfer-encoding upgrade user-agent x-amzn-trace-id";

enum { DATE_LEN = 8, CANONICAL_MAX = 1 << 20 };

/*
 * Headers or parameters in their canonical order: headers by name in lower
 * case, equal ones as they were added; parameters by the bytes of name and
 * value.  Zero is an empty list of headers.
 */
enum { PAIRS_MAX = 64 };

struct pair_list {
	struct pair {
		struct slice name;
		struct slice value;
	} pairs[PAIRS_MAX];
	size_t count;
	bool parameters;
};

static int
compare_text(struct slice a, struct slice b, bool fold)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int rc = 0;

	if (len > 0)
		rc = fold ? strncasecmp(a.ptr, b.ptr, len)
		          : memcmp(a.ptr, b.ptr, len);
	return rc != 0 ? rc : (a.len > b.len) - (a.len < b.len);
}

/* The names of two headers are the same, whatever their letter case. */
static bool
same_name(struct slice a, struct slice b)
{
	return compare_text(a, b, true) == 0;
}

/* Put a pair in its place; more than PAIRS_MAX are refused. */
static int
insert(struct pair_list *list, struct slice name, struct slice value,
    struct err *err)
{
	size_t i;

	if (list->count == PAIRS_MAX) {
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "more than %d headers or parameters to sign", PAIRS_MAX);
	}
	for (i = list->count++; i > 0; i--) {
		const struct pair *before = &list->pairs[i - 1];
		int rc = compare_text(before->name, name, !list->parameters);

		if (rc == 0 && list->parameters)
			rc = compare_text(before->value, value, false);
		if (rc <= 0)
			break;
		list->pairs[i] = *before;
	}
	list->pairs[i] = (struct pair){ name, value };
	return 0;
}

void
sigv4_encode(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (isalnum(c) || slice_has(slice_of("-._~"), (char)c))
			buf_putc(out, (char)c);
		else
			buf_printf(out, "%%%02X", (unsigned)c);
	}
}

/* Append the path without ".", ".." and empty segments, then percent-encoded
 * once more. */
static void
add_path(struct buf *out, const char *path)
{
	struct buf clean = { 0 };
	struct slice rest = slice_of(path), segment, head, tail;

	while (slice_cut(&rest, '/', &segment)) {
		if (segment.len == 0 || slice_eq(segment, "."))
			continue;
		if (!slice_eq(segment, "..")) {
			buf_putc(&clean, '/');
			sigv4_encode(&clean, segment);
		} else if (slice_rsplit(slice_make(clean.data, clean.len), '/',
		               &head, &tail)) {
			buf_cut(&clean, head.len);
		}
	}
	if (clean.len == 0 || slice_ends(slice_of(path), "/"))
		buf_putc(&clean, '/');
	out->failed |= clean.failed;
	buf_add(out, clean.data, clean.len);
	buf_free(&clean);
}

/* Append the parameters of a query, which is encoded already, in order.  NULL
 * is an empty query; one of more than PAIRS_MAX parameters is refused. */
static int
add_query(struct buf *out, const char *query, struct err *err)
{
	struct slice rest = slice_of(query), pair, name, value;
	struct pair_list list = { .parameters = true };
	bool last = rest.len == 0;

	while (!last) {
		last = !slice_split(rest, '&', &pair, &rest);
		name = last ? rest : pair;
		value = slice_make(NULL, 0);
		slice_split(name, '=', &name, &value);
		if (insert(&list, name, value, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < list.count; i++) {
		if (i > 0)
			buf_putc(out, '&');
		buf_add(out, list.pairs[i].name.ptr, list.pairs[i].name.len);
		buf_putc(out, '=');
		buf_add(out, list.pairs[i].value.ptr, list.pairs[i].value.len);
	}
	return 0;
}

static bool
is_signed(const char *name)
{
	struct slice rest = slice_of(unsigned_headers), one;
	bool found = false;

	while (!found && slice_cut(&rest, ' ', &one))
		found = slice_eq_nocase(one, name);
	return !found;
}

static int
collect_headers(const struct sigv4_request *req, struct pair_list *list,
    struct err *err)
{
	for (size_t i = 0; i < req->header_count; i++) {
		const struct http_header *header = &req->headers[i];

		if (is_signed(header->name) &&
		    insert(list, slice_of(header->name),
		        slice_of(header->value), err) != 0)
			return -1;
	}
	return 0;
}

static void
add_lower(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_putc(out, (char)tolower((unsigned char)text.ptr[i]));
}

/* The value without white space around it, one blank for every run in it. */
static void
add_trimmed(struct buf *out, struct slice value)
{
	size_t start = out->len, i;
	bool blank = false;

	for (i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == ' ' || (c >= '\t' && c <= '\r')) {
			blank = out->len > start;
			continue;
		}
		if (blank)
			buf_putc(out, ' ');
		buf_putc(out, c);
		blank = false;
	}
}

/* A header a line; repeated ones share it. */
static void
add_headers(struct buf *out, const struct pair_list *list)
{
	struct slice last = { NULL, 0 };

	for (size_t i = 0; i < list->count; i++) {
		struct slice name = list->pairs[i].name;

		if (same_name(last, name)) {
			buf_cut(out, out->len - 1);
			buf_putc(out, ',');
		} else {
			add_lower(out, name);
			buf_putc(out, ':');
		}
		last = name;
		add_trimmed(out, list->pairs[i].value);
		buf_putc(out, '\n');
	}
}

static void
add_names(struct buf *out, const struct pair_list *list)
{
	struct slice last = { NULL, 0 };

	for (size_t i = 0; i < list->count; i++) {
		struct slice name = list->pairs[i].name;

		if (same_name(last, name))
			continue;
		if (i > 0)
			buf_putc(out, ';');
		add_lower(out, name);
		last = name;
	}
}

/* A hash that the caller sends as a header takes the place of ours. */
static void
add_body_hash(struct buf *out, const struct sigv4_request *req)
{
	char hex[DIGEST_HEX_LEN + 1];

	for (size_t i = 0; i < req->header_count; i++) {
		if (slice_eq_nocase(slice_of(req->headers[i].name),
		        "x-amz-content-sha256")) {
			buf_puts(out, req->headers[i].value);
			return;
		}
	}
	digest_sha256_hex(req->body, req->body_len, hex);
	buf_puts(out, hex);
}

static int
check_text(const struct buf *out, struct err *err)
{
	if (buf_ok(out))
		return 0;
	return err_set(err, ERR_KIND_SYSTEM, "no memory for a signature");
}

int
sigv4_canonical(const struct sigv4_request *req, struct buf *out,
    struct err *err)
{
	struct pair_list list = { 0 };

	if (collect_headers(req, &list, err) != 0)
		return -1;
	buf_printf(out, "%s\n", req->method);
	add_path(out, req->path);
	buf_putc(out, '\n');
	if (add_query(out, req->query, err) != 0)
		return -1;
	buf_putc(out, '\n');
	add_headers(out, &list);
	buf_putc(out, '\n');
	add_names(out, &list);
	buf_putc(out, '\n');
	add_body_hash(out, req);
	return check_text(out, err);
}

/* DAY/REGION/SERVICE/aws4_request */
static void
add_scope(struct buf *out, const struct sigv4_request *req)
{
	char when[CLOCK_BASIC_SIZE];

	clock_basic(req->when, when);
	buf_printf(out, "%.*s/%s/%s/aws4_request", DATE_LEN, when, req->region,
	    req->service);
}

int
sigv4_string_to_sign(const struct sigv4_request *req, struct buf *out,
    struct err *err)
{
	struct buf canonical = { .max = CANONICAL_MAX };
	char when[CLOCK_BASIC_SIZE];
	char hex[DIGEST_HEX_LEN + 1];
	int rc = sigv4_canonical(req, &canonical, err);

	if (rc == 0) {
		digest_sha256_hex(canonical.data, canonical.len, hex);
		clock_basic(req->when, when);
		buf_printf(out, "%s\n%s\n", algorithm, when);
		add_scope(out, req);
		buf_printf(out, "\n%s", hex);
		rc = check_text(out, err);
	}
	buf_free(&canonical);
	return rc;
}

/*
 * A chain of HMACs: the key of the day, the region, the service, this use,
 * which are the parts of the scope, and at last the text.
 */
static int
sign_hmac(const struct sigv4_request *req, const char *secret,
    const struct buf *text, struct buf *out, struct err *err)
{
	unsigned char mac[DIGEST_SHA256_LEN];
	struct buf key = { 0 }, scope = { 0 };
	struct slice rest, part;
	int rc;

	buf_printf(&key, "AWS4%s", secret);
	add_scope(&scope, req);
	rest = slice_make(scope.data, scope.len);
	while (slice_cut(&rest, '/', &part)) {
		digest_hmac(key.data, key.len, part.ptr, part.len, mac);
		buf_cut(&key, 0);
		buf_add(&key, mac, sizeof mac);
	}
	digest_hmac(key.data, key.len, text->data, text->len, mac);
	buf_hex(out, mac, sizeof mac);
	explicit_bzero(mac, sizeof mac);
	rc = check_text(&scope, err) == 0 ? check_text(&key, err) : -1;
	buf_free(&scope);
	buf_free(&key);
	return rc;
}

static int
sign_rsa(const struct sigv4_request *req, const struct sigv4_signer *signer,
    const unsigned char *salt, const struct buf *text, struct buf *out,
    struct err *err)
{
	const struct sigv4_remote *remote = &signer->remote;
	struct buf raw = { 0 };
	int rc;

	rc = signer->key == NULL ? remote->sign(remote->context, req, &raw, err)
	                         : rsa_sign_pss(signer->key, text->data,
	                               text->len, salt, &raw, err);
	buf_base64(out, raw.data, raw.len);
	buf_free(&raw);
	return rc;
}

int
sigv4_sign(const struct sigv4_request *req, const struct sigv4_signer *signer,
    const unsigned char *salt, struct buf *out, struct err *err)
{
	bool rsa = signer->kind == SIGV4_RSA;
	struct pair_list list = { 0 };
	struct buf text = { 0 };
	int rc = -1;

	if (collect_headers(req, &list, err) != 0 ||
	    sigv4_string_to_sign(req, &text, err) != 0)
		goto out;
	buf_printf(out, "%s Credential=%s/", algorithm,
	    rsa ? signer->node : signer->cred->access_key);
	add_scope(out, req);
	buf_puts(out, ", SignedHeaders=");
	add_names(out, &list);
	buf_puts(out, ", Signature=");
	rc = rsa ? sign_rsa(req, signer, salt, &text, out, err)
	         : sign_hmac(req, signer->cred->secret_key, &text, out, err);
	if (rc == 0)
		rc = check_text(out, err);
out:
	buf_free(&text);
	return rc;
}
