#include "aws/fault.h"

#include "aws/xml.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/format.h"
#include "base/json.h"
#include "base/slice.h"

enum { BODY_MAX = 256 * 1024, MASKED_MAX = 4 * BODY_MAX };

/* A wrong signature is answered with the text that should have been signed,
 * and the session token is part of that. */
static const char *const echoes[] = { "The Canonical String",
	"The String-to-Sign", "x-amz-security-token" };

static const char *const access_codes[] = { "AccessDenied",
	"AccessDeniedException", "UnauthorizedOperation", "NotAuthorized",
	"UnrecognizedClientException", "InvalidClientTokenId",
	"InvalidSignatureException", "SignatureDoesNotMatch",
	"IncompleteSignature", "IncompleteSignatureException",
	"MissingAuthenticationToken", "MissingAuthenticationTokenException",
	"AuthFailure", "ExpiredToken", "ExpiredTokenException",
	"InvalidIdentityToken", "IDPRejectedClaim" };

static const char *const expired_codes[] = { "ExpiredToken",
	"ExpiredTokenException" };

static const struct {
	int status;
	const char *reason;
} reasons[] = { { 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
	{ 511, "Network Authentication Required" } };

static bool
is_in(const char *const *list, size_t count, const char *code)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(slice_of(code), list[i]))
			return true;
	return false;
}

bool
fault_is_access(const char *code)
{
	return is_in(access_codes, sizeof access_codes / sizeof *access_codes,
	    code);
}

bool
fault_is_expired(const char *code)
{
	return is_in(expired_codes,
	    sizeof expired_codes / sizeof *expired_codes, code);
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

static void
set_code(struct err *err, struct slice raw)
{
	struct slice code = bare_code(raw);

	if (code.len > 0 && err->peer_code[0] == '\0')
		err_clean(err->peer_code, sizeof err->peer_code, code.ptr,
		    code.len);
}

static struct slice
without_echo(struct slice s)
{
	size_t i;

	for (i = 0; i < sizeof echoes / sizeof *echoes; i++) {
		ptrdiff_t at = slice_find(s, echoes[i]);

		if (at >= 0)
			s = slice_head(s, (size_t)at);
	}
	return s;
}

/* Without white space, line ends too, at both ends. */
static struct slice
strip(struct slice s)
{
	const struct slice white = slice_of(" \t\r\n");

	while (s.len > 0 && slice_has(white, s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && slice_has(white, s.ptr[s.len - 1]))
		s = slice_head(s, s.len - 1);
	return s;
}

/* Append s with one secret taken out wherever it stands. */
static void
add_masked(struct buf *out, struct slice s, const char *secret)
{
	struct slice hidden = slice_of(secret);
	ptrdiff_t at = -1;

	/* A secret of a few bytes would hide ordinary words. */
	while (hidden.len >= 8 && (at = slice_find(s, secret)) >= 0) {
		buf_add(out, s.ptr, (size_t)at);
		buf_puts(out, "(hidden)");
		s = slice_skip(s, (size_t)at + hidden.len);
	}
	buf_add(out, s.ptr, s.len);
}

static void
set_text(struct err *err, const struct fault_answer *a, struct slice raw)
{
	struct buf once = { .max = MASKED_MAX };
	struct buf twice = { .max = MASKED_MAX };

	if (raw.len > BODY_MAX)
		raw = slice_head(raw, BODY_MAX);
	add_masked(&once, without_echo(raw), a->secrets[0]);
	add_masked(&twice, slice_make(once.data, once.len), a->secrets[1]);
	raw = strip(slice_make(twice.data, twice.len));
	if (buf_ok(&once) && buf_ok(&twice))
		err_clean(err->peer_text, sizeof err->peer_text, raw.ptr,
		    raw.len);
	buf_free(&once);
	buf_free(&twice);
}

static const char *
first_text(const struct json *doc, const char *a, const char *b)
{
	const char *text = json_text(doc, a);

	return text != NULL ? text : json_text(doc, b);
}

/* What stands in for a body that says nothing. */
static void
set_reason(struct err *err, const struct fault_answer *a)
{
	struct slice body = strip(slice_make(a->body, a->body_len));
	bool page =
	    body.len == 0 || slice_eq_nocase(slice_head(body, 6), "<html>");
	size_t i;

	if (a->status < 500 || !page) {
		set_text(err, a, body);
		return;
	}
	for (i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (a->status == reasons[i].status)
			set_text(err, a, slice_of(reasons[i].reason));
}

static void
decode_json(const struct fault_answer *a, struct err *err)
{
	struct json *doc = NULL;
	const char *text;

	set_code(err, slice_of(a->type));
	if (json_parse(&doc, a->body, a->body_len, NULL) != 0 ||
	    !json_is_object(doc)) {
		set_reason(err, a);
		json_free(doc);
		return;
	}
	set_code(err, slice_of(json_text(doc, "code")));
	set_code(err, slice_of(json_text(doc, "__type")));
	text = first_text(doc, "message", "Message");
	if (text != NULL)
		set_text(err, a, slice_of(text));
	json_free(doc);
}

/* The text of one of the places where it may stand. */
static int
find_one(struct slice doc, const char *const *paths, struct buf *out)
{
	size_t i;

	for (i = 0; paths[i] != NULL; i++) {
		int rc = xml_find(doc, paths[i], out, NULL);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

static void
decode_query(const struct fault_answer *a, struct err *err)
{
	static const char *const codes[] = { "ErrorResponse/Error/Code",
		"Errors/Error/Code", "Response/Errors/Error/Code", "Error/Code",
		NULL };
	static const char *const texts[] = { "ErrorResponse/Error/Message",
		"Errors/Error/Message", "Response/Errors/Error/Message",
		"Error/Message", NULL };
	static const char *const ids[] = { "ErrorResponse/RequestId",
		"Errors/RequestId", "Response/RequestID", "Error/RequestId",
		NULL };
	struct slice doc = slice_make(a->body, a->body_len);
	struct buf code = { 0 }, text = { .max = BODY_MAX }, id = { 0 };

	if (find_one(doc, codes, &code) != 0) {
		set_reason(err, a);
		goto out;
	}
	set_code(err, slice_make(code.data, code.len));
	if (find_one(doc, texts, &text) == 0)
		set_text(err, a, slice_make(text.data, text.len));
	if (find_one(doc, ids, &id) == 0)
		err_clean(err->request_id, sizeof err->request_id, id.data,
		    id.len);
out:
	buf_free(&code);
	buf_free(&text);
	buf_free(&id);
}

void
fault_decode(const struct fault_answer *a, struct err *err)
{
	struct slice id = slice_of(a->id);

	err->http_status = a->status;
	err->peer_code[0] = '\0';
	err->peer_text[0] = '\0';
	err_clean(err->request_id, sizeof err->request_id, id.ptr, id.len);
	if (a->query)
		decode_query(a, err);
	else
		decode_json(a, err);
	if (err->peer_code[0] == '\0')
		(void)format_text(err->peer_code, sizeof err->peer_code, "%d",
		    a->status);
}
