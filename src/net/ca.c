/* SPDX-License-Identifier: MIT */
#include "net/ca.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/trust.h"
#include "net/ca_roots.h"
#include "net/cert.h"

enum { PEM_LINE_BYTES = 48, FAULTS_MAX = 5 };

#define UTF8_MARK "\xEF\xBB\xBF"

/* The bytes belong to der, or to the table of built-in roots. */
struct anchor {
	struct cert cert;
	char *der;
};

struct ca {
	struct buf anchors; /* struct anchor each */
	size_t count;
};

/* A bundle that is read. */
struct bundle {
	struct ca *ca;
	const char *path;
	size_t number;      /* certificates so far */
	size_t fault_count; /* those that cannot be used */
	struct buf faults;  /* the first of them, for people */
	int64_t now;
};

/* Takes der over. */
static int
add_anchor(struct ca *ca, const struct cert *cert, char *der, struct err *err)
{
	struct anchor anchor = { *cert, der };

	buf_add(&ca->anchors, &anchor, sizeof anchor);
	if (!buf_ok(&ca->anchors)) {
		free(der);
		return err_memory(err);
	}
	ca->count++;
	return 0;
}

static struct ca *
new_ca(struct err *err)
{
	struct ca *ca = calloc(1, sizeof *ca);

	if (ca == NULL)
		err_memory(err);
	else
		ca->anchors.max = CA_COUNT_MAX * sizeof(struct anchor);
	return ca;
}

/* host is below the name, which begins with a dot. */
static bool
is_below(const char *host, const char *name)
{
	struct slice all = slice_of(host), end = slice_of(name);

	return all.len > end.len &&
	       slice_eq_nocase(slice_skip(all, all.len - end.len), name);
}

static bool
in_china(const char *host)
{
	return is_below(host, ".amazonaws.com.cn") ||
	       is_below(host, ".api.amazonwebservices.com.cn");
}

int
ca_builtin(struct ca **out, const char *host, struct err *err)
{
	struct ca *ca = new_ca(err);
	bool china = in_china(host);
	int rc = ca != NULL ? 0 : -1;

	for (size_t i = 0; i < ca_roots_count && rc == 0; i++) {
		const struct ca_root *root = &ca_roots_table[i];
		struct cert cert;

		if (root->china && !china)
			continue;
		rc = cert_read(&cert,
		    slice_make((const char *)root->der, root->len));
		rc = rc == 0 ? add_anchor(ca, &cert, NULL, err)
		             : err_set(err, ERR_KIND_SYSTEM,
		                   "built-in root %s is malformed", root->name);
	}
	if (rc == 0)
		*out = ca;
	else
		ca_free(ca);
	return rc;
}

/*
 * A certificate begins here.  OpenSSL takes "TRUSTED CERTIFICATE", too: what
 * follows the certificate in one of these can say that it is not to be
 * trusted.
 */
static bool
is_begin(struct slice line)
{
	line = slice_trim(line);
	return slice_eq(line, "-----BEGIN CERTIFICATE-----") ||
	       slice_eq(line, "-----BEGIN X509 CERTIFICATE-----");
}

static void
add_fault(struct bundle *b, const char *name, const char *fault)
{
	bool named = name[0] != '\0';

	if (++b->fault_count > FAULTS_MAX)
		return;
	buf_printf(&b->faults, "%scertificate %zu%s%s%s %s",
	    b->fault_count > 1 ? "; " : "", b->number, named ? " (" : "", name,
	    named ? ")" : "", fault);
}

/* Add the certificate, whose bytes are taken over, as an anchor, or say why
 * it is none.  One whose fault may be of today only is kept. */
static int
add_der(struct bundle *b, struct buf *der, struct err *err)
{
	char name[CERT_NAME_SIZE];
	const char *fault;
	struct cert cert;

	if (cert_read(&cert, slice_make(der->data, der->len)) != 0) {
		add_fault(b, "", "is malformed");
		return 0;
	}
	fault = cert.key_fault;
	if (fault == NULL)
		fault = cert_fault_date(&cert, b->now);
	if (fault == NULL)
		fault = cert_fault_purpose(&cert);
	if (fault == NULL)
		fault = cert_fault_constraint(&cert);
	if (fault != NULL) {
		cert_name(&cert, name);
		add_fault(b, name, fault);
	}
	return cert.key_fault != NULL
	           ? 0
	           : add_anchor(b->ca, &cert, buf_take(der), err);
}

/* Add what a BEGIN and an END line were around, or say why not. */
static int
add_pem(struct bundle *b, struct slice body, struct err *err)
{
	struct buf der = { .max = CERT_MAX };
	int rc = 0;

	if (++b->number > CA_COUNT_MAX)
		return err_set(err, ERR_KIND_CONFIG,
		    "too many certificates in %s", b->path);
	if (digest_base64_decode(&der, body) == 0)
		rc = add_der(b, &der, err);
	else
		add_fault(b, "", "has a PEM form that is broken or too long");
	buf_free(&der);
	return rc;
}

/* Text between certificates, objects of other kinds, what has no END line
 * (RFC 7468) and the marks of UTF-8 that editors put in front do not matter. */
static int
read_pem(struct bundle *b, struct slice text, struct err *err)
{
	struct slice line, body = text, here = text;
	bool open = false;
	int rc = 0;

	for (; rc == 0 && slice_line(&text, &line); here = text) {
		if (slice_starts(line, UTF8_MARK))
			line = slice_skip(line, strlen(UTF8_MARK));
		if (!slice_starts(line, "-----"))
			continue;
		body = slice_head(body, body.len - here.len);
		if (open && slice_starts(line, "-----END "))
			rc = add_pem(b, body, err);
		open = is_begin(line);
		body = text;
	}
	return rc;
}

static int
check_count(const struct bundle *b, struct slice text, struct err *err)
{
	if (b->ca->count > 0)
		return 0;
	if (b->number > 0) {
		return err_set(err, ERR_KIND_CONFIG,
		    "no usable certificate in %s: %s", b->path,
		    buf_str(&b->faults));
	}
	return err_set(err, ERR_KIND_CONFIG, "no certificate in %s%s", b->path,
	    slice_starts(text, "\xFF\xFE") || slice_starts(text, "\xFE\xFF")
	        ? ": it is UTF-16, not ASCII or UTF-8"
	        : "");
}

static void
warn(const struct bundle *b)
{
	if (b->fault_count == 0 || !log_once(b->path))
		return;
	log_event(LOG_WARN, "ca_bundle", "%s: %s%s", b->path,
	    buf_str(&b->faults),
	    b->fault_count > FAULTS_MAX ? "; and others" : "");
}

static int
read_text(struct ca *ca, struct slice text, const char *path, struct err *err)
{
	struct bundle b = { .ca = ca, .path = path, .now = clock_now() };
	int rc = read_pem(&b, text, err);

	if (rc == 0)
		rc = check_count(&b, text, err);
	if (rc == 0)
		warn(&b);
	buf_free(&b.faults);
	return rc;
}

static int
read_bundle(struct ca *ca, const char *path, const struct owner *by,
    struct err *err)
{
	struct trust_file file = { .path = path, .by = by };
	struct buf text = { .max = CA_FILE_MAX };
	struct err why = { 0 };
	enum file_found found = trust_read(&file, &text, &why);
	int rc;

	if (found == FILE_FOUND)
		rc = read_text(ca, slice_make(text.data, text.len), path, err);
	else if (found == FILE_ABSENT)
		rc = err_set(err, ERR_KIND_CONFIG, "there is no file %s", path);
	else
		rc = err_set(err, ERR_KIND_CONFIG, "%s", why.msg);
	buf_free(&text);
	return rc;
}

int
ca_load(struct ca **out, const char *path, const struct owner *by,
    const char *what, struct err *err)
{
	struct ca *ca = new_ca(err);

	if (ca == NULL)
		return -1;
	if (read_bundle(ca, path, by, err) != 0) {
		ca_free(ca);
		/* To AWS SDKs this is a failure of TLS; our exit status says
		 * that a setting is wrong. */
		if (err != NULL && err->kind == ERR_KIND_CONFIG)
			err->kind = ERR_KIND_TLS;
		return err_wrap(err, what);
	}
	log_debug("%s: %zu trust anchors from %s", what, ca->count, path);
	*out = ca;
	return 0;
}

static const struct anchor *
at(const struct ca *ca, size_t i)
{
	return (const struct anchor *)(const void *)ca->anchors.data + i;
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	for (size_t i = 0; i < ca->count; i++)
		free(at(ca, i)->der);
	buf_free(&ca->anchors);
	free(ca);
}

size_t
ca_count(const struct ca *ca)
{
	return ca->count;
}

const struct cert *
ca_at(const struct ca *ca, size_t i)
{
	return &at(ca, i)->cert;
}

/* The form of RFC 7468, with lines of 64 characters. */
static void
put_pem(struct buf *out, const struct ca_root *root)
{
	struct slice rest = slice_make((const char *)root->der, root->len);

	buf_printf(out, "# %s\n-----BEGIN CERTIFICATE-----\n", root->name);
	for (; rest.len > 0; rest = slice_skip(rest, PEM_LINE_BYTES)) {
		struct slice part = slice_head(rest, PEM_LINE_BYTES);

		buf_base64(out, part.ptr, part.len);
		buf_putc(out, '\n');
	}
	buf_puts(out, "-----END CERTIFICATE-----\n");
}

int
ca_pem(struct buf *out, struct err *err)
{
	for (size_t i = 0; i < ca_roots_count; i++)
		put_pem(out, &ca_roots_table[i]);
	return buf_ok(out) ? 0 : err_memory(err);
}
