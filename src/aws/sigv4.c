#include "aws/sigv4.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aws/canon.h"
#include "aws/cred.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rsa.h"
#include "base/slice.h"

static const char algorithm[] = "AWS4-HMAC-SHA256";
static const char hash_header[] = "x-amz-content-sha256";
static const char blanks[] = " \t\n\r\v\f";

/* Proxies and the transport may change these on the way. */
static const char *const unsigned_headers[] = { "connection", "expect",
	"keep-alive", "proxy-authenticate", "proxy-authorization", "te",
	"trailer", "transfer-encoding", "upgrade", "user-agent",
	"x-amzn-trace-id" };

enum { FIELDS_MAX = 64, DATE_LEN = 8, CANONICAL_MAX = 1 << 20 };

/* A header to be signed. */
struct field {
	struct slice name;
	struct slice value;
	size_t order;
};

struct fields {
	struct field list[FIELDS_MAX];
	size_t count;
};

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static int
fields_add(struct fields *f, struct slice name, struct slice value,
    struct err *err)
{
	if (f->count == FIELDS_MAX)
		return err_set(err, ERR_KIND_INVALID_VALUE,
		    "more than %d headers to sign", FIELDS_MAX);
	f->list[f->count] =
	    (struct field){ .name = name, .value = value, .order = f->count };
	f->count++;
	return 0;
}

/* Header names count in lower case; equal ones stay in the order sent. */
static int
compare_headers(const void *a, const void *b)
{
	const struct field *x = a, *y = b;
	size_t i;

	for (i = 0; i < x->name.len && i < y->name.len; i++) {
		int c = (unsigned char)lower(x->name.ptr[i]);
		int d = (unsigned char)lower(y->name.ptr[i]);

		if (c != d)
			return c - d;
	}
	if (x->name.len != y->name.len)
		return x->name.len > y->name.len ? 1 : -1;
	return (x->order > y->order) - (x->order < y->order);
}

static bool
is_signed(struct slice name)
{
	size_t i;

	for (i = 0; i < sizeof unsigned_headers / sizeof *unsigned_headers; i++)
		if (slice_eq_nocase(name, unsigned_headers[i]))
			return false;
	return true;
}

static int
collect_headers(const struct sigv4_request *req, struct fields *f,
    struct err *err)
{
	size_t i;

	for (i = 0; i < req->header_count; i++) {
		struct slice name = slice_of(req->headers[i].name);

		if (is_signed(name) &&
		    fields_add(f, name, slice_of(req->headers[i].value), err) !=
		        0)
			return -1;
	}
	qsort(f->list, f->count, sizeof *f->list, compare_headers);
	return 0;
}

static bool
same_header(const struct fields *f, size_t i)
{
	char name[128];

	if (i == 0 || !slice_copy(f->list[i - 1].name, name, sizeof name))
		return false;
	return slice_eq_nocase(f->list[i].name, name);
}

static void
add_lower(struct buf *out, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		buf_putc(out, lower(text.ptr[i]));
}

/* The value without white space around it, one blank for every run in it. */
static void
add_trimmed(struct buf *out, struct slice value)
{
	bool blank = false, any = false;
	size_t i;

	for (i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c != '\0' && strchr(blanks, c) != NULL) {
			blank = any;
			continue;
		}
		if (blank)
			buf_putc(out, ' ');
		buf_putc(out, c);
		blank = false;
		any = true;
	}
}

static void
add_headers(struct buf *out, const struct fields *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (same_header(f, i)) {
			buf_putc(out, ',');
		} else {
			if (i > 0)
				buf_putc(out, '\n');
			add_lower(out, f->list[i].name);
			buf_putc(out, ':');
		}
		add_trimmed(out, f->list[i].value);
	}
	if (f->count > 0)
		buf_putc(out, '\n');
}

static void
add_names(struct buf *out, const struct fields *f)
{
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (same_header(f, i))
			continue;
		if (i > 0)
			buf_putc(out, ';');
		add_lower(out, f->list[i].name);
	}
}

/* A hash that the caller sends as a header takes the place of ours. */
static void
add_body_hash(struct buf *out, const struct sigv4_request *req,
    const struct fields *f)
{
	char hex[DIGEST_HEX_LEN + 1];
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (!slice_eq_nocase(f->list[i].name, hash_header))
			continue;
		buf_add(out, f->list[i].value.ptr, f->list[i].value.len);
		return;
	}
	digest_sha256_hex(req->body, req->body_len, hex);
	buf_puts(out, hex);
}

static int
check(const struct buf *out, struct err *err)
{
	if (buf_ok(out))
		return 0;
	return err_set(err, ERR_KIND_SYSTEM, "no memory for a signature");
}

int
sigv4_canonical(const struct sigv4_request *req, struct buf *out,
    struct err *err)
{
	struct fields f = { .count = 0 };

	if (collect_headers(req, &f, err) != 0)
		return -1;
	buf_printf(out, "%s\n", req->method);
	canon_path(out, req->path);
	buf_putc(out, '\n');
	if (canon_query(out, req->query, err) != 0)
		return -1;
	buf_putc(out, '\n');
	add_headers(out, &f);
	buf_putc(out, '\n');
	add_names(out, &f);
	buf_putc(out, '\n');
	add_body_hash(out, req, &f);
	return check(out, err);
}

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
	int rc = -1;

	if (sigv4_canonical(req, &canonical, err) != 0)
		goto out;
	digest_sha256_hex(canonical.data, canonical.len, hex);
	clock_basic(req->when, when);
	buf_printf(out, "%s\n%s\n", algorithm, when);
	add_scope(out, req);
	buf_printf(out, "\n%s", hex);
	rc = check(out, err);
out:
	buf_free(&canonical);
	return rc;
}

/* The key of one day, region and service: a chain of HMACs. */
static int
derive_key(const struct sigv4_request *req, const char *secret,
    unsigned char key[static DIGEST_SHA256_LEN], struct err *err)
{
	const char *parts[] = { NULL, req->region, req->service,
		"aws4_request" };
	char day[CLOCK_BASIC_SIZE];
	struct buf first = { 0 };
	size_t i;
	int rc;

	clock_basic(req->when, day);
	day[DATE_LEN] = '\0';
	parts[0] = day;
	buf_printf(&first, "AWS4%s", secret);
	rc = check(&first, err);
	if (rc == 0)
		digest_hmac(first.data, first.len, parts[0], strlen(parts[0]),
		    key);
	for (i = 1; rc == 0 && i < sizeof parts / sizeof *parts; i++)
		digest_hmac(key, DIGEST_SHA256_LEN, parts[i], strlen(parts[i]),
		    key);
	buf_free(&first);
	return rc;
}

static int
sign_hmac(const struct sigv4_request *req, const struct sigv4_signer *signer,
    const struct buf *text, struct buf *out, struct err *err)
{
	unsigned char key[DIGEST_SHA256_LEN];
	unsigned char mac[DIGEST_SHA256_LEN];
	int rc = derive_key(req, signer->cred->secret_key, key, err);

	if (rc == 0) {
		digest_hmac(key, sizeof key, text->data, text->len, mac);
		buf_hex(out, mac, sizeof mac);
	}
	explicit_bzero(key, sizeof key);
	return rc;
}

static int
sign_rsa(const struct sigv4_signer *signer, const unsigned char *salt,
    const struct buf *text, struct buf *out, struct err *err)
{
	struct buf raw = { 0 };
	int rc;

	rc = rsa_sign_pss(signer->key, text->data, text->len, salt, &raw, err);
	if (rc == 0)
		buf_base64(out, raw.data, raw.len);
	buf_free(&raw);
	return rc;
}

int
sigv4_sign(const struct sigv4_request *req, const struct sigv4_signer *signer,
    const unsigned char *salt, struct buf *out, struct err *err)
{
	bool rsa = signer->kind == SIGV4_RSA;
	struct fields f = { .count = 0 };
	struct buf text = { 0 };
	int rc = -1;

	if (collect_headers(req, &f, err) != 0 ||
	    sigv4_string_to_sign(req, &text, err) != 0)
		goto out;
	buf_printf(out, "%s Credential=%s/", algorithm,
	    rsa ? signer->node : signer->cred->access_key);
	add_scope(out, req);
	buf_puts(out, ", SignedHeaders=");
	add_names(out, &f);
	buf_puts(out, ", Signature=");
	rc = rsa ? sign_rsa(signer, salt, &text, out, err)
	         : sign_hmac(req, signer, &text, out, err);
	if (rc == 0)
		rc = check(out, err);
out:
	buf_free(&text);
	return rc;
}
