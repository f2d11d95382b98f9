#include "aws/skew.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/slice.h"

static const char *const codes[] = { "InvalidSignatureException",
	"SignatureDoesNotMatch", "AuthFailure", "RequestTimeTooSkewed",
	"AccessDeniedException" };

static bool
can_be_skew(const char *code)
{
	size_t i;

	for (i = 0; i < sizeof codes / sizeof *codes; i++)
		if (slice_eq(slice_of(code), codes[i]))
			return true;
	return false;
}

/*
 * "Signature expired: A is now earlier than B (SERVER - 5 min.)" and
 * "Signature not yet current: A is still later than B (SERVER + 5 min.)".
 */
static bool
time_in_message(struct slice text, int64_t *server)
{
	struct slice head, inside, when, rest;

	if (slice_find(text, "Signature expired") < 0 &&
	    slice_find(text, "Signature not yet current") < 0)
		return false;
	return slice_rsplit(text, '(', &head, &inside) &&
	       slice_split(inside, ' ', &when, &rest) &&
	       clock_parse_iso(when, server);
}

bool
skew_server_time(const struct err *err, const char *date, int64_t *server)
{
	if (err->kind != ERR_KIND_API || !can_be_skew(err->peer_code))
		return false;
	if (date != NULL && clock_parse_http(slice_of(date), server))
		return true;
	return time_in_message(slice_of(err->peer_text), server);
}
