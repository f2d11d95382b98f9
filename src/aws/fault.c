/* SPDX-License-Identifier: MIT */
#include "aws/fault.h"

#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/slice.h"

#define EXPIRED_CODES "ExpiredToken ExpiredTokenException"

/* A secret of a few bytes would hide ordinary words. */
enum { SECRET_MIN = 8 };

/* A wrong signature is answered with the text that should have been signed,
 * and the session token is part of that. */
static const char echoes[][24] = { "The Canonical String", "The String-to-Sign",
	"x-amz-security-token" };

/* What stands for an answer that says nothing. */
static const char reasons[] = "500 Internal Server Error\n"
                              "501 Not Implemented\n"
                              "502 Bad Gateway\n"
                              "503 Service Unavailable\n"
                              "504 Gateway Timeout\n"
                              "505 HTTP Version Not Supported\n"
                              "507 Insufficient Storage\n"
                              "511 Network Authentication Required";

bool
fault_is_access(const char *code)
{
	return slice_names(
	    "AccessDenied AccessDeniedException "
	    "UnauthorizedOperation NotAuthorized "
	    "UnrecognizedClientException InvalidClientTokenId "
	    "InvalidSignatureException SignatureDoesNotMatch "
	    "IncompleteSignature IncompleteSignatureException "
	    "MissingAuthenticationToken "
	    "MissingAuthenticationTokenException AuthFailure "
	    "InvalidIdentityToken IDPRejectedClaim " EXPIRED_CODES,
	    code);
}

bool
fault_is_expired(const char *code)
{
	return slice_names(EXPIRED_CODES, code);
}

/* "aws.x#Name:http://…" is Name. */
static struct slice
bare_code(struct slice s)
{
	struct slice head, tail;

	if (slice_split(s, ':', &head, &tail))
		s = head;
	if (slice_split(s, '#', &head, &tail))
		s = tail;
	return slice_trim(s);
}

/* Without white space, line ends too, at both ends. */
static struct slice
strip(struct slice s)
{
	while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ')
		s = slice_skip(s, 1);
	while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ')
		s.len--;
	return s;
}

static bool
is_echo(struct slice s)
{
	for (size_t i = 0; i < sizeof echoes / sizeof *echoes; i++)
		if (slice_starts(s, echoes[i]))
			return true;
	return false;
}

/* The length of the secret that s begins with, or 0. */
static size_t
secret_length(const struct fault_answer *a, struct slice s)
{
	for (size_t i = 0; i < sizeof a->secrets / sizeof *a->secrets; i++) {
		struct slice secret = slice_of(a->secrets[i]);

		if (secret.len >= SECRET_MIN && slice_starts(s, a->secrets[i]))
			return secret.len;
	}
	return 0;
}

void
fault_show(char *out, size_t size, const struct fault_answer *a,
    struct slice raw)
{
	struct buf text = { 0 };

	raw = strip(raw);
	while (raw.len > 0 && text.len < size && !is_echo(raw)) {
		size_t hidden = secret_length(a, raw);

		if (hidden > 0)
			buf_puts(&text, "(hidden)");
		else
			buf_putc(&text, raw.ptr[0]);
		raw = slice_skip(raw, hidden > 0 ? hidden : 1);
	}
	raw = strip(slice_make(text.data, text.len));
	err_clean(out, size, raw.ptr, raw.len);
	buf_free(&text);
}

static void
set_text(struct err *err, const struct fault_answer *a, struct slice raw)
{
	fault_show(err->peer_text, sizeof err->peer_text, a, raw);
}

static void
set_code(struct err *err, const struct fault_answer *a, const char *raw)
{
	struct slice code = bare_code(slice_of(raw));

	if (code.len > 0 && err->peer_code[0] == '\0')
		fault_show(err->peer_code, sizeof err->peer_code, a, code);
}

/* The body is no error document; of a page only the status is shown. */
static void
set_raw_text(struct err *err, const struct fault_answer *a, const char *status)
{
	struct slice body = strip(slice_make(a->body, a->body_len));
	struct slice rest = slice_of(reasons), line;

	if (a->status >= 500 &&
	    (body.len == 0 || slice_eq_nocase(slice_head(body, 6), "<html>"))) {
		body = slice_make(NULL, 0);
		while (slice_line(&rest, &line))
			if (slice_starts(line, status))
				body = slice_skip(line, 4);
	}
	set_text(err, a, body);
}

static const char *
first_text(const struct json *doc, const char *a, const char *b)
{
	const char *text = json_text(doc, a);

	return text != NULL ? text : json_text(doc, b);
}

/* Below the root, in "Errors" there, or the root itself. */
static const struct json *
query_error(const struct json *doc)
{
	const struct json *root = json_first(doc);
	const struct json *error = json_get(root, "Error");

	if (error == NULL)
		error = json_get(json_get(root, "Errors"), "Error");
	return error != NULL ? error : json_get(doc, "Error");
}

static void
set_id(struct err *err, const struct fault_answer *a, const char *text)
{
	struct slice id = slice_of(text);

	if (id.len > 0)
		fault_show(err->request_id, sizeof err->request_id, a, id);
}

/* What a REST service answers in XML: as the Query protocol, or an element
 * that is named by the code. */
static const struct json *
rest_error(const struct fault_answer *a, const struct json *doc,
    struct err *err)
{
	const struct json *error = query_error(doc);
	const struct json *root = json_first(doc);

	if (error != NULL || root == NULL)
		return error;
	set_code(err, a, json_name(root));
	return root;
}

static const struct json *
xml_error(const struct fault_answer *a, const struct json *doc, struct err *err)
{
	return a->rest ? rest_error(a, doc, err) : query_error(doc);
}

void
fault_decode(const struct fault_answer *a, struct err *err)
{
	struct slice body = slice_make(a->body, a->body_len);
	bool xml = a->query || (a->rest && slice_starts(strip(body), "<"));
	struct buf status = { 0 };
	struct json *doc = NULL;
	const struct json *error;

	err->http_status = a->status;
	err->peer_code[0] = '\0';
	err->peer_text[0] = '\0';
	err->request_id[0] = '\0';
	buf_printf(&status, "%d", a->status);
	if (xml)
		xml_parse(&doc, body, NULL);
	else
		json_parse(&doc, body.ptr, body.len, NULL);
	set_id(err, a, a->id);
	set_code(err, a, a->type);
	error = xml ? xml_error(a, doc, err) : doc;
	if (json_is_object(error)) {
		set_code(err, a, json_text(error, "code"));
		set_code(err, a, json_text(error, "__type"));
		set_code(err, a, json_text(error, "Code"));
		set_text(err, a,
		    slice_of(first_text(error, "message", "Message")));
	} else {
		set_raw_text(err, a, buf_str(&status));
	}
	if (xml)
		set_id(err, a,
		    first_text(json_first(doc), "RequestId", "RequestID"));
	set_code(err, a, buf_str(&status));
	buf_free(&status);
	json_free(doc);
}
