#include "aws/skew.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"

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
	if (err->kind != ERR_KIND_API ||
	    !list_has("InvalidSignatureException SignatureDoesNotMatch "
	              "AuthFailure RequestTimeTooSkewed AccessDeniedException",
	        err->peer_code))
		return false;
	return clock_parse_http(slice_of(date), server) ||
	       time_in_message(slice_of(err->peer_text), server);
}
